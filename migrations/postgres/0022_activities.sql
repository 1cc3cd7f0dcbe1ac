-- What happened in an organization, and the part of the audit log that is its own.

CREATE TABLE activities (
    id UUID NOT NULL PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    actor_id UUID,
    type TEXT NOT NULL,
    ref_kind TEXT NOT NULL CHECK (ref_kind IN ('organization', 'user', 'channel', 'room', 'meeting')),
    ref_id UUID NOT NULL,
    data JSONB NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX activities_org ON activities (org_id, id);
CREATE INDEX activities_created ON activities (created_at);
CREATE INDEX audit_log_org ON audit_log (org_id, id) WHERE org_id IS NOT NULL;
