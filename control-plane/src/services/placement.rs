//! Placement: on which media node a room's call runs, decided at a join and written down with the call.
//!
//! In: a room that somebody may join. Out: the node that has just made the room. A call stays on its node while that can
//! be used; of two joins that place a room at once the first to commit decides, and the other goes there.

use std::time::Duration;

use signaling_proto::proto::CreateRoomRequest;
use uuid::Uuid;

use super::{calls, nodes};
use crate::app::App;
use crate::model::call::{Call, CallState, LOST, MOVED, NODE_LOST};
use crate::model::clock::Micros;
use crate::model::node::{MediaNode, MediaRegion};
use crate::model::room::Room;
use crate::store::db::StoreError;
use crate::store::tx::Tx;
use crate::store::{calls as call_store, nodes as node_store};

/// Nodes asked to make the room before the join is refused.
const TRIES: usize = 4;

/// Why no node runs the call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlacementError {
    #[error("no media node could take the call")]
    NoNode,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A call that is to run, and where its first person would like it to.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub room: &'a Room,
    /// People that may be in at once.
    pub limit: i64,
    pub started_by: Option<Uuid>,
    /// The client's hint; the room's own setting comes first.
    pub region: Option<&'a str>,
}

/// A call and the node that runs it.
#[derive(Debug)]
pub(crate) struct Placed {
    pub call: Call,
    pub node: MediaNode,
    /// It was opened just now, by whoever asked.
    pub is_new: bool,
}

/// What was known of the open call when its node was chosen.
struct Choice {
    call: Option<Call>,
    node: MediaNode,
}

/// Finds or opens the room's call and makes sure its node knows the room.
///
/// # Errors
/// See [`PlacementError`].
pub(crate) async fn open_call(app: &App, wanted: &Wanted<'_>) -> Result<Placed, PlacementError> {
    let request = CreateRoomRequest {
        name: wanted.room.id.to_string(),
        empty_timeout: u32::try_from(app.calls.starting_timeout_s).unwrap_or(u32::MAX),
        departure_timeout: app.calls.departure_timeout_s,
        max_participants: u32::try_from(wanted.limit).unwrap_or(u32::MAX),
        ..CreateRoomRequest::default()
    };
    let timeout = Duration::from_millis(app.calls.create_room_timeout_ms);
    let mut failed: Vec<String> = Vec::new();
    for _ in 0..TRIES {
        let Choice { call, node } = choose_node(app, wanted, &failed).await?;
        match app.media.create_room(&node, request.clone(), timeout).await {
            Ok(media_room) => {
                if let Some((call, is_new)) = write_down(app, wanted, call, &node, &media_room.sid).await? {
                    return Ok(Placed { call, node, is_new });
                }
                metrics::counter!("plenum_placements_lost_total").increment(1);
            }
            Err(error) => {
                tracing::warn!(node = node.id, %error, "a media node did not make a room");
                nodes::suspect(app, &node).await?;
                failed.push(node.id);
            }
        }
    }
    Err(PlacementError::NoNode)
}

/// The node of the open call while it can be used, else the best node for a new one.
async fn choose_node(app: &App, wanted: &Wanted<'_>, failed: &[String]) -> Result<Choice, PlacementError> {
    let call = call_store::find_open(&app.db, wanted.room.id).await?;
    if let Some(open) = &call
        && !failed.contains(&open.media_node_id)
        && let Some(node) = node_store::find(&app.db, &open.media_node_id).await?
        && nodes::is_usable(app, &node)
    {
        return Ok(Choice { call, node });
    }
    let except = failed.last().map_or("", String::as_str);
    let region = wanted_region(app, wanted).await?;
    let node = nodes::place(app, except, &region).await?.ok_or(PlacementError::NoNode)?;
    Ok(Choice { call, node })
}

/// The room's own setting, else its organization's, else the client's hint, else nothing.
async fn wanted_region(app: &App, wanted: &Wanted<'_>) -> Result<String, StoreError> {
    if let Some(region) = &wanted.room.config.media_region {
        return Ok(region.as_str().to_owned());
    }
    let of_organization = node_store::find_region_of_organization(&app.db, wanted.room.id).await?;
    let hint = || wanted.region.map(str::to_owned);
    Ok(of_organization.map(MediaRegion::into_string).or_else(hint).unwrap_or_default())
}

/// Writes the call down as it runs now, and says whether it is a new one; `None` when another join placed the room
/// meanwhile: look again.
async fn write_down(
    app: &App,
    wanted: &Wanted<'_>,
    seen: Option<Call>,
    node: &MediaNode,
    room_sid: &str,
) -> Result<Option<(Call, bool)>, StoreError> {
    let runs_here = |call: &Call| call.media_node_id == node.id && call.media_room_sid.as_deref() == Some(room_sid);
    let here = |call: Call| Call { media_node_id: node.id.clone(), media_room_sid: Some(room_sid.to_owned()), ..call };
    if seen.as_ref().is_some_and(runs_here) {
        return Ok(seen.map(|call| (call, false)));
    }
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if let Some(open) = call_store::find_open(&mut tx, wanted.room.id).await? {
        if runs_here(&open) {
            return Ok(Some((open, false)));
        }
        let is_here = open.media_node_id == node.id;
        let is_as_seen = seen.is_some_and(|seen| seen.id == open.id && seen.media_node_id == open.media_node_id);
        if !is_here && !is_as_seen {
            return Ok(None);
        }
        if open.state != CallState::Active {
            // Nobody was in yet: the same call runs elsewhere.
            let moved = call_store::move_to(&mut tx, open.id, &open.media_node_id, &node.id, room_sid).await?;
            tx.commit(now).await?;
            return Ok(moved.then(|| (here(open), false)));
        }
        let (at, reason) = if is_here { (now, LOST) } else { last_sign(app, &mut tx, &open, now).await? };
        if !calls::end_call(app, &mut tx, &open, at, reason, now).await? {
            call_store::place(&mut tx, open.id, &node.id, room_sid).await?;
            tx.commit(now).await?;
            return Ok(Some((here(open), false)));
        }
    }
    let opened = call_store::insert(&mut tx, wanted.room.id, &node.id, Some(room_sid), wanted.started_by, now).await?;
    tx.commit(now).await?;
    Ok(opened.map(|call| (call, true)))
}

/// Until when people were surely in a call whose node cannot be used, and why it ended for us.
async fn last_sign(app: &App, tx: &mut Tx, call: &Call, now: Micros) -> Result<(Micros, &'static str), StoreError> {
    Ok(match node_store::find(tx, &call.media_node_id).await? {
        Some(node) if nodes::is_alive(app, &node) => (node.heartbeat_at.min(now), MOVED),
        Some(node) => (node.heartbeat_at.min(now), NODE_LOST),
        None => (now, NODE_LOST),
    })
}
