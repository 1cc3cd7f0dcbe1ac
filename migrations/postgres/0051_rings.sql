-- Ringing another person: the one room of a pair, and each time somebody rang.

CREATE TABLE direct_rooms (
    low_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    high_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    room_id UUID NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (low_id, high_id)
);
CREATE INDEX direct_rooms_room ON direct_rooms (room_id);

CREATE TABLE call_rings (
    id UUID NOT NULL PRIMARY KEY,
    room_id UUID NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    caller_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    callee_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('ringing', 'answered', 'declined', 'missed', 'cancelled')),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE UNIQUE INDEX call_rings_open ON call_rings (room_id) WHERE state = 'ringing';
CREATE INDEX call_rings_caller ON call_rings (caller_id) WHERE state = 'ringing';
