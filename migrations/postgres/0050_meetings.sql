-- Meetings, what happens when, who is invited, and the calendars people subscribe to.

CREATE TABLE meetings (
    id UUID NOT NULL PRIMARY KEY,
    room_id UUID NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    own_room BOOLEAN NOT NULL,
    org_id UUID,
    organizer_id UUID NOT NULL REFERENCES users (id),
    title TEXT NOT NULL,
    title_folded TEXT NOT NULL,
    description TEXT NOT NULL,
    language TEXT NOT NULL,
    local_start TEXT NOT NULL,
    timezone TEXT NOT NULL,
    duration_min BIGINT NOT NULL,
    rrule TEXT,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT,
    expanded_until BIGINT,
    status TEXT NOT NULL CHECK (status IN ('scheduled', 'ongoing', 'completed', 'cancelled')),
    ical_uid TEXT NOT NULL,
    ical_seq BIGINT NOT NULL,
    split_from UUID,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT
);
CREATE UNIQUE INDEX meetings_uid ON meetings (ical_uid);
CREATE INDEX meetings_room ON meetings (room_id);
CREATE INDEX meetings_organizer ON meetings (organizer_id, id);
CREATE INDEX meetings_to_expand ON meetings (expanded_until)
    WHERE rrule IS NOT NULL AND deleted_at IS NULL AND expanded_until IS NOT NULL;

CREATE TABLE meeting_occurrences (
    id UUID NOT NULL PRIMARY KEY,
    meeting_id UUID NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
    original_start_at BIGINT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('scheduled', 'ongoing', 'completed', 'cancelled')),
    edits JSONB NOT NULL,
    call_id UUID,
    ended_by_host BOOLEAN NOT NULL,
    planned_for BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX meeting_occurrences_start ON meeting_occurrences (meeting_id, original_start_at);
CREATE INDEX meeting_occurrences_time ON meeting_occurrences (meeting_id, starts_at);
CREATE INDEX meeting_occurrences_due ON meeting_occurrences (starts_at) WHERE status = 'scheduled';
CREATE INDEX meeting_occurrences_call ON meeting_occurrences (call_id) WHERE call_id IS NOT NULL;

CREATE TABLE meeting_invites (
    id UUID NOT NULL PRIMARY KEY,
    meeting_id UUID NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
    user_id UUID,
    email TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('participant', 'co_organizer')),
    status TEXT NOT NULL CHECK (status IN ('pending', 'accepted', 'declined', 'tentative')),
    token_hash BYTEA NOT NULL,
    sent_seq BIGINT,
    sent_at BIGINT,
    answered_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX meeting_invites_email ON meeting_invites (meeting_id, email);
CREATE UNIQUE INDEX meeting_invites_user ON meeting_invites (meeting_id, user_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX meeting_invites_token ON meeting_invites (token_hash);
CREATE INDEX meeting_invites_of ON meeting_invites (user_id, meeting_id) WHERE user_id IS NOT NULL;
CREATE INDEX meeting_invites_waiting ON meeting_invites (email) WHERE user_id IS NULL;

CREATE TABLE calendar_feeds (
    user_id UUID NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    token_hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX calendar_feeds_token ON calendar_feeds (token_hash);

ALTER TABLE calls ADD COLUMN meeting_id UUID;
ALTER TABLE calls ADD COLUMN occurrence_id UUID;
CREATE INDEX calls_occurrence ON calls (occurrence_id) WHERE occurrence_id IS NOT NULL;
CREATE INDEX calls_meeting ON calls (meeting_id) WHERE meeting_id IS NOT NULL;
CREATE INDEX call_participants_attended ON call_participants (user_id) WHERE user_id IS NOT NULL;
