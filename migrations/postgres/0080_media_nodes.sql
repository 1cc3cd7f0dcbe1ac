-- When a draining node ends its rooms, and the ways to find the calls of a node.

ALTER TABLE media_nodes ADD COLUMN drain_deadline_at BIGINT;

CREATE INDEX calls_node_open ON calls (media_node_id) WHERE ended_at IS NULL;
CREATE INDEX calls_node_left ON calls (media_node_id, ended_at) WHERE end_reason IN ('node_lost', 'moved');
