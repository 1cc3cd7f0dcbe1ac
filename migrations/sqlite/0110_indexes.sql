-- The same as call_participants_user, which is older.

DROP INDEX call_participants_attended;
