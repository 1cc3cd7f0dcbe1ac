-- Messages, how far people have read, and who a direct conversation is between.

ALTER TABLE conversations ADD COLUMN last_message_at BIGINT;

CREATE TABLE messages (
    id UUID NOT NULL PRIMARY KEY,
    conversation_id UUID NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    sender_kind TEXT NOT NULL CHECK (sender_kind IN ('user', 'guest')),
    sender_id UUID NOT NULL,
    guest_name TEXT,
    body TEXT NOT NULL,
    body_folded TEXT NOT NULL,
    reply_to UUID,
    client_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    edited_at BIGINT,
    deleted_at BIGINT
);
CREATE UNIQUE INDEX messages_seq ON messages (conversation_id, seq);
CREATE UNIQUE INDEX messages_client ON messages (conversation_id, sender_kind, sender_id, client_id);
CREATE INDEX messages_created ON messages (conversation_id, created_at);

CREATE TABLE message_reads (
    conversation_id UUID NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    last_read_seq BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
);
CREATE INDEX message_reads_user ON message_reads (user_id);

CREATE TABLE direct_conversations (
    conversation_id UUID NOT NULL PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    user_low UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    user_high UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX direct_conversations_pair ON direct_conversations (user_low, user_high);
CREATE INDEX direct_conversations_high ON direct_conversations (user_high);
