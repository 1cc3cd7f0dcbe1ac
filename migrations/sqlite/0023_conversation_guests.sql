-- Since when a guest takes part in the conversation of a room: from joining its call, not from waiting before it.

CREATE TABLE conversation_guests (
    guest_id BLOB NOT NULL PRIMARY KEY REFERENCES guest_sessions (id) ON DELETE CASCADE,
    joined_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO conversation_guests (guest_id, joined_at) SELECT id, created_at FROM guest_sessions;
