-- Who is invited to a room by address, who is kept out of it, and rooms that are part of another one.

CREATE TABLE room_invitations (
    id BLOB NOT NULL PRIMARY KEY,
    room_id BLOB NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
    invited_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX room_invitations_email ON room_invitations (room_id, email);
CREATE INDEX room_invitations_expires ON room_invitations (expires_at);

-- Of an address only a keyed hash is kept.
CREATE TABLE room_bans (
    id BLOB NOT NULL PRIMARY KEY,
    room_id BLOB NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    subject_id BLOB,
    is_guest INTEGER NOT NULL,
    address_hash BLOB,
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    banned_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;
CREATE UNIQUE INDEX room_bans_subject ON room_bans (room_id, subject_id) WHERE subject_id IS NOT NULL;
CREATE INDEX room_bans_address ON room_bans (room_id, address_hash) WHERE address_hash IS NOT NULL;

ALTER TABLE guest_sessions ADD COLUMN address_hash BLOB;
ALTER TABLE rooms ADD COLUMN parent_room_id BLOB REFERENCES rooms (id) ON DELETE CASCADE;
ALTER TABLE rooms ADD COLUMN expiry_noted_at INTEGER;
CREATE INDEX rooms_parent ON rooms (parent_room_id) WHERE parent_room_id IS NOT NULL;
