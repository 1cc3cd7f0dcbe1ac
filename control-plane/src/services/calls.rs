//! Calls: what media nodes report becomes history; who lost the right to be inside is removed.
//!
//! In: verified webhooks, jobs. Out: rows, events, RoomService calls. Every step may be repeated without a second
//! effect, because webhooks and jobs arrive at least once.

use std::collections::HashMap;

use serde_json::json;
use signaling_proto::call::RoomServiceError;
use signaling_proto::proto::{ParticipantInfo, WebhookEvent};
use signaling_proto::webhook::event;
use uuid::Uuid;

use crate::app::App;
use crate::jobs::NewJob;
use crate::model::call::{Call, CallRole, CallState, Identity, LOST};
use crate::model::clock::Micros;
use crate::model::node::MediaNode;
use crate::model::room::AccessLevel;
use crate::model::user::UserStatus;
use crate::services::meetings::lifecycle;
use crate::store::calls::{self as store, NewParticipant, Rights};
use crate::store::db::StoreError;
use crate::store::rooms::RoomState;
use crate::store::tx::Tx;
use crate::store::{guests, nodes, rooms};

/// Attribute of a participant that says what they are in the call.
pub(crate) const ROLE_ATTRIBUTE: &str = "role";
/// People of one call that are looked at; rooms are capped below it.
pub(crate) const MAX_PRESENT: i64 = 10_000;
/// A report this fresh is dated by our clock, which has the finer grain.
const FRESH_US: i64 = 2_000_000;

/// Why a job about a call has to be tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error(transparent)]
    Node(#[from] RoomServiceError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

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
        if call.state == CallState::Active && call.media_room_sid.is_some() {
            if elsewhere {
                // A room we never gave anybody a token for; the call is where we placed it.
                return Ok(None);
            }
            // The media room was made anew while we missed its end.
            end_call(app, tx, &call, now, LOST, now).await?;
        } else {
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
        super::activities::record_call(tx, room.id, call.id, "call.started", now).await?;
    }
    store::raise_peak(tx, call.id).await?;
    let told = json!({ "room_id": room.id, "call_id": call.id, "identity": info.identity, "name": info.name });
    tx.event(topic, "call.participant_joined", &told);
    let rights = store::list_rights(&mut *tx, room.id, MAX_PRESENT).await?;
    let own = rights.iter().find(|rights| rights.media_participant_sid == info.sid);
    if own.is_some_and(|own| !may_stay(room, own, now)) {
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

/// Ends a call at the time the last person left, or drops it when nobody ever came.
pub(super) async fn end_call(
    app: &App,
    tx: &mut Tx,
    call: &Call,
    at: Micros,
    reason: &str,
    now: Micros,
) -> Result<(), StoreError> {
    store::close_participants(tx, call.id, at).await?;
    let last_left = store::last_left_at(tx, call.id).await?;
    if last_left.is_none() && store::delete_starting(tx, call.id).await? {
        return Ok(());
    }
    let ended_at = last_left.unwrap_or(at);
    if store::end(tx, call.id, ended_at, reason).await? {
        lifecycle::call_ended(tx, call.id, now).await?;
        guests::extend_of_call(tx, call.id, now.plus(app.guest_ttl())).await?;
        let told = json!({ "room_id": call.room_id, "call_id": call.id, "reason": reason });
        tx.event(format!("room:{}", call.room_id), "call.ended", &told);
        super::activities::record_call(tx, call.room_id, call.id, "call.ended", now).await?;
    }
    Ok(())
}

/// Whether somebody who is inside may stay there.
fn may_stay(room: &RoomState, rights: &Rights, now: Micros) -> bool {
    if !room.is_open(now) {
        return false;
    }
    match rights.user_id {
        Some(_) => {
            rights.user_status == Some(UserStatus::Active)
                && (rights.room_role.is_some() || rights.invited || room.access_level != AccessLevel::Restricted)
        }
        None => rights.guest_id.is_some() && room.access_level == AccessLevel::Public,
    }
}

/// The node of the room's open call, while it is known.
async fn node_of(app: &App, call: &Call) -> Result<Option<MediaNode>, StoreError> {
    nodes::find(&app.db, &call.media_node_id).await
}

/// Job: ends the room on its node and closes its call, unless the room was opened again meanwhile.
///
/// # Errors
/// See [`CallError`].
pub(crate) async fn close_room(app: &App, room_id: Uuid, reason: &str) -> Result<(), CallError> {
    let now = app.clock.now();
    match rooms::find_state(&app.db, room_id).await? {
        None => return Ok(()),
        Some(room) if room.is_open(now) => return recheck_room(app, room_id).await,
        Some(_) => {}
    }
    let Some(call) = store::find_open(&app.db, room_id).await? else { return Ok(()) };
    if let Some(node) = node_of(app, &call).await? {
        app.media.delete_room(&node, &room_id.to_string()).await?;
    }
    let mut tx = app.begin().await?;
    end_call(app, &mut tx, &call, now, reason, now).await?;
    tx.commit(now).await?;
    Ok(())
}

/// Job: ends one call for everybody in it, if it still runs.
///
/// # Errors
/// See [`CallError`].
pub(crate) async fn end_one(app: &App, room_id: Uuid, call_id: Uuid) -> Result<(), CallError> {
    let now = app.clock.now();
    let open = store::find_open(&app.db, room_id).await?;
    let Some(call) = open.filter(|call| call.id == call_id) else { return Ok(()) };
    if let Some(node) = node_of(app, &call).await? {
        app.media.delete_room(&node, &room_id.to_string()).await?;
    }
    let mut tx = app.begin().await?;
    end_call(app, &mut tx, &call, now, "ended", now).await?;
    tx.commit(now).await?;
    Ok(())
}

/// Job: removes whoever is in the room's call and may not be.
///
/// # Errors
/// See [`CallError`].
pub(crate) async fn recheck_room(app: &App, room_id: Uuid) -> Result<(), CallError> {
    let now = app.clock.now();
    let Some(room) = rooms::find_state(&app.db, room_id).await? else { return Ok(()) };
    let Some(call) = store::find_open(&app.db, room_id).await? else { return Ok(()) };
    let Some(node) = node_of(app, &call).await? else { return Ok(()) };
    for rights in store::list_rights(&app.db, room_id, MAX_PRESENT).await? {
        if !may_stay(&room, &rights, now) {
            app.media.remove_participant(&node, &room_id.to_string(), &rights.identity).await?;
        }
    }
    Ok(())
}

/// Job: removes one participant, unless they may be there by now.
///
/// # Errors
/// See [`CallError`].
pub(crate) async fn remove_participant(app: &App, room_id: Uuid, identity: &str) -> Result<(), CallError> {
    let now = app.clock.now();
    let Some(room) = rooms::find_state(&app.db, room_id).await? else { return Ok(()) };
    let Some(call) = store::find_open(&app.db, room_id).await? else { return Ok(()) };
    let Some(node) = node_of(app, &call).await? else { return Ok(()) };
    let rights = store::list_rights(&app.db, room_id, MAX_PRESENT).await?;
    let still = rights.iter().any(|rights| rights.identity == identity && !may_stay(&room, rights, now));
    if still {
        app.media.remove_participant(&node, &room_id.to_string(), identity).await?;
    }
    Ok(())
}
