//! Breakouts: a call is split into rooms for a while, and comes together again.
//!
//! In: somebody who leads the main call. Out: rooms, assignments, events and attributes that send clients on their way.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::audit_in;
use super::authorize::{CallAction, Refusal};
use super::call_access::{self, HostError, Seat};
use super::calls;
use super::joins::{self, JoinError, JoinForm, JoinGrant};
use super::removals::{CallError, node_of};
use super::{admission, bans};
use crate::app::App;
use crate::http::extract::Caller;
use crate::jobs::NewJob;
use crate::model::breakout::{Assignment, Breakout, BreakoutState};
use crate::model::call::{CallParticipant, CallRole};
use crate::model::clock::Micros;
use crate::model::room::{RoomConfig, RoomName, random_code};
use crate::store::breakouts::{self as store, NewBreakout};
use crate::store::db::StoreError;
use crate::store::tx::Tx;
use crate::store::{calls as call_store, rooms};

/// Breakouts of one call.
pub(crate) const MAX_BREAKOUTS: usize = 50;
/// The same, as statements count.
const LIMIT: i64 = 50;
/// People of one call that are sent to breakouts.
const MAX_ASSIGNED: i64 = 1_000;
/// Tries to find a free code.
const CODE_TRIES: usize = 4;
/// Attribute of a participant: the breakout they are sent to.
const BREAKOUT_ATTRIBUTE: &str = "breakout";
/// Attribute of a participant of a breakout: until when to come back.
const RECALL_ATTRIBUTE: &str = "recall_at";
/// Breakouts that have been empty for that long are closed.
const DESERTED_AFTER: Duration = Duration::from_secs(120);
/// Deserted calls closed in one round.
const MAX_DESERTED: i64 = 100;

/// Who goes where.
#[derive(Debug)]
pub(crate) struct Move {
    /// The id of a stay, or a LiveKit identity.
    pub pid: String,
    /// `None` = they stay in the main call.
    pub breakout_id: Option<Uuid>,
}

/// The breakouts of a call, as somebody may see them.
#[derive(Debug)]
pub(crate) struct Plan {
    pub breakouts: Vec<Breakout>,
    pub assignments: Vec<Assignment>,
}

/// Why breakouts are not to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BreakoutError {
    #[error(transparent)]
    Host(#[from] HostError),
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error("the call is a breakout itself")]
    Nested,
    #[error("the call has breakouts already")]
    Exist,
    #[error("the call has no breakouts")]
    None,
    #[error("no such breakout of this call")]
    NotFound,
    #[error("the breakout is not open")]
    Closed,
    #[error("the caller is sent elsewhere")]
    NotAssigned,
}

impl From<StoreError> for BreakoutError {
    fn from(error: StoreError) -> Self {
        Self::Host(error.into())
    }
}

impl From<Refusal> for BreakoutError {
    fn from(refusal: Refusal) -> Self {
        Self::Host(refusal.into())
    }
}

async fn lead(app: &App, caller: &Caller, call_id: Uuid) -> Result<Seat, BreakoutError> {
    let seat = call_access::find(app, caller, call_id, CallAction::Lead).await?;
    seat.require_open()?;
    if seat.room.parent_room_id.is_some() {
        return Err(BreakoutError::Nested);
    }
    Ok(seat)
}

fn tell(tx: &mut Tx, seat: &Seat, kind: &'static str, extra: serde_json::Value) {
    let told = json!({ "room_id": seat.room.id, "call_id": seat.call.id, "plan": extra });
    tx.event(format!("room:{}", seat.room.id), kind, &told);
}

async fn read(app: &App, call_id: Uuid) -> Result<Plan, StoreError> {
    Ok(Plan {
        breakouts: store::list(&app.db, call_id, LIMIT).await?,
        assignments: store::list_assignments(&app.db, call_id, MAX_ASSIGNED).await?,
    })
}

/// Makes breakouts, one per name; with `evenly`, everybody but hosts and cohosts is spread over them.
///
/// # Errors
/// See [`BreakoutError`].
pub(crate) async fn create(
    app: &App,
    caller: &Caller,
    call_id: Uuid,
    names: &[String],
    evenly: bool,
) -> Result<Plan, BreakoutError> {
    let seat = lead(app, caller, call_id).await?;
    let created_by = caller.actor.user().map(|user| user.id).ok_or(Refusal::SignInRequired)?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if !store::list(&mut tx, call_id, 1).await?.is_empty() {
        return Err(BreakoutError::Exist);
    }
    let config = RoomConfig { lobby: false, ..seat.room.config.0.clone() };
    let mut made = Vec::with_capacity(names.len());
    for (position, name) in (0..).zip(names) {
        let new = NewBreakout {
            code: "",
            name,
            config: &config,
            call_id,
            parent_room_id: seat.room.id,
            position,
            created_by,
        };
        made.push(insert(&mut tx, new, now).await?);
    }
    if evenly {
        spread(&mut tx, call_id, &made).await?;
    }
    let (org_id, told) = (seat.room.org_id, json!({ "count": made.len() }));
    audit_in(&mut tx, caller, org_id, "call.breakouts_made", ("call", call_id), told.clone(), now).await?;
    tell(&mut tx, &seat, "breakouts.prepared", told);
    tx.commit(now).await?;
    Ok(read(app, call_id).await?)
}

async fn insert(tx: &mut Tx, new: NewBreakout<'_>, now: Micros) -> Result<Uuid, BreakoutError> {
    for _ in 0..CODE_TRIES {
        match store::insert(tx, NewBreakout { code: &random_code(), ..new }, now).await {
            Ok(Some(id)) => return Ok(id),
            Ok(None) => {}
            // Two hosts at once: the other's are there.
            Err(StoreError::Duplicate) => return Err(BreakoutError::Exist),
            Err(error) => return Err(error.into()),
        }
    }
    Err(BreakoutError::Exist)
}

/// Sends everybody who leads nothing to the breakouts in turn.
async fn spread(tx: &mut Tx, call_id: Uuid, breakouts: &[Uuid]) -> Result<(), StoreError> {
    let present = call_store::list_present(&mut *tx, call_id, MAX_ASSIGNED).await?;
    let mut people: Vec<Uuid> = present
        .iter()
        .filter(|stay| !matches!(stay.role, CallRole::Host | CallRole::Cohost))
        .filter_map(CallParticipant::subject_id)
        .collect();
    people.sort_unstable();
    people.dedup();
    for (subject, room) in people.into_iter().zip(breakouts.iter().cycle()) {
        store::assign(&mut *tx, call_id, subject, Some(*room)).await?;
    }
    Ok(())
}

/// The breakouts of a call: all of them for who leads it, one's own for everybody else.
///
/// # Errors
/// See [`BreakoutError`].
pub(crate) async fn list(app: &App, caller: &Caller, call_id: Uuid) -> Result<Plan, BreakoutError> {
    let seat = call_access::find(app, caller, call_id, CallAction::See).await?;
    let mut plan = read(app, call_id).await?;
    if !(seat.is_host || seat.grant.is_cohost) {
        plan.assignments.retain(|assignment| Some(assignment.subject_id) == seat.subject_id);
        let own: Vec<Uuid> = plan.assignments.iter().map(|assignment| assignment.room_id).collect();
        plan.breakouts.retain(|breakout| own.contains(&breakout.room_id));
    }
    Ok(plan)
}

/// Sends people to breakouts, or back to the main call; who is on the way already is told at once.
///
/// # Errors
/// See [`BreakoutError`].
pub(crate) async fn assign(app: &App, caller: &Caller, call_id: Uuid, moves: &[Move]) -> Result<Plan, BreakoutError> {
    let seat = lead(app, caller, call_id).await?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let known = store::list(&mut tx, call_id, LIMIT).await?;
    if known.is_empty() {
        return Err(BreakoutError::None);
    }
    let is_open = known.iter().any(|breakout| breakout.state == BreakoutState::Open);
    let mut moved = Vec::with_capacity(moves.len());
    for wanted in moves {
        if let Some(id) = wanted.breakout_id
            && !known.iter().any(|breakout| breakout.room_id == id)
        {
            return Err(BreakoutError::NotFound);
        }
        let subject = find_subject(&mut tx, call_id, &known, &wanted.pid).await?;
        store::assign(&mut tx, call_id, subject, wanted.breakout_id).await?;
        moved.push(Assignment { subject_id: subject, room_id: wanted.breakout_id.unwrap_or(Uuid::nil()) });
    }
    tell(&mut tx, &seat, "breakouts.assigned", describe(&moved));
    if is_open {
        tx.enqueue(NewJob::send_to_breakouts(call_id), now).await?;
    }
    tx.commit(now).await?;
    Ok(read(app, call_id).await?)
}

/// Somebody in the main call or in one of its breakouts.
async fn find_subject(tx: &mut Tx, call_id: Uuid, known: &[Breakout], pid: &str) -> Result<Uuid, BreakoutError> {
    let found = match call_access::participant(&mut *tx, call_id, pid).await {
        Err(HostError::ParticipantNotFound) => None,
        other => Some(other?),
    };
    if let Some(subject) = found.and_then(|stay| stay.subject_id()) {
        return Ok(subject);
    }
    for breakout in known {
        let Some(call) = call_store::find_open(&mut *tx, breakout.room_id).await? else { continue };
        match call_access::participant(&mut *tx, call.id, pid).await {
            Ok(stay) => return stay.subject_id().ok_or_else(|| HostError::ParticipantNotFound.into()),
            Err(HostError::ParticipantNotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(HostError::ParticipantNotFound.into())
}

/// Assignments as events tell them: ids of users and guests, and of breakouts (null = the main call).
fn describe(assignments: &[Assignment]) -> serde_json::Value {
    let entries = assignments.iter().map(|assignment| {
        let breakout = Some(assignment.room_id).filter(|id| !id.is_nil());
        json!({ "subject_id": assignment.subject_id, "breakout_id": breakout })
    });
    entries.collect()
}

/// Opens the breakouts: everybody who is assigned is sent there.
///
/// # Errors
/// See [`BreakoutError`].
pub(crate) async fn open(app: &App, caller: &Caller, call_id: Uuid) -> Result<Plan, BreakoutError> {
    let seat = lead(app, caller, call_id).await?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if store::list(&mut tx, call_id, 1).await?.is_empty() {
        return Err(BreakoutError::None);
    }
    if store::open(&mut tx, call_id, now).await? > 0 {
        let assignments = store::list_assignments(&mut tx, call_id, MAX_ASSIGNED).await?;
        let org_id = seat.room.org_id;
        audit_in(&mut tx, caller, org_id, "call.breakouts_opened", ("call", call_id), json!({}), now).await?;
        tell(&mut tx, &seat, "breakouts.opened", describe(&assignments));
        tx.enqueue(NewJob::send_to_breakouts(call_id), now).await?;
    }
    tx.commit(now).await?;
    Ok(read(app, call_id).await?)
}

/// Calls everybody back; the breakouts close after `grace`.
///
/// # Errors
/// See [`BreakoutError`].
pub(crate) async fn close(app: &App, caller: &Caller, call_id: Uuid, grace: Duration) -> Result<Plan, BreakoutError> {
    let seat = lead(app, caller, call_id).await?;
    let now = app.clock.now();
    let closes_at = now.plus(grace);
    let mut tx = app.begin().await?;
    let known = store::list(&mut tx, call_id, LIMIT).await?;
    if known.is_empty() {
        return Err(BreakoutError::None);
    }
    audit_in(&mut tx, caller, seat.room.org_id, "call.breakouts_closed", ("call", call_id), json!({}), now).await?;
    let recalled = store::recall(&mut tx, call_id, closes_at).await? > 0;
    let is_closing = known.iter().any(|breakout| breakout.state == BreakoutState::Closing);
    if grace.is_zero() || !(recalled || is_closing) {
        // At once, or nobody was ever sent anywhere.
        calls::close_breakouts(&mut tx, &seat.call, now).await?;
    } else if recalled {
        tell(&mut tx, &seat, "breakouts.closing", json!({ "closes_at": closes_at }));
        tx.enqueue(NewJob::send_to_breakouts(call_id), now).await?;
        tx.enqueue(NewJob::close_breakouts(call_id, closes_at), now).await?;
    }
    tx.commit(now).await?;
    Ok(read(app, call_id).await?)
}

/// Gives somebody a place in a breakout: who is sent there, and who leads the call.
///
/// # Errors
/// See [`BreakoutError`].
pub(crate) async fn join(
    app: &App,
    caller: &Caller,
    call_id: Uuid,
    breakout_id: Uuid,
    client_id: Option<String>,
) -> Result<JoinGrant, BreakoutError> {
    let seat = call_access::find(app, caller, call_id, CallAction::See).await?;
    let breakout = store::find(&app.db, call_id, breakout_id).await?.ok_or(BreakoutError::NotFound)?;
    let leads = seat.is_host || seat.grant.is_cohost;
    if bans::is_address_banned(app, caller, seat.room.id).await? {
        return Err(JoinError::Banned.into());
    }
    let subject = admission::subject_id(&caller.actor, seat.room.id).ok_or(Refusal::SignInRequired)?;
    if !leads && store::find_assignment(&app.db, call_id, subject).await? != Some(breakout_id) {
        return Err(BreakoutError::NotAssigned);
    }
    if breakout.state != BreakoutState::Open {
        return Err(BreakoutError::Closed);
    }
    let user_id = caller.actor.user().map(|user| user.id);
    let found = rooms::find(&app.db, &RoomName::Id(breakout_id), user_id).await?;
    let room = found.ok_or(BreakoutError::NotFound)?;
    let form = JoinForm { client_id, ..JoinForm::default() };
    let joiner = joins::joiner(app, &caller.actor, &room, seat.room.id, seat.grant, form)?;
    let (grant, _) = joins::issue(app, caller, room, joiner, None).await?;
    Ok(grant)
}

/// Job: tells every live participant, by attributes, where to be: in which breakout, or back until when.
///
/// # Errors
/// See [`CallError`].
pub(crate) async fn send_people(app: &App, call_id: Uuid) -> Result<(), CallError> {
    let breakouts = store::list(&app.db, call_id, LIMIT).await?;
    let assignments = store::list_assignments(&app.db, call_id, MAX_ASSIGNED).await?;
    let target: HashMap<Uuid, Uuid> = assignments.iter().map(|entry| (entry.subject_id, entry.room_id)).collect();
    let open: Vec<Uuid> =
        breakouts.iter().filter(|b| b.state == BreakoutState::Open).map(|breakout| breakout.room_id).collect();
    let recall = breakouts.iter().find_map(|b| b.closes_at.filter(|_| b.state == BreakoutState::Closing));
    let Some(main) = call_store::find(&app.db, call_id).await?.filter(|call| call.ended_at.is_none()) else {
        return Ok(());
    };
    let here = |subject: Uuid| target.get(&subject).copied().filter(|room| open.contains(room));
    tell_call(app, main.room_id, &here, recall).await?;
    for breakout in &breakouts {
        tell_call(app, breakout.room_id, &here, recall).await?;
    }
    Ok(())
}

async fn tell_call(
    app: &App,
    room_id: Uuid,
    target: &impl Fn(Uuid) -> Option<Uuid>,
    recall: Option<Micros>,
) -> Result<(), CallError> {
    let Some(call) = call_store::find_open(&app.db, room_id).await? else { return Ok(()) };
    let Some(node) = node_of(app, &call).await? else { return Ok(()) };
    let until = recall.and_then(|at| serde_json::to_value(at).ok()).and_then(|at| at.as_str().map(str::to_owned));
    for stay in call_store::list_present(&app.db, call.id, MAX_ASSIGNED).await? {
        let Some(subject) = stay.subject_id() else { continue };
        let breakout = target(subject).map_or(String::new(), |id| id.to_string());
        let attributes = [
            (BREAKOUT_ATTRIBUTE.to_owned(), breakout),
            (RECALL_ATTRIBUTE.to_owned(), until.clone().unwrap_or_default()),
        ];
        app.media.tell_participant(&node, &room_id.to_string(), &stay.identity, attributes.into()).await?;
    }
    Ok(())
}

/// Job: closes the breakouts of a call whose grace is over.
///
/// # Errors
/// See [`CallError`].
pub(crate) async fn finish(app: &App, call_id: Uuid) -> Result<(), CallError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let known = store::list(&mut tx, call_id, LIMIT).await?;
    // Opened again meanwhile: the recall was taken back.
    let is_due = known.iter().any(|b| b.closes_at.is_some_and(|at| at <= now) && b.state == BreakoutState::Closing);
    if let Some(call) = call_store::find_in(&mut tx, call_id).await?.filter(|_| is_due) {
        calls::close_breakouts(&mut tx, &call, now).await?;
        tx.commit(now).await?;
    }
    Ok(())
}

/// Closes breakouts that everybody has left, and the main call if it is empty as well.
///
/// # Errors
/// As any statement.
pub(crate) async fn close_deserted(app: &App, now: Micros) -> Result<(), StoreError> {
    for call_id in store::list_deserted(&app.db, now.minus(DESERTED_AFTER), MAX_DESERTED).await? {
        let mut tx = app.begin().await?;
        if let Some(call) = call_store::find_in(&mut tx, call_id).await?.filter(|call| call.ended_at.is_none()) {
            calls::close_breakouts(&mut tx, &call, now).await?;
            calls::end_call(app, &mut tx, &call, now, "finished", now).await?;
        }
        tx.commit(now).await?;
    }
    Ok(())
}
