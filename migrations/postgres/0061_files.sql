-- Files: what may be done with the bytes in the store.

CREATE TABLE files (
    id UUID NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL CHECK (purpose IN ('message', 'avatar', 'recording')),
    conversation_id UUID,
    uploader_kind TEXT NOT NULL CHECK (uploader_kind IN ('user', 'guest')),
    uploader_id UUID NOT NULL,
    name TEXT NOT NULL,
    size BIGINT NOT NULL,
    mime_declared TEXT NOT NULL,
    mime TEXT NOT NULL,
    sha256 BYTEA,
    storage_key TEXT,
    state TEXT NOT NULL CHECK (state IN ('pending', 'ready', 'rejected', 'deleted')),
    reject_reason TEXT,
    received BIGINT NOT NULL,
    upload_until BIGINT,
    message_id UUID,
    created_at BIGINT NOT NULL,
    ready_at BIGINT,
    deleted_at BIGINT
);
CREATE INDEX files_conversation ON files (conversation_id, id);
CREATE INDEX files_uploader ON files (uploader_id, state);
CREATE INDEX files_message ON files (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX files_unfinished ON files (created_at) WHERE state IN ('pending', 'rejected', 'deleted');

ALTER TABLE users ADD COLUMN avatar_file_id UUID;
CREATE INDEX users_avatar ON users (avatar_file_id) WHERE avatar_file_id IS NOT NULL;
