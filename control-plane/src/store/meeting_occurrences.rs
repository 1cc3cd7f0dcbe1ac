//! SQL of the times a meeting happens: made ahead, edited one by one, tied to the call that took place.

use sqlx::types::Json;
use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::meeting::{Edits, MeetingStatus, Occurrence};

macro_rules! select_occurrence {
    ($rest:literal) => {
        concat!(
            "SELECT o.id, o.meeting_id, o.original_start_at, o.starts_at, o.ends_at, o.status, o.edits, o.call_id \
             FROM meeting_occurrences o ",
            $rest
        )
    };
}

statements! {
    INSERT_OCCURRENCE = "INSERT INTO meeting_occurrences (id, meeting_id, original_start_at, starts_at, ends_at, \
        status, edits, ended_by_host, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) \
        ON CONFLICT (meeting_id, original_start_at) DO NOTHING";
    FIND_OCCURRENCE = select_occurrence!("WHERE o.meeting_id = $1 AND o.original_start_at = $2");
    FIND_OCCURRENCE_BY_ID = select_occurrence!("WHERE o.id = $1");
    LIST_OCCURRENCES = select_occurrence!(
        "WHERE o.meeting_id = $1 AND o.starts_at < $3 AND o.ends_at > $2 ORDER BY o.starts_at, o.id LIMIT $4");
    LIST_FROM_ORIGINAL = select_occurrence!(
        "WHERE o.meeting_id = $1 AND o.original_start_at >= $2 ORDER BY o.original_start_at LIMIT $3");
    LIST_EXCEPTIONS = select_occurrence!(
        "WHERE o.meeting_id = $1 AND (o.status = 'cancelled' OR CAST(o.edits AS TEXT) <> '{}') \
        ORDER BY o.original_start_at LIMIT $2");
    FIND_NEXT = select_occurrence!("WHERE o.meeting_id = $1 AND o.ends_at > $2 \
        AND o.status IN ('scheduled', 'ongoing') ORDER BY o.starts_at, o.id LIMIT 1");
    FIND_ONGOING = select_occurrence!("WHERE o.meeting_id = $1 AND o.status = 'ongoing' ORDER BY o.starts_at LIMIT 1");
    UPDATE_OCCURRENCE = "UPDATE meeting_occurrences SET starts_at = $2, ends_at = $3, status = $4, edits = $5, \
        updated_at = $6 WHERE id = $1";
    SET_OCCURRENCE_STATUS = "UPDATE meeting_occurrences SET status = $2, ended_by_host = $3, updated_at = $4 \
        WHERE id = $1";
    SET_OCCURRENCE_CALL = "UPDATE meeting_occurrences SET call_id = $2, updated_at = $3 WHERE id = $1";
    DELETE_OCCURRENCE = "DELETE FROM meeting_occurrences WHERE id = $1";
    CANCEL_OCCURRENCES = "UPDATE meeting_occurrences SET status = 'cancelled', updated_at = $2 \
        WHERE meeting_id = $1 AND status IN ('scheduled', 'ongoing')";
    COUNT_BY_STATUS = "SELECT status, COUNT(*) FROM meeting_occurrences \
        WHERE meeting_id = $1 AND (status <> 'scheduled' OR ends_at > $2) GROUP BY status";
    FIND_DUE_IN_ROOM = select_occurrence!("JOIN meetings m ON m.id = o.meeting_id WHERE m.room_id = $1 \
        AND m.deleted_at IS NULL AND o.starts_at <= $2 AND o.ends_at >= $3 AND (o.status IN ('scheduled', 'ongoing') \
        OR (o.status = 'completed' AND o.ended_by_host = $5)) \
        ORDER BY CASE WHEN o.status = 'ongoing' THEN 0 WHEN o.starts_at <= $4 AND o.ends_at > $4 THEN 1 \
        WHEN o.status = 'scheduled' THEN 2 ELSE 3 END, o.starts_at LIMIT 1");
    LIST_UNPLANNED = select_occurrence!("JOIN meetings m ON m.id = o.meeting_id WHERE o.status = 'scheduled' \
        AND o.starts_at > $1 AND o.starts_at <= $2 AND (o.planned_for IS NULL OR o.planned_for <> o.starts_at) \
        AND m.deleted_at IS NULL AND (o.starts_at, o.id) > ($3, $4) ORDER BY o.starts_at, o.id LIMIT $5");
    SET_PLANNED = "UPDATE meeting_occurrences SET planned_for = $2 WHERE id = $1";
    LIST_EXCEPTIONS_OF_USER = select_occurrence!("WHERE (o.status = 'cancelled' OR CAST(o.edits AS TEXT) <> '{}') \
        AND o.meeting_id IN (SELECT id FROM meetings WHERE organizer_id = $1 AND deleted_at IS NULL \
        UNION SELECT meeting_id FROM meeting_invites WHERE user_id = $1) \
        ORDER BY o.starts_at DESC LIMIT $2");
    LIST_STALE = "SELECT o.id, o.meeting_id FROM meeting_occurrences o JOIN meetings m ON m.id = o.meeting_id \
        LEFT JOIN calls c ON c.room_id = m.room_id AND c.ended_at IS NULL \
        WHERE o.status = 'ongoing' AND o.ends_at < $1 AND c.id IS NULL ORDER BY o.starts_at LIMIT $2";
    LINK_CALL = "UPDATE calls SET meeting_id = $2, occurrence_id = $3 WHERE id = $1";
    FIND_OF_CALL = select_occurrence!("JOIN calls c ON c.occurrence_id = o.id WHERE c.id = $1");
}

/// A time about to be written down.
#[derive(Debug)]
pub(crate) struct NewOccurrence<'a> {
    pub meeting_id: Uuid,
    pub original_start_at: Micros,
    pub starts_at: Micros,
    pub ends_at: Micros,
    pub status: MeetingStatus,
    pub edits: &'a Edits,
}

/// Inserts an occurrence; one that is there stays as it is.
pub(crate) async fn insert(tx: &mut Tx, new: NewOccurrence<'_>, now: Micros) -> Result<bool, StoreError> {
    let edits = Json(new.edits);
    let rows = run!(
        tx,
        execute,
        INSERT_OCCURRENCE,
        Uuid::now_v7(),
        new.meeting_id,
        new.original_start_at,
        new.starts_at,
        new.ends_at,
        new.status,
        &edits,
        false,
        now
    )?;
    Ok(rows == 1)
}

pub(crate) async fn find(
    on: impl Into<On<'_>>,
    meeting_id: Uuid,
    original_start_at: Micros,
) -> Result<Option<Occurrence>, StoreError> {
    run!(on, fetch_optional as Occurrence, FIND_OCCURRENCE, meeting_id, original_start_at)
}

pub(crate) async fn find_by_id(on: impl Into<On<'_>>, id: Uuid) -> Result<Option<Occurrence>, StoreError> {
    run!(on, fetch_optional as Occurrence, FIND_OCCURRENCE_BY_ID, id)
}

/// Lists the occurrences that overlap `[from, to)`, the earliest first.
pub(crate) async fn list(
    on: impl Into<On<'_>>,
    meeting_id: Uuid,
    from: Micros,
    to: Micros,
    limit: i64,
) -> Result<Vec<Occurrence>, StoreError> {
    run!(on, fetch_all as Occurrence, LIST_OCCURRENCES, meeting_id, from, to, limit)
}

/// Lists the occurrences that were originally to start at `from` or later.
pub(crate) async fn list_from(
    on: impl Into<On<'_>>,
    meeting_id: Uuid,
    from: Micros,
    limit: i64,
) -> Result<Vec<Occurrence>, StoreError> {
    run!(on, fetch_all as Occurrence, LIST_FROM_ORIGINAL, meeting_id, from, limit)
}

/// Lists the occurrences that differ from what the rule says.
pub(crate) async fn list_exceptions(
    on: impl Into<On<'_>>,
    meeting_id: Uuid,
    limit: i64,
) -> Result<Vec<Occurrence>, StoreError> {
    run!(on, fetch_all as Occurrence, LIST_EXCEPTIONS, meeting_id, limit)
}

/// The occurrence that runs now, or the next one.
pub(crate) async fn find_next(
    on: impl Into<On<'_>>,
    meeting_id: Uuid,
    now: Micros,
) -> Result<Option<Occurrence>, StoreError> {
    run!(on, fetch_optional as Occurrence, FIND_NEXT, meeting_id, now)
}

pub(crate) async fn find_ongoing(on: impl Into<On<'_>>, meeting_id: Uuid) -> Result<Option<Occurrence>, StoreError> {
    run!(on, fetch_optional as Occurrence, FIND_ONGOING, meeting_id)
}

/// Writes time, status and edits of an occurrence.
pub(crate) async fn update(tx: &mut Tx, occurrence: &Occurrence, now: Micros) -> Result<(), StoreError> {
    run!(
        tx,
        execute,
        UPDATE_OCCURRENCE,
        occurrence.id,
        occurrence.starts_at,
        occurrence.ends_at,
        occurrence.status,
        &occurrence.edits,
        now
    )?;
    Ok(())
}

pub(crate) async fn set_status(
    tx: &mut Tx,
    id: Uuid,
    status: MeetingStatus,
    by_host: bool,
    now: Micros,
) -> Result<(), StoreError> {
    run!(tx, execute, SET_OCCURRENCE_STATUS, id, status, by_host, now)?;
    Ok(())
}

pub(crate) async fn delete(tx: &mut Tx, id: Uuid) -> Result<(), StoreError> {
    run!(tx, execute, DELETE_OCCURRENCE, id)?;
    Ok(())
}

/// Cancels what has not been completed; how many.
pub(crate) async fn cancel_all(tx: &mut Tx, meeting_id: Uuid, now: Micros) -> Result<u64, StoreError> {
    run!(tx, execute, CANCEL_OCCURRENCES, meeting_id, now)
}

/// How many occurrences have which status; scheduled ones count while they are not over.
pub(crate) async fn count_by_status(
    tx: &mut Tx,
    meeting_id: Uuid,
    now: Micros,
) -> Result<Vec<(MeetingStatus, i64)>, StoreError> {
    run!(tx, fetch_all as (MeetingStatus, i64), COUNT_BY_STATUS, meeting_id, now)
}

/// The occurrence a call in `room_id` at `now` belongs to: begun before `latest_start`, not over before
/// `earliest_end`; one that a host ended is over for good.
pub(crate) async fn find_due_in_room(
    tx: &mut Tx,
    room_id: Uuid,
    latest_start: Micros,
    earliest_end: Micros,
    now: Micros,
) -> Result<Option<Occurrence>, StoreError> {
    run!(tx, fetch_optional as Occurrence, FIND_DUE_IN_ROOM, room_id, latest_start, earliest_end, now, false)
}

/// Lists what starts within `(from, to]` and has no reminders planned for that time, after the last of the page before.
pub(crate) async fn list_unplanned(
    db: &Db,
    from: Micros,
    to: Micros,
    after: (Micros, Uuid),
    limit: i64,
) -> Result<Vec<Occurrence>, StoreError> {
    run!(db, fetch_all as Occurrence, LIST_UNPLANNED, from, to, after.0, after.1, limit)
}

/// Notes that reminders are planned for a start at `starts_at`.
pub(crate) async fn set_planned(tx: &mut Tx, id: Uuid, starts_at: Micros) -> Result<(), StoreError> {
    run!(tx, execute, SET_PLANNED, id, starts_at)?;
    Ok(())
}

/// Lists what differs from the rules of somebody's meetings, the latest first.
pub(crate) async fn list_exceptions_of_user(db: &Db, user_id: Uuid, limit: i64) -> Result<Vec<Occurrence>, StoreError> {
    run!(db, fetch_all as Occurrence, LIST_EXCEPTIONS_OF_USER, user_id, limit)
}

/// Lists `(occurrence, meeting)` of what should have ended before `before` and has no call any more.
pub(crate) async fn list_stale(db: &Db, before: Micros, limit: i64) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    run!(db, fetch_all as (Uuid, Uuid), LIST_STALE, before, limit)
}

/// Ties a call to the occurrence it is.
pub(crate) async fn link_call(
    tx: &mut Tx,
    call_id: Uuid,
    occurrence: &Occurrence,
    now: Micros,
) -> Result<(), StoreError> {
    run!(&mut *tx, execute, LINK_CALL, call_id, occurrence.meeting_id, occurrence.id)?;
    run!(tx, execute, SET_OCCURRENCE_CALL, occurrence.id, call_id, now)?;
    Ok(())
}

/// The occurrence a call belongs to.
pub(crate) async fn find_of_call(tx: &mut Tx, call_id: Uuid) -> Result<Option<Occurrence>, StoreError> {
    run!(tx, fetch_optional as Occurrence, FIND_OF_CALL, call_id)
}
