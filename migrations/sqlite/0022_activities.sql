-- What happened in an organization, and the part of the audit log that is its own.

CREATE TABLE activities (
    id BLOB NOT NULL PRIMARY KEY,
    org_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    actor_id BLOB,
    type TEXT NOT NULL,
    ref_kind TEXT NOT NULL CHECK (ref_kind IN ('organization', 'user', 'channel', 'room', 'meeting')),
    ref_id BLOB NOT NULL,
    data TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX activities_org ON activities (org_id, id);
CREATE INDEX activities_created ON activities (created_at);
CREATE INDEX audit_log_org ON audit_log (org_id, id) WHERE org_id IS NOT NULL;
