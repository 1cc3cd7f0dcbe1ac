//! Calls: what media nodes report becomes history.
//!
//! In: verified webhooks. Out: rows, events, jobs. Every step may be repeated without a second effect, because webhooks
//! arrive at least once.

use std::collections::HashMap;

use serde_json::json;
use signaling_proto::proto::{ParticipantInfo, WebhookEvent};
use signaling_proto::webhook::event;
use uuid::Uuid;

use super::removals::may_stay;
use super::topics::room_rights_changed;
use crate::app::App;
use crate::jobs::NewJob;
use crate::model::call::{Call, CallRole, CallState, Identity, LOST, MOVED, NODE_LOST};
use crate::model::clock::Micros;
use crate::model::room::RoomName;
use crate::services::meetings::lifecycle;
use crate::store::calls::{self as store, NewParticipant};
use crate::store::db::StoreError;
use crate::store::rooms::RoomState;
use crate::store::tx::Tx;
use crate::store::{breakouts, guests, lobby, nodes, rooms};

/// Attribute of a participant that says what they are in the call.
pub(crate) const ROLE_ATTRIBUTE: &str = "role";
/// People of one call that are looked at; rooms are capped below it.
pub(crate) const MAX_PRESENT: i64 = 10_000;
/// A report this fresh is dated by our clock, which has the finer grain.
const FRESH_US: i64 = 2_000_000;

/// Takes a verified webhook into the history.
///
/// # Errors
/// As any statement; the node delivers again then.
pub(crate) async fn take_webhook(app: &App, report: &WebhookEvent) -> Result<(), StoreError> {
    let wanted = [event::PARTICIPANT_JOINED, event::PARTICIPANT_LEFT, event::ROOM_FINISHED];
    let Some(room) = report.room.as_ref().filter(|_| wanted.contains(&report.event.as_str())) else {
        return Ok(());
    };
    let Ok(room_id) = Uuid::try_parse(&room.name) else {
        metrics::counter!("plenum_foreign_webhooks_total").increment(1);
        return Ok(());
    };
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if !store::insert_webhook_event(&mut tx, &report.id, now).await? {
        metrics::counter!("plenum_duplicate_webhooks_total").increment(1);
        return Ok(());
    }
    let Some(state) = rooms::find_state(&mut tx, room_id).await? else {
        metrics::counter!("plenum_foreign_webhooks_total").increment(1);
        return Ok(());
    };
    let at = moment(report.created_at, now);
    match (report.event.as_str(), &report.participant) {
        (event::PARTICIPANT_JOINED, Some(info)) => {
            if let Some(call) = open_call_for(app, &mut tx, &state, &room.sid, None, now).await? {
                note_joined(&mut tx, &state, &call, &room.sid, info, now).await?;
            }
        }
        (event::PARTICIPANT_LEFT, Some(info)) => note_left(&mut tx, room_id, &room.sid, info, at, now).await?,
        (event::ROOM_FINISHED, _) => {
            if let Some(call) = store::find_open(&mut tx, room_id).await?
                && call.media_room_sid.as_deref() == Some(&room.sid)
            {
                end_call(app, &mut tx, &call, at, "finished", now).await?;
            }
        }
        _ => {}
    }
    tx.commit(now).await
}

/// The time a report tells, in whole seconds, or ours when the report is fresh.
fn moment(unix_seconds: i64, now: Micros) -> Micros {
    let told = Micros::from_unix_seconds(unix_seconds);
    if now.since(told).abs() <= FRESH_US { now } else { Micros(told.0.min(now.0)) }
}

fn joined_at(info: &ParticipantInfo, now: Micros) -> Micros {
    let told = match (info.joined_at_ms, info.joined_at) {
        (ms, _) if ms > 0 => Micros::from_unix_millis(ms),
        (_, seconds) if seconds > 0 => Micros::from_unix_seconds(seconds),
        _ => now,
    };
    Micros(told.0.min(now.0))
}

/// The open call that runs as media room `room_sid`, opened if the report is the first we hear of it, and opened again if
/// we had given it up. `None` when the report is about a room that has been over for us for good.
pub(super) async fn open_call_for(
    app: &App,
    tx: &mut Tx,
    room: &RoomState,
    room_sid: &str,
    node_id: Option<&str>,
    now: Micros,
) -> Result<Option<Call>, StoreError> {
    let open = store::find_open(&mut *tx, room.id).await?;
    if let Some(call) = &open
        && call.media_room_sid.as_deref() == Some(room_sid)
    {
        if let Some(node_id) = node_id.filter(|node_id| call.media_node_id != *node_id) {
            // Opened by a report, which does not say where it comes from.
            store::place(tx, call.id, node_id, room_sid).await?;
        }
        return Ok(open);
    }
    if let Some(known) = store::find_by_sid(tx, room.id, room_sid).await? {
        return reopen(tx, known, open.is_some()).await;
    }
    if let Some(call) = open {
        let elsewhere = node_id.is_some_and(|node_id| call.media_node_id != node_id);
        let is_another = call.state == CallState::Active && call.media_room_sid.is_some();
        if is_another && elsewhere {
            // A room we never gave anybody a token for; the call is where we placed it.
            return Ok(None);
        }
        // Of an active call, the media room was made anew while we missed its end.
        if !is_another || !end_call(app, tx, &call, now, LOST, now).await? {
            let node_id = node_id.unwrap_or(&call.media_node_id).to_owned();
            store::place(tx, call.id, &node_id, room_sid).await?;
            return Ok(Some(Call { media_node_id: node_id, media_room_sid: Some(room_sid.to_owned()), ..call }));
        }
    }
    let node_id = match node_id {
        Some(id) => id.to_owned(),
        None => only_node(app, tx, now).await?,
    };
    match store::insert(&mut *tx, room.id, &node_id, Some(room_sid), None, now).await? {
        Some(call) => Ok(Some(call)),
        None => store::find_open(&mut *tx, room.id).await,
    }
}

/// A call that had ended for us and of which a node reports: open again if we had only given it up, and the room has had
/// none since.
async fn reopen(tx: &mut Tx, call: Call, another_is_open: bool) -> Result<Option<Call>, StoreError> {
    if another_is_open || !call.was_given_up() || !store::reopen(tx, call.id).await? {
        metrics::counter!("plenum_stale_reports_total").increment(1);
        return Ok(None);
    }
    metrics::counter!("plenum_calls_reopened_total").increment(1);
    tx.event(format!("room:{}", call.room_id), "call.started", &json!({ "room_id": call.room_id, "call_id": call.id }));
    Ok(Some(Call { state: CallState::Active, ended_at: None, end_reason: None, ..call }))
}

/// A webhook does not name its node; with one node it is that one, else reconciliation finds out.
async fn only_node(app: &App, tx: &mut Tx, now: Micros) -> Result<String, StoreError> {
    let mut nodes = nodes::list_reachable(&mut *tx, now.minus(app.node_timeout()), 2).await?;
    Ok(if nodes.len() == 1 { nodes.pop().map(|node| node.id).unwrap_or_default() } else { String::new() })
}

/// Writes down that somebody is in, and has them removed if they may not be.
pub(super) async fn note_joined(
    tx: &mut Tx,
    room: &RoomState,
    call: &Call,
    room_sid: &str,
    info: &ParticipantInfo,
    now: Micros,
) -> Result<(), StoreError> {
    let Some(identity) = Identity::parse(&info.identity) else {
        metrics::counter!("plenum_foreign_participants_total").increment(1);
        return Ok(());
    };
    let joined_at = joined_at(info, now);
    if !store::insert_participant(tx, participant(call.id, &identity, info, joined_at, None), now).await? {
        return Ok(());
    }
    let topic = format!("room:{}", room.id);
    if store::activate(tx, call.id, joined_at, room_sid).await? {
        tx.event(topic.clone(), "call.started", &json!({ "room_id": room.id, "call_id": call.id }));
        lifecycle::call_started(tx, room.id, call.id, now).await?;
        super::activities::record_call(tx, call.id, "call.started", now).await?;
    }
    store::raise_peak(tx, call.id).await?;
    let told = json!({ "room_id": room.id, "call_id": call.id, "identity": info.identity, "name": info.name });
    tx.event(topic, "call.participant_joined", &told);
    let own = store::find_rights(&mut *tx, room.id, now, &info.sid).await?;
    if own.is_some_and(|own| !may_stay(room, &own, now)) {
        tx.enqueue(NewJob::remove_participant(room.id, &info.identity), now).await?;
    }
    Ok(())
}

fn participant<'a>(
    call_id: Uuid,
    identity: &Identity,
    info: &'a ParticipantInfo,
    joined_at: Micros,
    left_at: Option<Micros>,
) -> NewParticipant<'a> {
    let (user_id, guest_id) = match identity {
        Identity::User { id, .. } => (Some(*id), None),
        Identity::Guest { id, .. } => (None, Some(*id)),
    };
    NewParticipant {
        call_id,
        user_id,
        guest_id,
        name: &info.name,
        identity: &info.identity,
        sid: &info.sid,
        role: role(&info.attributes, identity),
        joined_at,
        left_at,
    }
}

/// The role in the token's attributes, which participants cannot change.
fn role(attributes: &HashMap<String, String>, identity: &Identity) -> CallRole {
    match (identity, attributes.get(ROLE_ATTRIBUTE).map(String::as_str)) {
        (Identity::Guest { .. }, _) => CallRole::Guest,
        (_, Some("host")) => CallRole::Host,
        (_, Some("cohost")) => CallRole::Cohost,
        _ => CallRole::Participant,
    }
}

async fn note_left(
    tx: &mut Tx,
    room_id: Uuid,
    room_sid: &str,
    info: &ParticipantInfo,
    at: Micros,
    now: Micros,
) -> Result<(), StoreError> {
    let Some(identity) = Identity::parse(&info.identity) else { return Ok(()) };
    let Some(call) = store::find_by_sid(tx, room_id, room_sid).await? else { return Ok(()) };
    if !store::close_participant(tx, &info.sid, at).await? {
        // Never heard of: the report of the join was lost. Known and closed: this inserts nothing.
        let stay = participant(call.id, &identity, info, joined_at(info, at), Some(at));
        if !store::insert_participant(tx, stay, now).await? {
            return Ok(());
        }
        if store::activate(tx, call.id, joined_at(info, at), room_sid).await? {
            lifecycle::call_started(tx, room_id, call.id, now).await?;
        }
    }
    let told = json!({ "room_id": room_id, "call_id": call.id, "identity": info.identity });
    tx.event(format!("room:{room_id}"), "call.participant_left", &told);
    Ok(())
}

/// Why a call is over although nobody ended it: its media room is gone.
const GONE: [&str; 4] = ["finished", LOST, MOVED, NODE_LOST];

/// Ends a call at the time the last person left, or drops it when nobody ever came. `false`: it goes on, because its
/// people are in breakouts.
pub(super) async fn end_call(
    app: &App,
    tx: &mut Tx,
    call: &Call,
    at: Micros,
    reason: &str,
    now: Micros,
) -> Result<bool, StoreError> {
    store::close_participants(tx, call.id, at).await?;
    if GONE.contains(&reason) && breakouts::is_running(&mut *tx, call.id).await? {
        return Ok(false);
    }
    close_breakouts(&mut *tx, call, now).await?;
    if lobby::delete_of_call(&mut *tx, call.room_id, call.id).await?
        && let Some(room) = rooms::find(&mut *tx, &RoomName::Id(call.room_id), None).await?
    {
        room_rights_changed(tx, room.id, room.conversation_id);
    }
    let last_left = store::last_left_at(tx, call.id).await?;
    if last_left.is_none() && store::delete_starting(tx, call.id).await? {
        return Ok(true);
    }
    let ended_at = last_left.unwrap_or(at);
    if store::end(tx, call.id, ended_at, reason).await? {
        lifecycle::call_ended(tx, call.id, now).await?;
        guests::extend_of_call(tx, call.id, now.plus(app.guest_ttl())).await?;
        let told = json!({ "room_id": call.room_id, "call_id": call.id, "reason": reason });
        tx.event(format!("room:{}", call.room_id), "call.ended", &told);
        super::activities::record_call(tx, call.id, "call.ended", now).await?;
    }
    Ok(true)
}

/// Closes the breakouts of a call: nobody gets in, and whoever is there is removed.
pub(super) async fn close_breakouts(tx: &mut Tx, call: &Call, now: Micros) -> Result<(), StoreError> {
    let closed = breakouts::close(&mut *tx, call.id).await?;
    if closed.is_empty() {
        return Ok(());
    }
    for room_id in closed {
        tx.enqueue(NewJob::close_room(room_id, "breakouts_closed"), now).await?;
    }
    let told = json!({ "room_id": call.room_id, "call_id": call.id });
    tx.event(format!("room:{}", call.room_id), "breakouts.closed", &told);
    Ok(())
}
