-- Refresh tokens that were exchanged: whoever presents one again shows that it was stolen.

CREATE TABLE spent_refresh_tokens (
    hash BYTEA NOT NULL PRIMARY KEY,
    session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    spent_at BIGINT NOT NULL
);
CREATE INDEX spent_refresh_tokens_session ON spent_refresh_tokens (session_id);
CREATE INDEX spent_refresh_tokens_spent ON spent_refresh_tokens (spent_at);
INSERT INTO spent_refresh_tokens (hash, session_id, spent_at)
SELECT prev_refresh_hash, id, rotated_at FROM sessions WHERE prev_refresh_hash IS NOT NULL;
