-- Messages, how far people have read, and who a direct conversation is between.

ALTER TABLE conversations ADD COLUMN last_message_at INTEGER;

CREATE TABLE messages (
    id BLOB NOT NULL PRIMARY KEY,
    conversation_id BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    sender_kind TEXT NOT NULL CHECK (sender_kind IN ('user', 'guest')),
    sender_id BLOB NOT NULL,
    guest_name TEXT,
    body TEXT NOT NULL,
    body_folded TEXT NOT NULL,
    reply_to BLOB,
    client_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    edited_at INTEGER,
    deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX messages_seq ON messages (conversation_id, seq);
CREATE UNIQUE INDEX messages_client ON messages (conversation_id, sender_kind, sender_id, client_id);
CREATE INDEX messages_created ON messages (conversation_id, created_at);

CREATE TABLE message_reads (
    conversation_id BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    last_read_seq INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_reads_user ON message_reads (user_id);

CREATE TABLE direct_conversations (
    conversation_id BLOB NOT NULL PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    user_low BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    user_high BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX direct_conversations_pair ON direct_conversations (user_low, user_high);
CREATE INDEX direct_conversations_high ON direct_conversations (user_high);
