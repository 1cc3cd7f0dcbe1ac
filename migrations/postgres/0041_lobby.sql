-- Who waits to be let into a room. A table, so that replicas share it with nothing but the database.

CREATE TABLE lobby_entries (
    id UUID NOT NULL PRIMARY KEY,
    room_id UUID NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    subject_id UUID NOT NULL,
    is_guest BOOLEAN NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'accepted', 'denied')),
    call_id UUID,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX lobby_entries_subject ON lobby_entries (room_id, subject_id);
CREATE INDEX lobby_entries_waiting ON lobby_entries (room_id, id) WHERE status = 'waiting';
CREATE INDEX lobby_entries_expires ON lobby_entries (expires_at);
