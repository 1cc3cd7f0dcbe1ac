//! Host control that only the media node knows: muting, raised hands.
//!
//! In: somebody in the call. Out: RoomService calls, events. People may unmute themselves; who must not gets blocked.

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use signaling_proto::call::RoomServiceError;
use signaling_proto::proto::ParticipantInfo;
use uuid::Uuid;

use super::authorize::{CallAction, Refusal};
use super::call_access::{self, HostError, Seat};
use super::calls::ROLE_ATTRIBUTE;
use crate::app::App;
use crate::http::extract::Caller;
use crate::model::call::{CallRole, Identity, Source};
use crate::model::node::MediaNode;

/// Attribute of a participant with a raised hand: when it was raised, microseconds.
const HAND_ATTRIBUTE: &str = "hand";
/// Calls to a node at once for one request.
const AT_ONCE: usize = 16;

/// Mutes the tracks of one source of somebody; how many were not muted before.
///
/// # Errors
/// See [`HostError`].
pub(crate) async fn mute(
    app: &App,
    caller: &Caller,
    call_id: Uuid,
    pid: &str,
    source: Source,
) -> Result<usize, HostError> {
    let seat = call_access::find(app, caller, call_id, CallAction::Lead).await?;
    let node = call_access::node(app, &seat).await?;
    let target = call_access::participant(&app.db, call_id, pid).await?;
    if target.role == CallRole::Host && !seat.is_host {
        return Err(HostError::Refused(Refusal::Forbidden));
    }
    let room = seat.room.id.to_string();
    let info = app.media.get_participant(&node, &room, &target.identity).await?;
    Ok(mute_tracks(app, &node, &room, &info, source).await?)
}

/// Mutes everybody but hosts, cohosts and the caller; how many tracks.
///
/// # Errors
/// See [`HostError`].
pub(crate) async fn mute_all(app: &App, caller: &Caller, call_id: Uuid, source: Source) -> Result<usize, HostError> {
    let seat = call_access::find(app, caller, call_id, CallAction::Lead).await?;
    let node = call_access::node(app, &seat).await?;
    let room = seat.room.id.to_string();
    let present = app.media.list_participants(&node, &room).await?;
    let others = present.into_iter().filter(|info| !leads(info) && !is_caller(info, &seat));
    let mut asked = Vec::new();
    for info in others {
        asked.push(mute_one(app, node.clone(), room.clone(), info, source));
    }
    let counts: Vec<usize> = stream::iter(asked).buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(counts.into_iter().sum())
}

async fn mute_one(
    app: &App,
    node: MediaNode,
    room: String,
    info: ParticipantInfo,
    source: Source,
) -> Result<usize, RoomServiceError> {
    forgive_leaving(mute_tracks(app, &node, &room, &info, source).await, 0)
}

async fn mute_tracks(
    app: &App,
    node: &MediaNode,
    room: &str,
    info: &ParticipantInfo,
    source: Source,
) -> Result<usize, RoomServiceError> {
    let mut muted = 0;
    let tracks = info.tracks.iter().filter(|track| source.is(track.source) && !track.muted);
    for track in tracks {
        muted += usize::from(app.media.mute_track(node, room, &info.identity, &track.sid).await?);
    }
    Ok(muted)
}

/// Whoever leaves while we ask needs nothing done.
fn forgive_leaving<T>(result: Result<T, RoomServiceError>, nothing: T) -> Result<T, RoomServiceError> {
    match result {
        Err(RoomServiceError::NotFound(_)) => Ok(nothing),
        other => other,
    }
}

fn leads(info: &ParticipantInfo) -> bool {
    matches!(info.attributes.get(ROLE_ATTRIBUTE).map(String::as_str), Some("host" | "cohost"))
}

fn is_caller(info: &ParticipantInfo, seat: &Seat) -> bool {
    let Some(Identity::User { id, .. } | Identity::Guest { id, .. }) = Identity::parse(&info.identity) else {
        return false;
    };
    seat.subject_id == Some(id)
}

/// Raises or lowers a hand: one's own, or, to lower it, anybody's for hosts and cohosts.
///
/// # Errors
/// See [`HostError`].
pub(crate) async fn set_hand(
    app: &App,
    caller: &Caller,
    call_id: Uuid,
    pid: &str,
    raised: bool,
) -> Result<(), HostError> {
    let seat = call_access::find(app, caller, call_id, CallAction::See).await?;
    let node = call_access::node(app, &seat).await?;
    let target = call_access::participant(&app.db, call_id, pid).await?;
    let is_own = seat.subject_id.is_some() && target.subject_id() == seat.subject_id;
    if !is_own && (raised || !(seat.is_host || seat.grant.is_cohost)) {
        return Err(HostError::Refused(Refusal::Forbidden));
    }
    let now = app.clock.now();
    let value = if raised { now.0.to_string() } else { String::new() };
    let attributes = [(HAND_ATTRIBUTE.to_owned(), value)].into();
    app.media.set_attributes(&node, &seat.room.id.to_string(), &target.identity, attributes).await?;
    let mut tx = app.begin().await?;
    let told = json!({ "room_id": seat.room.id, "call_id": call_id, "identity": target.identity, "raised": raised });
    tx.event(format!("room:{}", seat.home_id()), "call.hand", &told);
    tx.commit(now).await?;
    Ok(())
}

/// Lowers every raised hand; how many.
///
/// # Errors
/// See [`HostError`].
pub(crate) async fn lower_hands(app: &App, caller: &Caller, call_id: Uuid) -> Result<usize, HostError> {
    let seat = call_access::find(app, caller, call_id, CallAction::Lead).await?;
    let node = call_access::node(app, &seat).await?;
    let room = seat.room.id.to_string();
    let present = app.media.list_participants(&node, &room).await?;
    let raised = present.into_iter().filter(|info| info.attributes.contains_key(HAND_ATTRIBUTE));
    let mut asked = Vec::new();
    for info in raised {
        asked.push(lower_one(app, node.clone(), room.clone(), info.identity));
    }
    let lowered: Vec<usize> = stream::iter(asked).buffer_unordered(AT_ONCE).try_collect().await?;
    let lowered: usize = lowered.into_iter().sum();
    if lowered > 0 {
        let now = app.clock.now();
        let mut tx = app.begin().await?;
        let told = json!({ "room_id": seat.room.id, "call_id": call_id });
        tx.event(format!("room:{}", seat.home_id()), "call.hands_lowered", &told);
        tx.commit(now).await?;
    }
    Ok(lowered)
}

async fn lower_one(app: &App, node: MediaNode, room: String, identity: String) -> Result<usize, RoomServiceError> {
    let attributes = [(HAND_ATTRIBUTE.to_owned(), String::new())].into();
    forgive_leaving(app.media.set_attributes(&node, &room, &identity, attributes).await.map(|()| 1), 0)
}
