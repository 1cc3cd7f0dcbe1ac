//! Host control that is remembered: locks, cohosts, what somebody may not send, removing, the end.
//!
//! In: somebody who leads the call. Out: rows, events, jobs that carry it to the media node, RoomService calls.

use serde_json::json;
use uuid::Uuid;

use super::authorize::{CallAction, Refusal, role_in};
use super::bans::{self, BanForm, Subject};
use super::call_access::{self, HostError, Seat};
use super::calls::{self, ROLE_ATTRIBUTE};
use super::removals::{CallError, node_of};
use super::{audit_in, nodes};
use crate::app::App;
use crate::http::extract::Caller;
use crate::jobs::NewJob;
use crate::model::call::{Call, CallGrant, CallParticipant, CallRole, CallState, Sending};
use crate::model::clock::Micros;
use crate::model::room::{RoomName, RoomRole};
use crate::store::calls::Rights;
use crate::store::db::StoreError;
use crate::store::tx::Tx;
use crate::store::{breakouts, calls as call_store, hosting as store, rooms};

/// Tabs and devices of one person that are looked at.
const MAX_STAYS: i64 = 50;
/// Why a call ended: a host ended it for everybody.
const ENDED_BY_HOST: &str = "ended_by_host";

/// What to block or allow; `None` leaves it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Permissions {
    pub microphone: Option<bool>,
    pub camera: Option<bool>,
    pub screen_share: Option<bool>,
}

/// Locks or unlocks a call.
///
/// # Errors
/// See [`HostError`].
pub(crate) async fn set_lock(app: &App, caller: &Caller, call_id: Uuid, locked: bool) -> Result<Seat, HostError> {
    let mut seat = call_access::find(app, caller, call_id, CallAction::Lead).await?;
    seat.require_open()?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let changed = match locked {
        true => store::lock(&mut tx, call_id, now).await?,
        false => store::unlock(&mut tx, call_id).await?,
    };
    if changed {
        let kind = if locked { "call.locked" } else { "call.unlocked" };
        audit_in(&mut tx, caller, seat.room.org_id, kind, ("call", call_id), json!({}), now).await?;
        tell(&mut tx, &seat, kind, json!({}));
    }
    tx.commit(now).await?;
    if changed || !locked {
        seat.call.locked_at = locked.then_some(now);
    }
    Ok(seat)
}

/// Tells everybody in the room something about the call.
fn tell(tx: &mut Tx, seat: &Seat, kind: &'static str, mut payload: serde_json::Value) {
    if let Some(fields) = payload.as_object_mut() {
        fields.insert("room_id".to_owned(), json!(seat.room.id));
        fields.insert("call_id".to_owned(), json!(seat.call.id));
    }
    tx.event(format!("room:{}", seat.home_id()), kind, &payload);
}

/// Who may act on whom: cohosts not on hosts.
fn may_act_on(seat: &Seat, target: &CallParticipant) -> Result<(), HostError> {
    if target.role == CallRole::Host && !seat.is_host {
        return Err(HostError::Refused(Refusal::Forbidden));
    }
    Ok(())
}

/// Makes somebody cohost, or takes that back.
///
/// # Errors
/// See [`HostError`].
pub(crate) async fn set_role(
    app: &App,
    caller: &Caller,
    call_id: Uuid,
    pid: &str,
    is_cohost: bool,
) -> Result<(CallParticipant, CallGrant), HostError> {
    let seat = call_access::find(app, caller, call_id, CallAction::Own).await?;
    seat.require_open()?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let target = call_access::participant(&mut tx, call_id, pid).await?;
    let (Some(user_id), CallRole::Participant | CallRole::Cohost) = (target.user_id, target.role) else {
        return Err(HostError::RoleNotPossible);
    };
    let grant = CallGrant { is_cohost, ..store::find_grant(&mut tx, seat.main_call_id, user_id).await? };
    store::upsert_grant(&mut tx, seat.main_call_id, user_id, grant, now).await?;
    let role = if is_cohost { CallRole::Cohost } else { CallRole::Participant };
    store::set_role(&mut tx, call_id, user_id, role).await?;
    let diff = json!({ "user_id": user_id, "role": role });
    audit_in(&mut tx, caller, seat.room.org_id, "call.role_given", ("call", call_id), diff, now).await?;
    let target = CallParticipant { role, ..target };
    carry_out(&mut tx, &seat, &target, user_id, grant, now).await?;
    tx.commit(now).await?;
    Ok((target, grant))
}

/// Blocks or allows sources of somebody, on the live tracks too.
///
/// # Errors
/// See [`HostError`].
pub(crate) async fn set_permissions(
    app: &App,
    caller: &Caller,
    call_id: Uuid,
    pid: &str,
    wanted: Permissions,
) -> Result<(CallParticipant, CallGrant), HostError> {
    let seat = call_access::find(app, caller, call_id, CallAction::Lead).await?;
    seat.require_open()?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let target = call_access::participant(&mut tx, call_id, pid).await?;
    may_act_on(&seat, &target)?;
    let subject_id = target.subject_id().ok_or(HostError::ParticipantNotFound)?;
    let old = store::find_grant(&mut tx, seat.main_call_id, subject_id).await?;
    let blocks = |allowed: Option<bool>, old: bool| allowed.map_or(old, |allowed| !allowed);
    let grant = CallGrant {
        is_cohost: old.is_cohost,
        block_microphone: blocks(wanted.microphone, old.block_microphone),
        block_camera: blocks(wanted.camera, old.block_camera),
        block_screen_share: blocks(wanted.screen_share, old.block_screen_share),
    };
    if grant != old {
        store::upsert_grant(&mut tx, seat.main_call_id, subject_id, grant, now).await?;
        let diff = json!({ "subject_id": subject_id, "blocked": grant.blocked() });
        audit_in(&mut tx, caller, seat.room.org_id, "call.permissions_set", ("call", call_id), diff, now).await?;
    }
    carry_out(&mut tx, &seat, &target, subject_id, grant, now).await?;
    tx.commit(now).await?;
    Ok((target, grant))
}

/// Has role and permissions applied to every tab of somebody, and tells the others.
async fn carry_out(
    tx: &mut Tx,
    seat: &Seat,
    target: &CallParticipant,
    subject_id: Uuid,
    grant: CallGrant,
    now: Micros,
) -> Result<(), StoreError> {
    for stay in store::list_present_of(&mut *tx, seat.call.id, subject_id, MAX_STAYS).await? {
        tx.enqueue(NewJob::apply_grants(seat.room.id, &stay.identity), now).await?;
    }
    let told = json!({ "identity": target.identity, "role": target.role, "blocked": grant.blocked() });
    tell(tx, seat, "call.participant_updated", told);
    Ok(())
}

/// Makes somebody in a call a host, or no host any more, as their role in the room says now.
///
/// # Errors
/// As any statement.
pub(super) async fn follow_room_role(app: &App, call: &Call, user_id: Uuid, rights: &Rights) -> Result<(), StoreError> {
    let hosts = matches!(rights.room_role, Some(RoomRole::Owner | RoomRole::Admin));
    if hosts == (rights.role == CallRole::Host) {
        return Ok(());
    }
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let main_call_id = breakouts::find_call_of(&mut tx, call.room_id).await?.unwrap_or(call.id);
    let grant = store::find_grant(&mut tx, main_call_id, user_id).await?;
    let role = match (hosts, grant.is_cohost) {
        (true, _) => CallRole::Host,
        (false, true) => CallRole::Cohost,
        (false, false) => CallRole::Participant,
    };
    store::set_role(&mut tx, call.id, user_id, role).await?;
    for stay in store::list_present_of(&mut tx, call.id, user_id, MAX_STAYS).await? {
        tx.enqueue(NewJob::apply_grants(call.room_id, &stay.identity), now).await?;
    }
    let told = json!({ "room_id": call.room_id, "call_id": call.id, "identity": rights.identity, "role": role,
        "blocked": grant.blocked() });
    let home_id = rooms::find(&mut tx, &RoomName::Id(call.room_id), None).await?.and_then(|room| room.parent_room_id);
    tx.event(format!("room:{}", home_id.unwrap_or(call.room_id)), "call.participant_updated", &told);
    tx.commit(now).await
}

/// Job: makes the live participant what the rows say: role and what may be sent.
///
/// # Errors
/// See [`CallError`].
pub(crate) async fn apply_grants(app: &App, room_id: Uuid, identity: &str) -> Result<(), CallError> {
    let Some(call) = call_store::find_open(&app.db, room_id).await? else { return Ok(()) };
    let Some(stay) = store::find_present_by_identity(&app.db, call.id, identity).await? else { return Ok(()) };
    let Some(room) = rooms::find(&app.db, &RoomName::Id(room_id), None).await? else { return Ok(()) };
    let (Some(node), Some(subject_id)) = (node_of(app, &call).await?, stay.subject_id()) else { return Ok(()) };
    let main_call_id = breakouts::find_call_of(&app.db, room_id).await?.unwrap_or(call.id);
    let grant = store::find_grant(&app.db, main_call_id, subject_id).await?;
    let sending = Sending::of(stay.role, grant, room.config.hosts_only_screen_share);
    let attributes = [(ROLE_ATTRIBUTE.to_owned(), stay.role.as_str().to_owned())].into();
    app.media.set_role(&node, &room_id.to_string(), identity, attributes, sending).await?;
    Ok(())
}

/// Removes somebody from the call, with every tab; with `ban` they are kept out of the room from now on.
///
/// # Errors
/// See [`HostError`].
pub(crate) async fn remove(app: &App, caller: &Caller, call_id: Uuid, pid: &str, ban: bool) -> Result<(), HostError> {
    let seat = call_access::find(app, caller, call_id, CallAction::Lead).await?;
    let node = call_access::node(app, &seat).await?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let target = call_access::participant(&mut tx, call_id, pid).await?;
    may_act_on(&seat, &target)?;
    let subject_id = target.subject_id().ok_or(HostError::ParticipantNotFound)?;
    let stays = store::list_present_of(&mut tx, call_id, subject_id, MAX_STAYS).await?;
    bans::withdraw(&mut tx, seat.home_id(), subject_id, target.guest_id.is_some(), now).await?;
    let diff = json!({ "subject_id": subject_id, "name": target.name, "ban": ban });
    audit_in(&mut tx, caller, seat.room.org_id, "call.participant_removed", ("call", call_id), diff, now).await?;
    if ban {
        ban_target(app, &mut tx, caller, &seat, &target).await?;
    }
    tx.commit(now).await?;
    for stay in stays {
        app.media.remove_participant(&node, &seat.room.id.to_string(), &stay.identity).await?;
    }
    Ok(())
}

async fn ban_target(
    app: &App,
    tx: &mut Tx,
    caller: &Caller,
    seat: &Seat,
    target: &CallParticipant,
) -> Result<(), HostError> {
    let subject = match (target.user_id, target.guest_id) {
        (Some(id), _) => Subject::User(id),
        (None, Some(id)) => Subject::Guest { id, with_address: false },
        (None, None) => return Err(HostError::ParticipantNotFound),
    };
    let form = BanForm { subject, reason: String::new(), expires_at: None };
    let role = role_in(&caller.actor, &seat.room);
    bans::ban_in(app, tx, caller, seat.home_id(), role, form).await?;
    Ok(())
}

/// Ends the call for everybody. Ending it twice is fine.
///
/// # Errors
/// See [`HostError`].
pub(crate) async fn end(app: &App, caller: &Caller, call_id: Uuid) -> Result<Call, HostError> {
    let seat = call_access::find(app, caller, call_id, CallAction::Own).await?;
    if seat.require_open().is_err() {
        return Ok(seat.call);
    }
    // A node that is gone runs nothing any more; one that is there has to do it, or the call would go on without us.
    if let Some(node) = node_of(app, &seat.call).await?.filter(|node| nodes::is_alive(app, node)) {
        app.media.delete_room(&node, &seat.room.id.to_string()).await?;
    }
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    calls::end_call(app, &mut tx, &seat.call, now, ENDED_BY_HOST, now).await?;
    let told = json!({ "room_id": seat.room.id });
    audit_in(&mut tx, caller, seat.room.org_id, "call.ended", ("call", call_id), told, now).await?;
    let ended = call_store::find_in(&mut tx, call_id).await?;
    tx.commit(now).await?;
    // A call nobody ever came to leaves no trace.
    Ok(ended.unwrap_or(Call { state: CallState::Ended, ended_at: Some(now), ..seat.call }))
}
