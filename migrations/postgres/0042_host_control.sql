-- What hosts decide in a call: a lock, cohosts, what somebody may not send, who was removed.

ALTER TABLE calls ADD COLUMN locked_at BIGINT;
ALTER TABLE call_participants ADD COLUMN removed_at BIGINT;

CREATE TABLE call_grants (
    call_id UUID NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    subject_id UUID NOT NULL,
    is_cohost BOOLEAN NOT NULL,
    block_microphone BOOLEAN NOT NULL,
    block_camera BOOLEAN NOT NULL,
    block_screen_share BOOLEAN NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (call_id, subject_id)
);
