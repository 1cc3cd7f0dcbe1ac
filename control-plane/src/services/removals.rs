//! Who lost the right to be in a call is taken out of it.
//!
//! In: jobs that an act enqueued in its own transaction. Out: RoomService calls. A job may run twice.

use signaling_proto::call::RoomServiceError;
use uuid::Uuid;

use super::calls::{MAX_PRESENT, end_call};
use super::hosting;
use crate::app::App;
use crate::model::call::Call;
use crate::model::clock::Micros;
use crate::model::node::MediaNode;
use crate::model::room::AccessLevel;
use crate::model::user::UserStatus;
use crate::store::calls::{self as store, Rights};
use crate::store::db::StoreError;
use crate::store::rooms::RoomState;
use crate::store::{nodes, rooms};

/// Breakouts of a room that are looked at; a call has at most fifty.
const MAX_BREAKOUTS: i64 = 100;

/// Why a job about a call has to be tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error(transparent)]
    Node(#[from] RoomServiceError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether somebody who is inside may stay there.
pub(super) fn may_stay(room: &RoomState, rights: &Rights, now: Micros) -> bool {
    if !room.is_open(now) || rights.bans > 0 {
        return false;
    }
    let is_admitted = rights.admission_id.is_some();
    match (rights.user_id, room.access_level) {
        (Some(_), _) if rights.user_status != Some(UserStatus::Active) => false,
        (Some(_), AccessLevel::Public | AccessLevel::Trusted) => true,
        (Some(_), AccessLevel::Restricted) => rights.room_role.is_some() || rights.invited || is_admitted,
        (None, _) if rights.guest_id.is_none() => false,
        (None, AccessLevel::Public) => true,
        (None, AccessLevel::Trusted) => is_admitted,
        (None, AccessLevel::Restricted) => false,
    }
}

/// The node a call runs on, while it is known.
pub(super) async fn node_of(app: &App, call: &Call) -> Result<Option<MediaNode>, StoreError> {
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

/// Job: removes whoever is in the room's call, or in its breakouts, and may not be; makes hosts of those who are owners
/// and admins of the room by now, and of no others.
///
/// # Errors
/// See [`CallError`].
pub(crate) async fn recheck_room(app: &App, room_id: Uuid) -> Result<(), CallError> {
    recheck(app, room_id).await?;
    for breakout in rooms::list_breakout_calls(&app.db, room_id, MAX_BREAKOUTS).await? {
        recheck(app, breakout).await?;
    }
    Ok(())
}

async fn recheck(app: &App, room_id: Uuid) -> Result<(), CallError> {
    let now = app.clock.now();
    let Some(room) = rooms::find_state(&app.db, room_id).await? else { return Ok(()) };
    let Some(call) = store::find_open(&app.db, room_id).await? else { return Ok(()) };
    let Some(node) = node_of(app, &call).await? else { return Ok(()) };
    for rights in store::list_rights(&app.db, room_id, now, MAX_PRESENT).await? {
        if !may_stay(&room, &rights, now) {
            app.media.remove_participant(&node, &room_id.to_string(), &rights.identity).await?;
        } else if let Some(user_id) = rights.user_id {
            hosting::follow_room_role(app, &call, user_id, &rights).await?;
        }
    }
    Ok(())
}

/// Job: removes one participant, unless they may be there by now: who was refused after they were let in stays only as a
/// member, or when they came in anew.
///
/// # Errors
/// See [`CallError`].
pub(crate) async fn remove_participant(app: &App, room_id: Uuid, identity: &str) -> Result<(), CallError> {
    let now = app.clock.now();
    let Some(room) = rooms::find_state(&app.db, room_id).await? else { return Ok(()) };
    let Some(call) = store::find_open(&app.db, room_id).await? else { return Ok(()) };
    let Some(node) = node_of(app, &call).await? else { return Ok(()) };
    let rights = store::list_rights(&app.db, room_id, now, MAX_PRESENT).await?;
    let stays: Vec<&Rights> = rights.iter().filter(|rights| rights.identity == identity).collect();
    let mut goes = !stays.is_empty();
    for stay in stays {
        goes &= !may_stay(&room, stay, now) || (stay.is_removed && stay.room_role.is_none());
    }
    if goes {
        app.media.remove_participant(&node, &room_id.to_string(), identity).await?;
    }
    Ok(())
}
