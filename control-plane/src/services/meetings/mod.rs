//! Meetings: planned, found, changed, held, ended; who is invited; what calendars show.
//!
//! In: an actor and parsed requests, webhooks by way of the calls, jobs. Out: models, or [`MeetingError`]. What people can
//! see in a calendar raises the sequence, and whoever is invited is told by a job.

pub(crate) mod adrift;
pub(crate) mod announce;
pub(crate) mod calendar;
pub(crate) mod ics;
pub(crate) mod invites;
pub(crate) mod lifecycle;
pub(crate) mod occurrences;
pub(crate) mod plan;
pub(crate) mod schedule;
pub(crate) mod sweep;
mod vtimezone;

use serde_json::json;
use uuid::Uuid;

use super::audit_in;
use super::authorize::{Action, MeetingAction, Refusal, authorize_meeting};
use super::rooms::{self, RoomError, RoomForm};
use crate::app::App;
use crate::http::extract::{Caller, SignedIn};
use crate::http::origin::ClientFacts;
use crate::jobs::NewJob;
use crate::model::clock::Micros;
use crate::model::meeting::{Meeting, MeetingStatus};
use crate::model::room::{AccessLevel, RoomConfig, RoomName, RoomType};
use crate::store::db::StoreError;
use crate::store::meetings::{self as store, NewMeeting};
use crate::store::meetings_adrift::Adrift;
use crate::store::tx::Tx;
use crate::store::{meeting_occurrences, members, rooms as room_store, users};
use announce::Announcement;
use plan::{MeetingChange, MeetingForm};

/// Meetings somebody may organize that are not over.
const MAX_ORGANIZED: i64 = 1_000;
/// Characters of the name of a meeting's own room.
const ROOM_NAME_CHARS: usize = 80;

/// Why something about a meeting is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MeetingError {
    #[error("no such meeting")]
    NotFound,
    #[error("no such organization")]
    OrganizationNotFound,
    #[error("no such occurrence")]
    OccurrenceNotFound,
    #[error("no such invitation")]
    InviteNotFound,
    #[error("no such calendar")]
    CalendarNotFound,
    #[error("refused: {0}")]
    Refused(Refusal),
    #[error("the meeting is over")]
    Over,
    #[error("the occurrence is over or runs")]
    OccurrenceOver,
    #[error("the meeting does not run")]
    NotOngoing,
    #[error("the meeting runs")]
    Ongoing,
    #[error("the next time of the meeting is far away")]
    NotDue,
    #[error("the caller organizes too many meetings")]
    TooMany,
    #[error("the meeting has too many invitations")]
    TooManyInvites,
    #[error("{0}: {1}")]
    Field(&'static str, String),
    #[error("the calendar could not be written")]
    Calendar(#[from] std::fmt::Error),
    #[error(transparent)]
    Room(#[from] RoomError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refusal> for MeetingError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound,
            other => Self::Refused(other),
        }
    }
}

/// Where people reach this server: its public address, else the one a request was sent to.
pub(crate) fn base_url(app: &App, facts: &ClientFacts) -> String {
    let base = match (&app.public_url, &facts.host) {
        (Some(url), _) => url.as_str().to_owned(),
        (None, Some(host)) => format!("{}://{host}", if facts.encrypted { "https" } else { "http" }),
        (None, None) => String::new(),
    };
    base.trim_end_matches('/').to_owned()
}

/// Plans a meeting, in a room of its own or in one the caller may change.
///
/// # Errors
/// See [`MeetingError`].
pub(crate) async fn create(app: &App, who: &SignedIn, form: MeetingForm) -> Result<Meeting, MeetingError> {
    let now = app.clock.now();
    let plan = form.plan(now)?;
    if store::count_organized(&app.db, who.user.id, now).await? >= MAX_ORGANIZED {
        return Err(MeetingError::TooMany);
    }
    if let Some(org_id) = form.org_id
        && !store::is_org_member(&app.db, org_id, who.user.id).await?
    {
        return Err(MeetingError::OrganizationNotFound);
    }
    let (room_id, own_room) = room_for(app, who, &form, &plan.title).await?;
    let id = Uuid::now_v7();
    let mut tx = app.begin().await?;
    // Whoever ends account or room at the same time waits, and finds this meeting; or it is not made.
    if !users::lock_active(&mut tx, who.user.id).await? {
        return Err(Refusal::SignInRequired.into());
    }
    if !members::lock_room(&mut tx, room_id).await? {
        return Err(RoomError::NotFound.into());
    }
    let new = NewMeeting {
        id,
        room_id,
        own_room,
        org_id: form.org_id,
        organizer_id: who.user.id,
        plan: &plan,
        ical_uid: &new_uid(app, id),
        split_from: None,
    };
    store::insert(&mut tx, new, now).await?;
    schedule::expand(&mut tx, id, now).await?;
    let meeting = store::find(&mut tx, id, who.user.id).await?.ok_or(MeetingError::NotFound)?;
    let diff = json!({ "title": plan.title, "starts_at": plan.starts_at, "rrule": plan.rrule });
    let org_id = meeting.audited_in();
    audit_in(&mut tx, &who.caller, org_id, "meeting.created", ("meeting", id), diff, now).await?;
    tell(&mut tx, &meeting, "meeting.created");
    sweep::plan_reminders(&mut tx, id, now).await?;
    tx.commit(now).await?;
    Ok(meeting)
}

/// The room of a new meeting, and whether it is made for it.
async fn room_for(app: &App, who: &SignedIn, form: &MeetingForm, title: &str) -> Result<(Uuid, bool), MeetingError> {
    let Some(id) = form.room_id else {
        return Ok((rooms::create(app, who, own_room(title, form.access_level(who))).await?.id, true));
    };
    let room = rooms::find(app, &who.caller, &RoomName::Id(id), Action::Update).await?;
    if room.room_type != RoomType::Video {
        return Err(MeetingError::Field("room_id", "must be a video room".into()));
    }
    Ok((room.id, false))
}

fn own_room(title: &str, access_level: AccessLevel) -> RoomForm {
    RoomForm {
        name: title.chars().take(ROOM_NAME_CHARS).collect::<String>().trim().to_owned(),
        description: String::new(),
        room_type: RoomType::Video,
        access_level,
        config: RoomConfig::default(),
        capacity: None,
        is_active: true,
        expires_at: None,
        org_id: None,
    }
}

/// The name of a meeting in calendars, for ever.
fn new_uid(app: &App, id: Uuid) -> String {
    let host = app.public_url.as_ref().and_then(|url| url.host_str()).unwrap_or("plenum.invalid");
    format!("{id}@{host}")
}

/// Tells who listens to the room that something about the meeting changed.
fn tell(tx: &mut Tx, meeting: &Meeting, kind: &'static str) {
    let payload = json!({ "meeting_id": meeting.id, "room_id": meeting.room_id, "status": meeting.status });
    tx.event(format!("room:{}", meeting.room_id), kind, &payload);
}

/// Finds a meeting for somebody who wants to do `action` with it.
///
/// # Errors
/// See [`MeetingError`].
pub(crate) async fn find(app: &App, caller: &Caller, id: Uuid, action: MeetingAction) -> Result<Meeting, MeetingError> {
    let user_id = caller.actor.user().map_or(Uuid::nil(), |user| user.id);
    let meeting = store::find(&app.db, id, user_id).await?.ok_or(MeetingError::NotFound)?;
    authorize_meeting(&caller.actor, action, &meeting)?;
    Ok(meeting)
}

/// As [`find`], inside a transaction that nobody else changes the meeting beside.
async fn find_locked(tx: &mut Tx, who: &SignedIn, id: Uuid, action: MeetingAction) -> Result<Meeting, MeetingError> {
    store::lock(tx, id).await?;
    let meeting = store::find(tx, id, who.user.id).await?.ok_or(MeetingError::NotFound)?;
    authorize_meeting(&who.caller.actor, action, &meeting)?;
    Ok(meeting)
}

/// Changes a meeting as a whole.
///
/// # Errors
/// See [`MeetingError`].
pub(crate) async fn update(
    app: &App,
    who: &SignedIn,
    id: Uuid,
    change: MeetingChange,
) -> Result<Meeting, MeetingError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let meeting = find_locked(&mut tx, who, id, MeetingAction::Edit).await?;
    who.caller.facts.if_match.check(meeting.updated_at)?;
    let meeting = update_in(&mut tx, who, &meeting, &change, now).await?;
    tx.commit(now).await?;
    Ok(meeting)
}

/// As [`update`], in a transaction that holds the meeting.
async fn update_in(
    tx: &mut Tx,
    who: &SignedIn,
    meeting: &Meeting,
    change: &MeetingChange,
    now: Micros,
) -> Result<Meeting, MeetingError> {
    if meeting.is_over() {
        return Err(MeetingError::Over);
    }
    let old = plan::of(meeting);
    let new = change.change(plan::of(meeting))?;
    if new == old {
        return Ok(meeting.clone());
    }
    store::update(tx, meeting.id, &new, now).await?;
    let retimed = schedule::differs(&old, &new);
    if retimed {
        schedule::reschedule(tx, meeting.id, now).await?;
        lifecycle::refresh(tx, meeting.id, now).await?;
    }
    let diff = json!({ "changed": plan::changed(&old, &new) });
    let org_id = meeting.audited_in();
    audit_in(tx, &who.caller, org_id, "meeting.updated", ("meeting", meeting.id), diff, now).await?;
    let meeting = store::find(&mut *tx, meeting.id, who.user.id).await?.ok_or(MeetingError::NotFound)?;
    tell(tx, &meeting, "meeting.updated");
    Announcement::updated(&meeting).enqueue(tx, Some(who.user.id), now).await?;
    sweep::plan_reminders(tx, meeting.id, now).await?;
    Ok(meeting)
}

/// Deletes a meeting, and its own room when no other meeting is in it; invitees hear that what was to come is off.
///
/// # Errors
/// See [`MeetingError`].
pub(crate) async fn delete(app: &App, who: &SignedIn, id: Uuid) -> Result<(), MeetingError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let meeting = find_locked(&mut tx, who, id, MeetingAction::Own).await?;
    who.caller.facts.if_match.check(meeting.updated_at)?;
    if !meeting.is_over() {
        let people = Announcement::cancelled(&meeting);
        people.enqueue(&mut tx, Some(who.user.id), now).await?;
        meeting_occurrences::cancel_all(&mut tx, id, now).await?;
        store::set_status(&mut tx, id, MeetingStatus::Cancelled, now).await?;
    }
    store::delete(&mut tx, id, now).await?;
    if meeting.own_room && store::count_in_room(&mut tx, meeting.room_id).await? == 0 {
        room_store::delete(&mut tx, meeting.room_id, now).await?;
        tx.event(format!("room:{}", meeting.room_id), "room.deleted", &json!({ "room_id": meeting.room_id }));
        // Planned there by now, by somebody who saw the room a moment ago.
        adrift::enqueue(&mut tx, Adrift::Room(meeting.room_id), now).await?;
        tx.enqueue(NewJob::close_room(meeting.room_id, "room_deleted"), now).await?;
    } else {
        tx.enqueue(NewJob::recheck_room(meeting.room_id), now).await?;
    }
    let (org_id, told) = (meeting.audited_in(), json!({ "title": meeting.title }));
    audit_in(&mut tx, &who.caller, org_id, "meeting.deleted", ("meeting", id), told, now).await?;
    tell(&mut tx, &meeting, "meeting.deleted");
    tx.commit(now).await?;
    Ok(())
}
