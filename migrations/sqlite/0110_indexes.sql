-- The same as call_participants_user, which is older.

DROP INDEX call_participants_attended;

-- Meetings of an organization are listed for its owners and admins.

CREATE INDEX meetings_org ON meetings (org_id) WHERE org_id IS NOT NULL AND deleted_at IS NULL;
