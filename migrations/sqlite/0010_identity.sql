-- Codes by mail, and the providers people sign in with.

CREATE TABLE otp_codes (
    email TEXT NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('login', 'verify_email', 'reset')),
    id BLOB NOT NULL,
    code_hmac BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    issued INTEGER NOT NULL,
    window_started_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    consumed_at INTEGER,
    PRIMARY KEY (email, purpose)
) STRICT;
CREATE UNIQUE INDEX otp_codes_id ON otp_codes (id);
CREATE INDEX otp_codes_expires ON otp_codes (expires_at);

CREATE TABLE user_identities (
    provider TEXT NOT NULL CHECK (provider IN ('google', 'microsoft')),
    subject TEXT NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    email_at_link TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (provider, subject)
) STRICT;
CREATE INDEX user_identities_user ON user_identities (user_id);
