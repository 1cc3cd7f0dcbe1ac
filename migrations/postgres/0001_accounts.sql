-- People, their passwords and their sessions.

CREATE TABLE users (
    id UUID NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    username TEXT,
    display_name TEXT NOT NULL,
    locale TEXT NOT NULL,
    timezone TEXT NOT NULL,
    platform_role TEXT NOT NULL CHECK (platform_role IN ('user', 'admin')),
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'deleted')),
    default_room_access TEXT NOT NULL CHECK (default_room_access IN ('public', 'trusted', 'restricted')),
    email_verified_at BIGINT,
    last_seen_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT
);
CREATE UNIQUE INDEX users_email ON users (email) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX users_username ON users (username) WHERE username IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX users_admins ON users (platform_role) WHERE platform_role = 'admin';

CREATE TABLE user_passwords (
    user_id UUID NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    phc TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    transport TEXT NOT NULL CHECK (transport IN ('bearer', 'cookie')),
    access_hash BYTEA NOT NULL,
    access_expires_at BIGINT NOT NULL,
    refresh_hash BYTEA NOT NULL,
    prev_refresh_hash BYTEA,
    rotated_at BIGINT NOT NULL,
    user_agent TEXT NOT NULL,
    ip TEXT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX sessions_access ON sessions (access_hash);
CREATE UNIQUE INDEX sessions_refresh ON sessions (refresh_hash);
CREATE INDEX sessions_prev_refresh ON sessions (prev_refresh_hash) WHERE prev_refresh_hash IS NOT NULL;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE settings (
    key TEXT NOT NULL PRIMARY KEY,
    value JSONB NOT NULL,
    updated_by UUID,
    updated_at BIGINT NOT NULL
);
