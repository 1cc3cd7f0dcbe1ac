-- The ways to what still names an account in other people's hands, for the job that takes its name out.

CREATE INDEX notifications_actor ON notifications (payload ->> 'actor_id') WHERE payload ->> 'actor_id' IS NOT NULL;
CREATE INDEX audit_log_email ON audit_log (diff ->> 'email') WHERE diff ->> 'email' IS NOT NULL;
CREATE INDEX audit_log_subject ON audit_log (diff ->> 'subject_id') WHERE diff ->> 'subject_id' IS NOT NULL;
CREATE INDEX direct_rooms_high ON direct_rooms (high_id);
CREATE INDEX lobby_entries_of ON lobby_entries (subject_id);
