-- Where somebody is in a call, and where they have been: asked when they lose their account.

CREATE INDEX call_participants_user ON call_participants (user_id) WHERE user_id IS NOT NULL;
