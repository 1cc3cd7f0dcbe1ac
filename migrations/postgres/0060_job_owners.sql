-- Whose request caused a job, so that they can ask how it went.

ALTER TABLE jobs ADD COLUMN user_id UUID;
CREATE INDEX jobs_state ON jobs (state, id);
CREATE INDEX audit_log_actor ON audit_log (actor_id, id) WHERE actor_id IS NOT NULL;
