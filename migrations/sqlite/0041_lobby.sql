-- Who waits to be let into a room. A table, so that replicas share it with nothing but the database.

CREATE TABLE lobby_entries (
    id BLOB NOT NULL PRIMARY KEY,
    room_id BLOB NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    subject_id BLOB NOT NULL,
    is_guest INTEGER NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'accepted', 'denied')),
    call_id BLOB,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX lobby_entries_subject ON lobby_entries (room_id, subject_id);
CREATE INDEX lobby_entries_waiting ON lobby_entries (room_id, id) WHERE status = 'waiting';
CREATE INDEX lobby_entries_expires ON lobby_entries (expires_at);
