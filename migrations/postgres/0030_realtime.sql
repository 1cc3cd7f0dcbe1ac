-- Listening to events: single-use tickets for sockets, and the index that resuming by topic reads.

CREATE TABLE ws_tickets (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    session_id UUID,
    guest_id UUID,
    expires_at BIGINT NOT NULL
);
CREATE INDEX ws_tickets_expires ON ws_tickets (expires_at);
CREATE INDEX event_log_topic ON event_log (topic, seq);
