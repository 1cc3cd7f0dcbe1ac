-- Rooms, who belongs to them, and the conversation each of them owns.

CREATE TABLE conversations (
    id UUID NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('channel', 'room', 'meeting', 'direct')),
    owner_id UUID NOT NULL,
    last_seq BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX conversations_owner ON conversations (kind, owner_id);

CREATE TABLE rooms (
    id UUID NOT NULL PRIMARY KEY,
    code TEXT NOT NULL,
    org_id UUID,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    description TEXT NOT NULL,
    type TEXT NOT NULL CHECK (type IN ('chat', 'video')),
    access_level TEXT NOT NULL CHECK (access_level IN ('public', 'trusted', 'restricted')),
    config JSONB NOT NULL,
    capacity BIGINT,
    is_active BOOLEAN NOT NULL,
    expires_at BIGINT,
    conversation_id UUID NOT NULL REFERENCES conversations (id),
    created_by UUID NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT
);
CREATE UNIQUE INDEX rooms_code ON rooms (code);
CREATE INDEX rooms_expires ON rooms (expires_at) WHERE expires_at IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE room_members (
    room_id UUID NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (room_id, user_id)
);
CREATE INDEX room_members_user ON room_members (user_id, room_id);

CREATE TABLE guest_sessions (
    id UUID NOT NULL PRIMARY KEY,
    room_id UUID NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    tab TEXT NOT NULL,
    token_hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX guest_sessions_token ON guest_sessions (token_hash);
CREATE INDEX guest_sessions_expires ON guest_sessions (expires_at);
