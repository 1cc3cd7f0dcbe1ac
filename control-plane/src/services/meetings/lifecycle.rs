//! Where a meeting stands: started, ended and cancelled by people, begun and ended by what the media node really did.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::announce::Announcement;
use super::{MeetingError, find_locked, tell};
use crate::app::App;
use crate::http::extract::SignedIn;
use crate::jobs::meetings::end_call;
use crate::model::call::CallState;
use crate::model::clock::Micros;
use crate::model::meeting::{Meeting, MeetingStatus, Occurrence};
use crate::services::audit_in;
use crate::services::authorize::MeetingAction;
use crate::store::db::StoreError;
use crate::store::tx::Tx;
use crate::store::{calls, meeting_occurrences as store, meetings};

/// How long before its start a call in the room counts as the meeting.
const EARLY: Duration = Duration::from_secs(30 * 60);
/// How long after its end a call in the room still counts as the meeting.
const LATE: Duration = Duration::from_secs(60 * 60);
/// How long before its time an occurrence of a series may be started.
const START_AHEAD: Duration = Duration::from_secs(86_400);

/// Starts the occurrence that is due, or the next one. One that runs is left alone.
///
/// # Errors
/// See [`MeetingError`].
pub(crate) async fn start(app: &App, who: &SignedIn, id: Uuid) -> Result<Meeting, MeetingError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let meeting = find_locked(&mut tx, who, id, MeetingAction::Edit).await?;
    if store::find_ongoing(&mut tx, id).await?.is_some() {
        return Ok(meeting);
    }
    if meeting.is_over() {
        return Err(MeetingError::Over);
    }
    let occurrence = match store::find_next(&mut tx, id, now).await? {
        Some(next) if meeting.rrule.is_some() && next.starts_at > now.plus(START_AHEAD) => {
            return Err(MeetingError::NotDue);
        }
        Some(next) => next,
        None if meeting.rrule.is_some() => return Err(MeetingError::Over),
        None => {
            let rows = store::list_from(&mut tx, id, Micros(i64::MIN), 1).await?;
            rows.into_iter().next().ok_or(MeetingError::Over)?
        }
    };
    begin(&mut tx, &occurrence, now).await?;
    if let Some(call) = calls::find_open(&mut tx, meeting.room_id).await?
        && call.state == CallState::Active
    {
        store::link_call(&mut tx, call.id, &occurrence, now).await?;
    }
    let told = json!({ "occurrence": occurrence.original_start_at });
    let org_id = meeting.audited_in();
    audit_in(&mut tx, &who.caller, org_id, "meeting.started", ("meeting", id), told, now).await?;
    let meeting = meetings::find(&mut tx, id, who.user.id).await?.ok_or(MeetingError::NotFound)?;
    tx.commit(now).await?;
    Ok(meeting)
}

/// Ends the occurrence that runs, for good, and its call with it.
///
/// # Errors
/// See [`MeetingError`].
pub(crate) async fn end(app: &App, who: &SignedIn, id: Uuid) -> Result<Meeting, MeetingError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let meeting = find_locked(&mut tx, who, id, MeetingAction::Edit).await?;
    let Some(occurrence) = store::find_ongoing(&mut tx, id).await? else {
        return if meeting.status == MeetingStatus::Completed { Ok(meeting) } else { Err(MeetingError::NotOngoing) };
    };
    store::set_status(&mut tx, occurrence.id, MeetingStatus::Completed, true, now).await?;
    refresh(&mut tx, id, now).await?;
    if let Some(call) = calls::find_open(&mut tx, meeting.room_id).await? {
        tx.enqueue(end_call(call.id, meeting.room_id), now).await?;
    }
    let told = json!({ "occurrence": occurrence.original_start_at });
    let org_id = meeting.audited_in();
    audit_in(&mut tx, &who.caller, org_id, "meeting.ended", ("meeting", id), told, now).await?;
    let meeting = meetings::find(&mut tx, id, who.user.id).await?.ok_or(MeetingError::NotFound)?;
    tx.commit(now).await?;
    Ok(meeting)
}

/// Calls a meeting off, with all that is still to come of it.
///
/// # Errors
/// See [`MeetingError`].
pub(crate) async fn cancel(app: &App, who: &SignedIn, id: Uuid) -> Result<Meeting, MeetingError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let meeting = find_locked(&mut tx, who, id, MeetingAction::Edit).await?;
    match meeting.status {
        MeetingStatus::Cancelled => return Ok(meeting),
        MeetingStatus::Completed => return Err(MeetingError::Over),
        MeetingStatus::Ongoing => return Err(MeetingError::Ongoing),
        MeetingStatus::Scheduled => {}
    }
    store::cancel_all(&mut tx, id, now).await?;
    meetings::set_status(&mut tx, id, MeetingStatus::Cancelled, now).await?;
    meetings::bump(&mut tx, id, now).await?;
    let org_id = meeting.audited_in();
    audit_in(&mut tx, &who.caller, org_id, "meeting.cancelled", ("meeting", id), json!({}), now).await?;
    let meeting = meetings::find(&mut tx, id, who.user.id).await?.ok_or(MeetingError::NotFound)?;
    tell(&mut tx, &meeting, "meeting.status");
    let people = Announcement::cancelled(&meeting);
    people.enqueue(&mut tx, Some(who.user.id), now).await?;
    tx.commit(now).await?;
    Ok(meeting)
}

/// The room in which a meeting's call takes place, for somebody who sees the meeting and wants to call there.
///
/// # Errors
/// See [`MeetingError`].
pub(crate) async fn room_to_call(app: &App, who: &SignedIn, id: Uuid) -> Result<Uuid, MeetingError> {
    let meeting = super::find(app, &who.caller, id, MeetingAction::See).await?;
    // One that is completed may go on: whoever comes back within its time continues it.
    if meeting.status == MeetingStatus::Cancelled { Err(MeetingError::Over) } else { Ok(meeting.room_id) }
}

async fn begin(tx: &mut Tx, occurrence: &Occurrence, now: Micros) -> Result<(), StoreError> {
    if occurrence.status != MeetingStatus::Ongoing {
        store::set_status(tx, occurrence.id, MeetingStatus::Ongoing, false, now).await?;
    }
    refresh(tx, occurrence.meeting_id, now).await
}

/// A call in a room became active: if one of its meetings is due, this is it.
///
/// # Errors
/// As any statement.
pub(crate) async fn call_started(tx: &mut Tx, room_id: Uuid, call_id: Uuid, now: Micros) -> Result<(), StoreError> {
    let due = store::find_due_in_room(tx, room_id, now.plus(EARLY), now.minus(LATE), now).await?;
    let Some(occurrence) = due else { return Ok(()) };
    store::link_call(tx, call_id, &occurrence, now).await?;
    begin(tx, &occurrence, now).await
}

/// A call ended: the meeting it was, if any, has taken place.
///
/// # Errors
/// As any statement.
pub(crate) async fn call_ended(tx: &mut Tx, call_id: Uuid, now: Micros) -> Result<(), StoreError> {
    let Some(occurrence) = store::find_of_call(tx, call_id).await? else { return Ok(()) };
    if occurrence.status != MeetingStatus::Ongoing {
        return Ok(());
    }
    store::set_status(tx, occurrence.id, MeetingStatus::Completed, false, now).await?;
    refresh(tx, occurrence.meeting_id, now).await
}

/// Ends an occurrence that was started by hand and that nobody is in long after its time.
///
/// # Errors
/// As any statement.
pub(super) async fn close_stale(app: &App, occurrence_id: Uuid, now: Micros) -> Result<(), StoreError> {
    let mut tx = app.begin().await?;
    let Some(occurrence) = store::find_by_id(&mut tx, occurrence_id).await? else { return Ok(()) };
    if occurrence.status == MeetingStatus::Ongoing {
        store::set_status(&mut tx, occurrence.id, MeetingStatus::Completed, false, now).await?;
        refresh(&mut tx, occurrence.meeting_id, now).await?;
    }
    tx.commit(now).await
}

/// How long after its end an occurrence without a call is closed.
pub(super) const fn stale_after() -> Duration {
    LATE
}

/// Derives the status of a meeting from its occurrences, and tells when it changed.
///
/// # Errors
/// As any statement.
pub(super) async fn refresh(tx: &mut Tx, meeting_id: Uuid, now: Micros) -> Result<(), StoreError> {
    let Some(meeting) = meetings::find_any(&mut *tx, meeting_id).await? else { return Ok(()) };
    let counts = store::count_by_status(tx, meeting_id, now).await?;
    let has = |status| counts.iter().any(|(known, _)| *known == status);
    let goes_on = meeting.rrule.is_some() && meeting.ends_at.is_none_or(|end| end > now);
    let more = meeting.expanded_until.is_some_and(|until| meeting.ends_at.is_none_or(|end| end > until));
    let status = if has(MeetingStatus::Ongoing) {
        MeetingStatus::Ongoing
    } else if has(MeetingStatus::Scheduled) || (goes_on && more) {
        MeetingStatus::Scheduled
    } else if has(MeetingStatus::Completed) {
        MeetingStatus::Completed
    } else if has(MeetingStatus::Cancelled) {
        MeetingStatus::Cancelled
    } else {
        // It came and went without anybody.
        MeetingStatus::Scheduled
    };
    if meetings::set_status(tx, meeting_id, status, now).await? {
        tell(tx, &Meeting { status, ..meeting }, "meeting.status");
    }
    Ok(())
}
