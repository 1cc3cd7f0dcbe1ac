-- Media nodes, the calls on them and who took part.

CREATE TABLE media_nodes (
    id TEXT NOT NULL PRIMARY KEY,
    url TEXT,
    api_url TEXT,
    region TEXT NOT NULL,
    version TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('up', 'draining', 'suspect', 'down')),
    drain_requested_at BIGINT,
    rooms BIGINT NOT NULL,
    participants BIGINT NOT NULL,
    load_ppm BIGINT NOT NULL,
    heartbeat_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE calls (
    id UUID NOT NULL PRIMARY KEY,
    room_id UUID NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    media_node_id TEXT NOT NULL,
    media_room_sid TEXT,
    state TEXT NOT NULL CHECK (state IN ('starting', 'active', 'ended')),
    started_by UUID,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT,
    end_reason TEXT,
    peak_participants BIGINT NOT NULL
);
CREATE UNIQUE INDEX calls_open ON calls (room_id) WHERE ended_at IS NULL;
CREATE INDEX calls_room ON calls (room_id, id);

CREATE TABLE call_participants (
    id UUID NOT NULL PRIMARY KEY,
    call_id UUID NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    user_id UUID,
    guest_id UUID,
    name TEXT NOT NULL,
    identity TEXT NOT NULL,
    media_participant_sid TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('host', 'cohost', 'participant', 'guest')),
    joined_at BIGINT NOT NULL,
    left_at BIGINT,
    recorded_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX call_participants_sid ON call_participants (media_participant_sid);
CREATE INDEX call_participants_call ON call_participants (call_id);
CREATE INDEX call_participants_open ON call_participants (call_id) WHERE left_at IS NULL;

CREATE TABLE webhook_events (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);
CREATE INDEX webhook_events_at ON webhook_events (at);
