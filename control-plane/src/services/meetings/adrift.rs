//! Meetings that nobody can hold any more, because their room ended, or their organizer left and nobody else runs them.
//!
//! In: the end of a room, an account or an organization. Out: what was still to come of them is cancelled, and everybody is
//! told. A few at once with the act that caused it, the rest by a job; doing it twice has no second effect.

use serde_json::json;
use uuid::Uuid;

use super::announce::Announcement;
use super::tell;
use crate::app::App;
use crate::http::extract::Caller;
use crate::jobs::meetings::call_off as call_off_job;
use crate::model::clock::Micros;
use crate::model::meeting::{Meeting, MeetingStatus};
use crate::services::audit_in;
use crate::services::erasure::NOBODY;
use crate::store::db::StoreError;
use crate::store::meetings_adrift::{self as store, Adrift};
use crate::store::outbox::{self, AuditRow};
use crate::store::tx::Tx;
use crate::store::{meeting_occurrences, meetings, rooms, users};

/// Meetings cancelled in the transaction that deletes their room: each of them may cause some fifty events.
const AT_ONCE: i64 = 3;
/// Meetings listed by one statement of the job.
const BATCH: i64 = 100;

/// Takes the locks of the first meetings that are still to come in a room about to be deleted: before that of the room, as
/// whoever deletes a meeting with its room does.
///
/// # Errors
/// As any statement.
pub(crate) async fn lock_in_room(tx: &mut Tx, room_id: Uuid, now: Micros) -> Result<Vec<Uuid>, StoreError> {
    let ids = store::list_unfinished_in_room(tx, room_id, now, AT_ONCE).await?;
    for id in &ids {
        meetings::lock(tx, *id).await?;
    }
    Ok(ids)
}

/// Calls off what was to take place in a room that is deleted by now: at once what [`lock_in_room`] found, and by a job what
/// there is beside it.
///
/// # Errors
/// As any statement.
pub(crate) async fn room_deleted(
    tx: &mut Tx,
    by: &Caller,
    room_id: Uuid,
    locked: &[Uuid],
    now: Micros,
) -> Result<(), StoreError> {
    for id in locked {
        if store::is_adrift(tx, *id, now).await? {
            call_off(tx, *id, Some(by), now).await?;
        }
    }
    enqueue(tx, Adrift::Room(room_id), now).await
}

/// Enqueues the job that calls off what something that ended in this transaction left behind, if there is anything.
///
/// # Errors
/// As any statement.
pub(crate) async fn enqueue(tx: &mut Tx, left_by: Adrift, now: Micros) -> Result<(), StoreError> {
    if store::list(&mut *tx, left_by, now, Uuid::nil(), 1).await?.is_empty() {
        return Ok(());
    }
    tx.enqueue(call_off_job(left_by), now).await
}

/// Job: calls off everything that was left behind, one transaction each.
///
/// # Errors
/// As any statement; what was done stays done.
pub(crate) async fn run(app: &App, left_by: Adrift) -> Result<(), StoreError> {
    let mut after = Uuid::nil();
    loop {
        let ids = store::list(&app.db, left_by, app.clock.now(), after, BATCH).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = *last;
        for id in ids {
            let now = app.clock.now();
            let mut tx = app.begin().await?;
            meetings::lock(&mut tx, id).await?;
            if store::is_adrift(&mut tx, id, now).await? {
                call_off(&mut tx, id, None, now).await?;
                tx.commit(now).await?;
            }
        }
    }
}

/// Cancels a locked meeting with all that is still to come of it. What goes on has taken place, as far as it came.
async fn call_off(tx: &mut Tx, id: Uuid, by: Option<&Caller>, now: Micros) -> Result<(), StoreError> {
    let Some(meeting) = meetings::find(&mut *tx, id, Uuid::nil()).await? else { return Ok(()) };
    let ongoing = meeting_occurrences::find_ongoing(&mut *tx, id).await?;
    if let Some(one) = &ongoing {
        // For good: a call that comes later is not this meeting.
        meeting_occurrences::set_status(tx, one.id, MeetingStatus::Completed, true, now).await?;
    }
    let is_all = ongoing.is_some() && meeting.rrule.is_none();
    let status = if is_all { MeetingStatus::Completed } else { MeetingStatus::Cancelled };
    meeting_occurrences::cancel_all(tx, id, now).await?;
    meetings::set_status(tx, id, status, now).await?;
    meetings::bump(tx, id, now).await?;
    let organizer_left = users::find(&mut *tx, meeting.organizer_id).await?.is_none();
    note(tx, &meeting, status, by, now).await?;
    let Some(mut meeting) = meetings::find(&mut *tx, id, Uuid::nil()).await? else { return Ok(()) };
    tell(tx, &meeting, "meeting.status");
    if status != MeetingStatus::Cancelled {
        return Ok(());
    }
    let mut actor = by.and_then(|caller| caller.actor.user()).map(|user| user.id);
    if organizer_left {
        // Nobody learns the name of who is gone from what is written now, and who is gone is told nothing.
        meeting.organizer_name = NOBODY.to_owned();
        actor = Some(meeting.organizer_id);
    }
    Announcement::cancelled(&meeting).enqueue(tx, actor, now).await
}

/// Writes down why, in the audit log.
async fn note(
    tx: &mut Tx,
    meeting: &Meeting,
    status: MeetingStatus,
    by: Option<&Caller>,
    now: Micros,
) -> Result<(), StoreError> {
    let room = rooms::find_state(&mut *tx, meeting.room_id).await?;
    let has_room = room.is_some_and(|room| room.deleted_at.is_none());
    let because = if has_room { "nobody_runs_it" } else { "room_deleted" };
    let action = if status == MeetingStatus::Cancelled { "meeting.cancelled" } else { "meeting.ended" };
    let (org_id, diff) = (meeting.audited_in(), json!({ "because": because }));
    if let Some(caller) = by {
        return audit_in(tx, caller, org_id, action, ("meeting", meeting.id), diff, now).await;
    }
    let row = AuditRow {
        actor_id: None,
        session_id: None,
        ip: "",
        action,
        target_kind: "meeting",
        target_id: Some(meeting.id),
        diff,
    };
    outbox::insert_audit_in(tx, org_id, row, now).await
}
