-- Ringing another person: the one room of a pair, and each time somebody rang.

CREATE TABLE direct_rooms (
    low_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    high_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    room_id BLOB NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (low_id, high_id)
) STRICT;
CREATE INDEX direct_rooms_room ON direct_rooms (room_id);

CREATE TABLE call_rings (
    id BLOB NOT NULL PRIMARY KEY,
    room_id BLOB NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    caller_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    callee_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('ringing', 'answered', 'declined', 'missed', 'cancelled')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX call_rings_open ON call_rings (room_id) WHERE state = 'ringing';
CREATE INDEX call_rings_caller ON call_rings (caller_id) WHERE state = 'ringing';
