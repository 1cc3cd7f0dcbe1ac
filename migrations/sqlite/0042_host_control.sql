-- What hosts decide in a call: a lock, cohosts, what somebody may not send, who was removed.

ALTER TABLE calls ADD COLUMN locked_at INTEGER;
ALTER TABLE call_participants ADD COLUMN removed_at INTEGER;

CREATE TABLE call_grants (
    call_id BLOB NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    subject_id BLOB NOT NULL,
    is_cohost INTEGER NOT NULL,
    block_microphone INTEGER NOT NULL,
    block_camera INTEGER NOT NULL,
    block_screen_share INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (call_id, subject_id)
) STRICT, WITHOUT ROWID;
