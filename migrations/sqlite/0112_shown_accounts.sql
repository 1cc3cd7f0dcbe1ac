-- Whether whose address was invited to a meeting may be shown before they answer: not if whoever invited knew nothing but
-- the address.

ALTER TABLE meeting_invites ADD COLUMN shows_account INTEGER NOT NULL DEFAULT 1;
