//! One occurrence of a series edited or called off, and a series split in two.

use serde_json::json;
use uuid::Uuid;

use super::announce::Announcement;
use super::plan::{self, MeetingChange};
use super::schedule::{self, MAX_ROWS, Schedule};
use super::{MeetingError, find_locked, lifecycle, new_uid, sweep, tell, update_in};
use crate::app::App;
use crate::http::extract::{Caller, SignedIn};
use crate::model::clock::Micros;
use crate::model::meeting::{Edits, Meeting, MeetingStatus, Occurrence};
use crate::model::recurrence::wall_text;
use crate::services::audit_in;
use crate::services::authorize::MeetingAction;
use crate::store::meeting_occurrences as store;
use crate::store::meetings::{self, NewMeeting, Plan};
use crate::store::tx::Tx;

/// Occurrences in one answer.
pub(crate) const MAX_LISTED: i64 = 400;

/// What is to change of an occurrence.
#[derive(Clone, Debug, Default)]
pub(crate) struct OccurrenceChange {
    pub change: MeetingChange,
    pub cancel: bool,
}

/// Lists the occurrences of a meeting that overlap `[from, to)`.
///
/// # Errors
/// See [`MeetingError`].
pub(crate) async fn list(
    app: &App,
    caller: &Caller,
    id: Uuid,
    from: Micros,
    to: Micros,
) -> Result<(Meeting, Vec<Occurrence>), MeetingError> {
    let meeting = super::find(app, caller, id, MeetingAction::See).await?;
    let rows = store::list(&app.db, id, from, to, MAX_LISTED).await?;
    Ok((meeting, rows))
}

/// Edits or calls off one occurrence.
///
/// # Errors
/// See [`MeetingError`].
pub(crate) async fn update_one(
    app: &App,
    who: &SignedIn,
    id: Uuid,
    start: Micros,
    form: OccurrenceChange,
) -> Result<(Meeting, Occurrence), MeetingError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let meeting = find_locked(&mut tx, who, id, MeetingAction::Edit).await?;
    who.caller.facts.if_match.check(meeting.updated_at)?;
    let mut row = find_open(&mut tx, id, start).await?;
    if form.cancel {
        row.status = MeetingStatus::Cancelled;
    } else if meeting.rrule.is_none() {
        // There is nothing else to edit than the meeting itself.
        let meeting = update_in(&mut tx, who, &meeting, &form.change, now).await?;
        let rows = store::list_from(&mut tx, id, Micros(i64::MIN), 1).await?;
        let row = rows.into_iter().next().ok_or(MeetingError::OccurrenceNotFound)?;
        tx.commit(now).await?;
        return Ok((meeting, row));
    }
    let schedule = Schedule::of(&meeting).ok_or(MeetingError::OccurrenceNotFound)?;
    row.edits.0 = edited(&meeting, &row, &schedule, &form.change)?;
    (row.starts_at, row.ends_at) = schedule.times(row.original_start_at, &row.edits.0);
    store::update(&mut tx, &row, now).await?;
    meetings::bump(&mut tx, id, now).await?;
    lifecycle::refresh(&mut tx, id, now).await?;
    let diff = json!({ "occurrence": row.original_start_at, "edits": row.edits.0, "status": row.status });
    let org_id = meeting.audited_in();
    audit_in(&mut tx, &who.caller, org_id, "meeting.occurrence_updated", ("meeting", id), diff, now).await?;
    let meeting = meetings::find(&mut tx, id, who.user.id).await?.ok_or(MeetingError::NotFound)?;
    tell(&mut tx, &meeting, "meeting.updated");
    let news = Announcement::of_occurrence(&meeting, &row);
    news.enqueue(&mut tx, Some(who.user.id), now).await?;
    sweep::plan_reminders(&mut tx, id, now).await?;
    tx.commit(now).await?;
    Ok((meeting, row))
}

/// An occurrence that has not begun and was not called off.
async fn find_open(tx: &mut Tx, id: Uuid, start: Micros) -> Result<Occurrence, MeetingError> {
    let row = store::find(tx, id, start).await?.ok_or(MeetingError::OccurrenceNotFound)?;
    if row.status == MeetingStatus::Scheduled { Ok(row) } else { Err(MeetingError::OccurrenceOver) }
}

/// The edits of an occurrence after a change; what is the same as in the series is none.
fn edited(
    meeting: &Meeting,
    row: &Occurrence,
    schedule: &Schedule,
    change: &MeetingChange,
) -> Result<Edits, MeetingError> {
    if change.rrule.is_some() || change.timezone.is_some() || change.language.is_some() {
        return Err(MeetingError::Field("scope", "must be this_and_following to change zone, rule or language".into()));
    }
    let mut edits = row.edits.0.clone();
    if let Some(start) = &change.start {
        let wall = start.in_zone(&meeting.timezone)?;
        let original = schedule.instance_at(row.original_start_at).map(|one| one.wall);
        edits.local_start = Some(wall).filter(|wall| Some(*wall) != original).map(wall_text);
    }
    if let Some(minutes) = change.duration_min {
        edits.duration_min = Some(minutes).filter(|minutes| *minutes != meeting.duration_min);
    }
    if let Some(title) = &change.title {
        edits.title = Some(title.clone()).filter(|title| *title != meeting.title);
    }
    if let Some(description) = &change.description {
        edits.description = Some(description.clone()).filter(|text| *text != meeting.description);
    }
    Ok(edits)
}

/// Changes, or calls off, an occurrence and all that follow: the series ends before it, and another one begins there.
///
/// # Errors
/// See [`MeetingError`].
pub(crate) async fn update_following(
    app: &App,
    who: &SignedIn,
    id: Uuid,
    start: Micros,
    form: OccurrenceChange,
) -> Result<(Meeting, Occurrence), MeetingError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let meeting = find_locked(&mut tx, who, id, MeetingAction::Edit).await?;
    who.caller.facts.if_match.check(meeting.updated_at)?;
    let row = find_open(&mut tx, id, start).await?;
    let schedule = Schedule::of(&meeting).ok_or(MeetingError::OccurrenceNotFound)?;
    let taken = match &schedule.rule {
        Some(rule) => rule.count_before(schedule.start, &schedule.zone, start),
        None => 0,
    };
    if taken == 0 && !form.cancel {
        // All of it: the series itself changes.
        let meeting = update_in(&mut tx, who, &meeting, &form.change, now).await?;
        let rows = store::list_from(&mut tx, id, meeting.starts_at, 1).await?;
        let row = rows.into_iter().next().ok_or(MeetingError::OccurrenceNotFound)?;
        tx.commit(now).await?;
        return Ok((meeting, row));
    }
    if taken == 0 {
        drop(tx);
        let meeting = lifecycle::cancel(app, who, id).await?;
        return Ok((meeting, Occurrence { status: MeetingStatus::Cancelled, ..row }));
    }
    let answer = split(app, &mut tx, who, &meeting, &schedule, row, taken, form, now).await?;
    tx.commit(now).await?;
    Ok(answer)
}

#[expect(clippy::too_many_arguments, reason = "the two halves of one act share all of it")]
async fn split(
    app: &App,
    tx: &mut Tx,
    who: &SignedIn,
    meeting: &Meeting,
    schedule: &Schedule,
    row: Occurrence,
    taken: usize,
    form: OccurrenceChange,
    now: Micros,
) -> Result<(Meeting, Occurrence), MeetingError> {
    let rule = schedule.rule.as_ref().ok_or(MeetingError::OccurrenceNotFound)?;
    let cut = schedule.instance_at(row.original_start_at).ok_or(MeetingError::OccurrenceNotFound)?;
    let rest = rule.without_first(taken).ok_or(MeetingError::OccurrenceNotFound)?;
    let tail = Plan { local_start: wall_text(cut.wall), rrule: Some(rest.text(&schedule.zone)), ..plan::of(meeting) };
    let unchanged = plan::settle(tail.clone())?;
    let tail = form.change.change(tail)?;
    let moved: Vec<Occurrence> = store::list_from(&mut *tx, meeting.id, row.original_start_at, MAX_ROWS).await?;
    let moved: Vec<Occurrence> = moved.into_iter().filter(|row| row.status != MeetingStatus::Completed).collect();
    if moved.iter().any(|row| row.status == MeetingStatus::Ongoing) {
        return Err(MeetingError::OccurrenceOver);
    }
    let head = Plan { rrule: Some(rule.ending_before(cut.wall).text(&schedule.zone)), ..plan::of(meeting) };
    meetings::update(tx, meeting.id, &plan::settle(head)?, now).await?;
    for row in &moved {
        store::delete(tx, row.id).await?;
    }
    lifecycle::refresh(tx, meeting.id, now).await?;
    let diff = json!({ "split_at": row.original_start_at, "cancelled": form.cancel });
    let org_id = meeting.audited_in();
    audit_in(tx, &who.caller, org_id, "meeting.split", ("meeting", meeting.id), diff, now).await?;
    let old = meetings::find(&mut *tx, meeting.id, who.user.id).await?.ok_or(MeetingError::NotFound)?;
    tell(tx, &old, "meeting.updated");
    Announcement::updated(&old).enqueue(tx, Some(who.user.id), now).await?;
    if form.cancel {
        return Ok((old, Occurrence { status: MeetingStatus::Cancelled, ..row }));
    }
    let keep = !schedule::differs(&Plan { duration_min: tail.duration_min, ..unchanged }, &tail);
    let new = begin_tail(app, tx, who, meeting, &tail, if keep { moved } else { Vec::new() }, now).await?;
    let first = store::list_from(&mut *tx, new.id, new.starts_at, 1).await?;
    let first = first.into_iter().next().ok_or(MeetingError::OccurrenceNotFound)?;
    Ok((new, first))
}

/// The second half of a split series: the same room and people, what was edited of single occurrences if it still fits.
async fn begin_tail(
    app: &App,
    tx: &mut Tx,
    who: &SignedIn,
    old: &Meeting,
    plan: &Plan,
    keep: Vec<Occurrence>,
    now: Micros,
) -> Result<Meeting, MeetingError> {
    let id = Uuid::now_v7();
    let new = NewMeeting {
        id,
        room_id: old.room_id,
        own_room: old.own_room,
        org_id: old.org_id,
        organizer_id: old.organizer_id,
        plan,
        ical_uid: &new_uid(app, id),
        split_from: Some(old.id),
    };
    meetings::insert(tx, new, now).await?;
    let meeting = meetings::find(&mut *tx, id, who.user.id).await?.ok_or(MeetingError::NotFound)?;
    let schedule = Schedule::of(&meeting).ok_or(MeetingError::NotFound)?;
    for row in keep {
        if row.status == MeetingStatus::Cancelled || !row.edits.0.is_empty() {
            schedule::add(tx, id, &schedule, row.original_start_at, row.status, &row.edits.0, now).await?;
        }
    }
    schedule::expand(tx, id, now).await?;
    super::invites::copy(app, tx, old.id, id, now).await?;
    let meeting = meetings::find(&mut *tx, id, who.user.id).await?.ok_or(MeetingError::NotFound)?;
    tell(tx, &meeting, "meeting.created");
    Announcement::updated(&meeting).enqueue(tx, Some(who.user.id), now).await?;
    sweep::plan_reminders(tx, id, now).await?;
    Ok(meeting)
}
