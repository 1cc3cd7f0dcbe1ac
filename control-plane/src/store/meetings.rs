//! SQL of meetings: found with what the asking person has to do with them, listed by what one looks for.

use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::meeting::{ListedMeeting, Meeting, MeetingStatus};

/// What a meeting is to user `$1`.
macro_rules! meeting_columns {
    () => {
        "m.id, m.room_id, m.own_room, m.org_id, m.organizer_id, m.title, m.description, m.language, m.local_start, \
         m.timezone, m.duration_min, m.rrule, m.starts_at, m.ends_at, m.expanded_until, m.status, m.ical_uid, \
         m.ical_seq, m.split_from, m.created_at, m.updated_at, u.display_name AS organizer_name, \
         u.email AS organizer_email, r.code AS room_code, r.conversation_id, \
         r.org_id AS room_org_id, \
         (SELECT COUNT(*) FROM meeting_invites n WHERE n.meeting_id = m.id) AS invite_count, \
         i.id AS invite_id, i.role AS invite_role, i.status AS invite_status, \
         EXISTS (SELECT 1 FROM calls c JOIN call_participants p ON p.call_id = c.id \
         WHERE c.meeting_id = m.id AND p.user_id = $1) AS attended, \
         (SELECT om.role FROM organization_members om JOIN organizations g ON g.id = om.org_id \
         WHERE om.org_id = m.org_id AND om.user_id = $1 AND g.deleted_at IS NULL) AS org_role"
    };
}

macro_rules! meeting_tables {
    () => {
        " FROM meetings m JOIN users u ON u.id = m.organizer_id JOIN rooms r ON r.id = m.room_id \
         LEFT JOIN meeting_invites i ON i.meeting_id = m.id AND i.user_id = $1 "
    };
}

/// A list: `$1` who asks, `$2` part of the title, `$3`–`$4` overlap, `$5` now, `$6`–`$7` where the page before ended,
/// `$8` entries, `$9` the organization, of which owners and admins see all. The first part joins the occurrence the list is about.
macro_rules! list_meetings {
    ($pick:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            meeting_columns!(),
            ", o.id AS occurrence_id, o.original_start_at AS occurrence_original_start_at, \
             o.starts_at AS occurrence_starts_at, o.ends_at AS occurrence_ends_at, o.status AS occurrence_status, \
             o.edits AS occurrence_edits, o.call_id AS occurrence_call_id, \
             (SELECT MIN(c.started_at) FROM calls c WHERE c.occurrence_id = o.id) AS call_started_at, \
             (SELECT MAX(c.ended_at) FROM calls c WHERE c.occurrence_id = o.id) AS call_ended_at, \
             (SELECT CAST(COALESCE(SUM(COALESCE(c.ended_at, $5) - c.started_at), 0) AS BIGINT) FROM calls c \
             WHERE c.occurrence_id = o.id AND c.started_at IS NOT NULL) AS call_us, \
             (SELECT COALESCE(MAX(c.peak_participants), 0) FROM calls c WHERE c.occurrence_id = o.id) AS call_peak",
            meeting_tables!(),
            $pick,
            " WHERE m.deleted_at IS NULL AND m.id IN (SELECT id FROM meetings WHERE organizer_id = $1 \
             UNION SELECT meeting_id FROM meeting_invites WHERE user_id = $1 \
             UNION SELECT c.meeting_id FROM call_participants p JOIN calls c ON c.id = p.call_id \
             WHERE p.user_id = $1 AND c.meeting_id IS NOT NULL \
             UNION SELECT x.id FROM meetings x JOIN organization_members a ON a.org_id = x.org_id AND a.user_id = $1 \
             AND a.role IN ('owner', 'admin') JOIN organizations g ON g.id = x.org_id AND g.deleted_at IS NULL \
             WHERE x.org_id = $9) AND ($9 IS NULL OR m.org_id = $9) \
             AND ($2 = '' OR m.title_folded LIKE $2 ESCAPE '!') ",
            $rest
        )
    };
}

statements! {
    INSERT_MEETING = "INSERT INTO meetings (id, room_id, own_room, org_id, organizer_id, title, title_folded, \
        description, language, local_start, timezone, duration_min, rrule, starts_at, ends_at, status, ical_uid, \
        ical_seq, split_from, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'scheduled', $16, 0, $17, $18, $18)";
    FIND_MEETING = concat!("SELECT ", meeting_columns!(), meeting_tables!(), "WHERE m.id = $2 AND m.deleted_at IS NULL");
    FIND_ANY_MEETING = concat!("SELECT ", meeting_columns!(), meeting_tables!(), "WHERE m.id = $2");
    LOCK_MEETING = "UPDATE meetings SET updated_at = updated_at WHERE id = $1 AND deleted_at IS NULL";
    LIST_ALL = list_meetings!(
        "LEFT JOIN meeting_occurrences o ON o.id = (SELECT x.id FROM meeting_occurrences x WHERE x.meeting_id = m.id \
        AND x.ends_at > $5 AND x.status IN ('scheduled', 'ongoing') ORDER BY x.starts_at, x.id LIMIT 1)",
        "AND EXISTS (SELECT 1 FROM meeting_occurrences x WHERE x.meeting_id = m.id AND x.starts_at < $4 \
        AND x.ends_at > $3) AND CAST($6 AS BIGINT) IS NOT NULL AND m.id < $7 ORDER BY m.id DESC LIMIT $8");
    LIST_MINE = list_meetings!(
        "LEFT JOIN meeting_occurrences o ON o.id = (SELECT x.id FROM meeting_occurrences x WHERE x.meeting_id = m.id \
        AND x.ends_at > $5 AND x.status IN ('scheduled', 'ongoing') ORDER BY x.starts_at, x.id LIMIT 1)",
        "AND m.organizer_id = $1 AND EXISTS (SELECT 1 FROM meeting_occurrences x WHERE x.meeting_id = m.id \
        AND x.starts_at < $4 AND x.ends_at > $3) AND CAST($6 AS BIGINT) IS NOT NULL AND m.id < $7 \
        ORDER BY m.id DESC LIMIT $8");
    LIST_UPCOMING = list_meetings!(
        "JOIN meeting_occurrences o ON o.id = (SELECT x.id FROM meeting_occurrences x WHERE x.meeting_id = m.id \
        AND x.ends_at > $5 AND x.status IN ('scheduled', 'ongoing') AND x.starts_at < $4 AND x.ends_at > $3 \
        ORDER BY x.starts_at, x.id LIMIT 1)",
        "AND (o.starts_at, m.id) > ($6, $7) ORDER BY o.starts_at, m.id LIMIT $8");
    LIST_PAST = list_meetings!(
        "JOIN meeting_occurrences o ON o.id = (SELECT x.id FROM meeting_occurrences x WHERE x.meeting_id = m.id \
        AND x.starts_at < $4 AND x.ends_at > $3 ORDER BY x.starts_at DESC, x.id DESC LIMIT 1)",
        "AND NOT EXISTS (SELECT 1 FROM meeting_occurrences y WHERE y.meeting_id = m.id AND y.ends_at > $5 \
        AND y.status IN ('scheduled', 'ongoing')) AND (o.starts_at, m.id) < ($6, $7) \
        ORDER BY o.starts_at DESC, m.id DESC LIMIT $8");
    LIST_HISTORY = list_meetings!(
        "JOIN meeting_occurrences o ON o.meeting_id = m.id AND o.status IN ('completed', 'cancelled') \
        AND o.starts_at < $4 AND o.ends_at > $3",
        "AND (o.starts_at, o.id) < ($6, $7) ORDER BY o.starts_at DESC, o.id DESC LIMIT $8");
    LIST_FEED = concat!("SELECT ", meeting_columns!(), meeting_tables!(), "WHERE m.deleted_at IS NULL \
        AND m.status <> 'cancelled' AND (m.ends_at IS NULL OR m.ends_at > $2) AND m.id IN \
        (SELECT id FROM meetings WHERE organizer_id = $1 UNION SELECT meeting_id FROM meeting_invites \
        WHERE user_id = $1 AND status <> 'declined') ORDER BY m.starts_at DESC, m.id LIMIT $3");
    UPDATE_MEETING = "UPDATE meetings SET title = $2, title_folded = $3, description = $4, language = $5, \
        local_start = $6, timezone = $7, duration_min = $8, rrule = $9, starts_at = $10, ends_at = $11, \
        ical_seq = ical_seq + 1, updated_at = $12 WHERE id = $1 AND deleted_at IS NULL";
    BUMP_SEQUENCE = "UPDATE meetings SET ical_seq = ical_seq + 1, updated_at = $2 WHERE id = $1";
    SET_MEETING_STATUS = "UPDATE meetings SET status = $2, updated_at = $3 WHERE id = $1 AND status <> $2";
    SET_EXPANDED = "UPDATE meetings SET expanded_until = $2 WHERE id = $1";
    DELETE_MEETING = "UPDATE meetings SET deleted_at = $2, updated_at = $2, ical_seq = ical_seq + 1 \
        WHERE id = $1 AND deleted_at IS NULL";
    COUNT_ORGANIZED = "SELECT COUNT(*) FROM meetings WHERE organizer_id = $1 AND deleted_at IS NULL \
        AND status IN ('scheduled', 'ongoing') AND (ends_at IS NULL OR ends_at > $2)";
    COUNT_IN_ROOM = "SELECT COUNT(*) FROM meetings WHERE room_id = $1 AND deleted_at IS NULL";
    IS_ORG_MEMBER = "SELECT COUNT(*) FROM organization_members om JOIN organizations g ON g.id = om.org_id \
        WHERE om.org_id = $1 AND om.user_id = $2 AND g.deleted_at IS NULL";
    LIST_TO_EXPAND = "SELECT id FROM meetings WHERE rrule IS NOT NULL AND deleted_at IS NULL AND expanded_until < $1 \
        AND status IN ('scheduled', 'ongoing') AND (ends_at IS NULL OR ends_at > expanded_until) \
        ORDER BY expanded_until LIMIT $2";
}

/// A meeting about to be made.
#[derive(Debug)]
pub(crate) struct NewMeeting<'a> {
    pub id: Uuid,
    pub room_id: Uuid,
    pub own_room: bool,
    pub org_id: Option<Uuid>,
    pub organizer_id: Uuid,
    pub plan: &'a Plan,
    pub ical_uid: &'a str,
    pub split_from: Option<Uuid>,
}

/// What people write down about a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub title: String,
    pub description: String,
    pub language: String,
    pub local_start: String,
    pub timezone: String,
    pub duration_min: i64,
    pub rrule: Option<String>,
    pub starts_at: Micros,
    pub ends_at: Option<Micros>,
}

pub(crate) async fn insert(tx: &mut Tx, new: NewMeeting<'_>, now: Micros) -> Result<(), StoreError> {
    let plan = new.plan;
    run!(
        tx,
        execute,
        INSERT_MEETING,
        new.id,
        new.room_id,
        new.own_room,
        new.org_id,
        new.organizer_id,
        &plan.title,
        plan.title.to_lowercase(),
        &plan.description,
        &plan.language,
        &plan.local_start,
        &plan.timezone,
        plan.duration_min,
        plan.rrule.as_deref(),
        plan.starts_at,
        plan.ends_at,
        new.ical_uid,
        new.split_from,
        now
    )?;
    Ok(())
}

/// Finds a meeting that is not deleted, with what `user_id` has to do with it.
pub(crate) async fn find(on: impl Into<On<'_>>, id: Uuid, user_id: Uuid) -> Result<Option<Meeting>, StoreError> {
    run!(on, fetch_optional as Meeting, FIND_MEETING, user_id, id)
}

/// As [`find`], deleted ones too.
pub(crate) async fn find_any(on: impl Into<On<'_>>, id: Uuid) -> Result<Option<Meeting>, StoreError> {
    run!(on, fetch_optional as Meeting, FIND_ANY_MEETING, Uuid::nil(), id)
}

/// Makes other writers of this meeting wait until the transaction ends; `false` when it is gone.
pub(crate) async fn lock(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, LOCK_MEETING, id)? == 1)
}

/// Which list of meetings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    All,
    Mine,
    Upcoming,
    Past,
    History,
}

impl View {
    /// Whether the earliest come first.
    const fn ascends(self) -> bool {
        matches!(self, Self::Upcoming)
    }
}

/// What a list of meetings shows.
#[derive(Debug)]
pub(crate) struct MeetingFilter<'a> {
    pub view: View,
    /// Part of the title, any case.
    pub q: &'a str,
    pub from: Micros,
    pub to: Micros,
    /// Of this organization only.
    pub org_id: Option<Uuid>,
    /// Start and id of the last entry of the page before.
    pub after: Option<(i64, Uuid)>,
    pub limit: i64,
}

/// Lists what `user_id` organizes, is invited to or took part in, or of an organization what they may see.
pub(crate) async fn list(
    db: &Db,
    user_id: Uuid,
    filter: MeetingFilter<'_>,
    now: Micros,
) -> Result<Vec<ListedMeeting>, StoreError> {
    let sql = match filter.view {
        View::All => LIST_ALL,
        View::Mine => LIST_MINE,
        View::Upcoming => LIST_UPCOMING,
        View::Past => LIST_PAST,
        View::History => LIST_HISTORY,
    };
    let begin = if filter.view.ascends() { (i64::MIN, Uuid::nil()) } else { (i64::MAX, Uuid::max()) };
    let (key, id) = filter.after.unwrap_or(begin);
    let pattern = super::rooms::like_pattern(filter.q);
    let MeetingFilter { from, to, limit, org_id, .. } = filter;
    run!(db, fetch_all as ListedMeeting, sql, user_id, &pattern, from, to, now, key, id, limit, org_id)
}

/// Lists what belongs into somebody's calendar and ends after `since`.
pub(crate) async fn list_feed(db: &Db, user_id: Uuid, since: Micros, limit: i64) -> Result<Vec<Meeting>, StoreError> {
    run!(db, fetch_all as Meeting, LIST_FEED, user_id, since, limit)
}

/// Writes a changed plan and raises the sequence.
pub(crate) async fn update(tx: &mut Tx, id: Uuid, plan: &Plan, now: Micros) -> Result<(), StoreError> {
    run!(
        tx,
        execute,
        UPDATE_MEETING,
        id,
        &plan.title,
        plan.title.to_lowercase(),
        &plan.description,
        &plan.language,
        &plan.local_start,
        &plan.timezone,
        plan.duration_min,
        plan.rrule.as_deref(),
        plan.starts_at,
        plan.ends_at,
        now
    )?;
    Ok(())
}

/// Raises the sequence: something about the meeting changed.
pub(crate) async fn bump(tx: &mut Tx, id: Uuid, now: Micros) -> Result<(), StoreError> {
    run!(tx, execute, BUMP_SEQUENCE, id, now)?;
    Ok(())
}

/// Sets the status; `false` when it was that already.
pub(crate) async fn set_status(tx: &mut Tx, id: Uuid, status: MeetingStatus, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, SET_MEETING_STATUS, id, status, now)? == 1)
}

/// Notes until when occurrences have been made.
pub(crate) async fn set_expanded(tx: &mut Tx, id: Uuid, until: Micros) -> Result<(), StoreError> {
    run!(tx, execute, SET_EXPANDED, id, until)?;
    Ok(())
}

/// Marks a meeting deleted; `false` when it was already.
pub(crate) async fn delete(tx: &mut Tx, id: Uuid, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, DELETE_MEETING, id, now)? == 1)
}

/// Meetings somebody organizes that are not over.
pub(crate) async fn count_organized(on: impl Into<On<'_>>, user_id: Uuid, now: Micros) -> Result<i64, StoreError> {
    let (count,) = run!(on, fetch_one as (i64,), COUNT_ORGANIZED, user_id, now)?;
    Ok(count)
}

/// Series whose occurrences do not reach `until`.
pub(crate) async fn list_to_expand(db: &Db, until: Micros, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let rows = run!(db, fetch_all as (Uuid,), LIST_TO_EXPAND, until, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Meetings of a room that are not deleted.
pub(crate) async fn count_in_room(tx: &mut Tx, room_id: Uuid) -> Result<i64, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), COUNT_IN_ROOM, room_id)?;
    Ok(count)
}

/// Whether somebody belongs to an organization.
pub(crate) async fn is_org_member(on: impl Into<On<'_>>, org_id: Uuid, user_id: Uuid) -> Result<bool, StoreError> {
    let (count,) = run!(on, fetch_one as (i64,), IS_ORG_MEMBER, org_id, user_id)?;
    Ok(count > 0)
}
