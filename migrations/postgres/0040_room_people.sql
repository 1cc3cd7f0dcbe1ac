-- Who is invited to a room by address, who is kept out of it, and rooms that are part of another one.

CREATE TABLE room_invitations (
    id UUID NOT NULL PRIMARY KEY,
    room_id UUID NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
    invited_by UUID NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX room_invitations_email ON room_invitations (room_id, email);
CREATE INDEX room_invitations_expires ON room_invitations (expires_at);

-- Of an address only a keyed hash is kept.
CREATE TABLE room_bans (
    id UUID NOT NULL PRIMARY KEY,
    room_id UUID NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    subject_id UUID,
    is_guest BOOLEAN NOT NULL,
    address_hash BYTEA,
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    banned_by UUID NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE UNIQUE INDEX room_bans_subject ON room_bans (room_id, subject_id) WHERE subject_id IS NOT NULL;
CREATE INDEX room_bans_address ON room_bans (room_id, address_hash) WHERE address_hash IS NOT NULL;

ALTER TABLE guest_sessions ADD COLUMN address_hash BYTEA;
ALTER TABLE rooms ADD COLUMN parent_room_id UUID REFERENCES rooms (id) ON DELETE CASCADE;
ALTER TABLE rooms ADD COLUMN expiry_noted_at BIGINT;
CREATE INDEX rooms_parent ON rooms (parent_room_id) WHERE parent_room_id IS NOT NULL;
