-- Meetings, what happens when, who is invited, and the calendars people subscribe to.

CREATE TABLE meetings (
    id BLOB NOT NULL PRIMARY KEY,
    room_id BLOB NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    own_room INTEGER NOT NULL,
    org_id BLOB,
    organizer_id BLOB NOT NULL REFERENCES users (id),
    title TEXT NOT NULL,
    title_folded TEXT NOT NULL,
    description TEXT NOT NULL,
    language TEXT NOT NULL,
    local_start TEXT NOT NULL,
    timezone TEXT NOT NULL,
    duration_min INTEGER NOT NULL,
    rrule TEXT,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER,
    expanded_until INTEGER,
    status TEXT NOT NULL CHECK (status IN ('scheduled', 'ongoing', 'completed', 'cancelled')),
    ical_uid TEXT NOT NULL,
    ical_seq INTEGER NOT NULL,
    split_from BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX meetings_uid ON meetings (ical_uid);
CREATE INDEX meetings_room ON meetings (room_id);
CREATE INDEX meetings_organizer ON meetings (organizer_id, id);
CREATE INDEX meetings_to_expand ON meetings (expanded_until)
    WHERE rrule IS NOT NULL AND deleted_at IS NULL AND expanded_until IS NOT NULL;

CREATE TABLE meeting_occurrences (
    id BLOB NOT NULL PRIMARY KEY,
    meeting_id BLOB NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
    original_start_at INTEGER NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('scheduled', 'ongoing', 'completed', 'cancelled')),
    edits TEXT NOT NULL,
    call_id BLOB,
    ended_by_host INTEGER NOT NULL,
    planned_for INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX meeting_occurrences_start ON meeting_occurrences (meeting_id, original_start_at);
CREATE INDEX meeting_occurrences_time ON meeting_occurrences (meeting_id, starts_at);
CREATE INDEX meeting_occurrences_due ON meeting_occurrences (starts_at) WHERE status = 'scheduled';
CREATE INDEX meeting_occurrences_call ON meeting_occurrences (call_id) WHERE call_id IS NOT NULL;

CREATE TABLE meeting_invites (
    id BLOB NOT NULL PRIMARY KEY,
    meeting_id BLOB NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
    user_id BLOB,
    email TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('participant', 'co_organizer')),
    status TEXT NOT NULL CHECK (status IN ('pending', 'accepted', 'declined', 'tentative')),
    token_hash BLOB NOT NULL,
    sent_seq INTEGER,
    sent_at INTEGER,
    answered_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX meeting_invites_email ON meeting_invites (meeting_id, email);
CREATE UNIQUE INDEX meeting_invites_user ON meeting_invites (meeting_id, user_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX meeting_invites_token ON meeting_invites (token_hash);
CREATE INDEX meeting_invites_of ON meeting_invites (user_id, meeting_id) WHERE user_id IS NOT NULL;
CREATE INDEX meeting_invites_waiting ON meeting_invites (email) WHERE user_id IS NULL;

CREATE TABLE calendar_feeds (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    token_hash BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX calendar_feeds_token ON calendar_feeds (token_hash);

ALTER TABLE calls ADD COLUMN meeting_id BLOB;
ALTER TABLE calls ADD COLUMN occurrence_id BLOB;
CREATE INDEX calls_occurrence ON calls (occurrence_id) WHERE occurrence_id IS NOT NULL;
CREATE INDEX calls_meeting ON calls (meeting_id) WHERE meeting_id IS NOT NULL;
CREATE INDEX call_participants_attended ON call_participants (user_id) WHERE user_id IS NOT NULL;
