-- Media nodes, the calls on them and who took part.

CREATE TABLE media_nodes (
    id TEXT NOT NULL PRIMARY KEY,
    url TEXT,
    api_url TEXT,
    region TEXT NOT NULL,
    version TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('up', 'draining', 'suspect', 'down')),
    drain_requested_at INTEGER,
    rooms INTEGER NOT NULL,
    participants INTEGER NOT NULL,
    load_ppm INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE calls (
    id BLOB NOT NULL PRIMARY KEY,
    room_id BLOB NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    media_node_id TEXT NOT NULL,
    media_room_sid TEXT,
    state TEXT NOT NULL CHECK (state IN ('starting', 'active', 'ended')),
    started_by BLOB,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    end_reason TEXT,
    peak_participants INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX calls_open ON calls (room_id) WHERE ended_at IS NULL;
CREATE INDEX calls_room ON calls (room_id, id);

CREATE TABLE call_participants (
    id BLOB NOT NULL PRIMARY KEY,
    call_id BLOB NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    user_id BLOB,
    guest_id BLOB,
    name TEXT NOT NULL,
    identity TEXT NOT NULL,
    media_participant_sid TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('host', 'cohost', 'participant', 'guest')),
    joined_at INTEGER NOT NULL,
    left_at INTEGER,
    recorded_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX call_participants_sid ON call_participants (media_participant_sid);
CREATE INDEX call_participants_call ON call_participants (call_id);
CREATE INDEX call_participants_open ON call_participants (call_id) WHERE left_at IS NULL;

CREATE TABLE webhook_events (
    id TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_events_at ON webhook_events (at);
