-- Rooms, who belongs to them, and the conversation each of them owns.

CREATE TABLE conversations (
    id BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('channel', 'room', 'meeting', 'direct')),
    owner_id BLOB NOT NULL,
    last_seq INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX conversations_owner ON conversations (kind, owner_id);

CREATE TABLE rooms (
    id BLOB NOT NULL PRIMARY KEY,
    code TEXT NOT NULL,
    org_id BLOB,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    description TEXT NOT NULL,
    type TEXT NOT NULL CHECK (type IN ('chat', 'video')),
    access_level TEXT NOT NULL CHECK (access_level IN ('public', 'trusted', 'restricted')),
    config TEXT NOT NULL,
    capacity INTEGER,
    is_active INTEGER NOT NULL,
    expires_at INTEGER,
    conversation_id BLOB NOT NULL REFERENCES conversations (id),
    created_by BLOB NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX rooms_code ON rooms (code);
CREATE INDEX rooms_expires ON rooms (expires_at) WHERE expires_at IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE room_members (
    room_id BLOB NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX room_members_user ON room_members (user_id, room_id);

CREATE TABLE guest_sessions (
    id BLOB NOT NULL PRIMARY KEY,
    room_id BLOB NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    tab TEXT NOT NULL,
    token_hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX guest_sessions_token ON guest_sessions (token_hash);
CREATE INDEX guest_sessions_expires ON guest_sessions (expires_at);
