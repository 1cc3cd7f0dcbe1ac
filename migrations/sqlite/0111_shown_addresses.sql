-- Whether the address of somebody who was named by their id may be shown to who runs the organization or the meeting: not
-- if the two had nothing to do with each other.

ALTER TABLE organization_members ADD COLUMN shows_email INTEGER NOT NULL DEFAULT 1;
ALTER TABLE meeting_invites ADD COLUMN shows_email INTEGER NOT NULL DEFAULT 1;
