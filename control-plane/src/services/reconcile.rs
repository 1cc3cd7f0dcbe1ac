//! Reconciliation: what the media nodes really run is the truth; our open calls are mended to it.
//!
//! In: ListRooms and ListParticipants of every reachable node, every 30 s and at start. Out: rows. Webhooks are the
//! fast path; this mends what they missed while one side was away. Rooms that are not ours are counted and left alone;
//! nodes that do not answer at all are the business of [`super::node_watch`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use signaling_proto::call::RoomServiceError;
use signaling_proto::proto::{ParticipantInfo, Room, participant_info};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::calls::{self, MAX_PRESENT};
use super::room_sweep;
use crate::app::App;
use crate::jobs::NewJob;
use crate::model::call::{Call, CallState, LOST};
use crate::model::clock::Micros;
use crate::model::node::MediaNode;
use crate::store::db::StoreError;
use crate::store::{calls as store, guests, nodes, rooms};

/// Nodes looked at in one round.
const MAX_NODES: i64 = 1_000;
/// Open calls of a node looked at in one round.
const MAX_CALLS: i64 = 10_000;
/// How often a node that has not been seen yet is waited for at start.
const FIRST_LOOK: Duration = Duration::from_secs(3);

/// Why a round failed for one node.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReconcileError {
    #[error(transparent)]
    Node(#[from] RoomServiceError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Runs rounds until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut pause = FIRST_LOOK;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
        pause = Duration::from_secs(app.calls.reconcile_every_s.max(1));
        if let Err(error) = round(&app).await {
            tracing::warn!(%error, "calls could not be compared with the media nodes");
        }
    }
}

/// One comparison with every node.
///
/// # Errors
/// As any statement; a node that does not answer is logged and skipped.
pub(crate) async fn round(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    for node in nodes::list_reachable(&app.db, now.minus(app.node_timeout()), MAX_NODES).await? {
        if let Err(error) = compare(app, &node).await {
            metrics::counter!("plenum_reconcile_failures_total").increment(1);
            tracing::warn!(node = node.id, %error, "a media node could not be compared");
        }
    }
    room_sweep::run(app, now).await?;
    let until = now.plus(app.guest_ttl());
    guests::extend_in_calls(&app.db, until, until.minus(Duration::from_secs(3_600))).await?;
    Ok(())
}

/// Compares the open calls of one node with its rooms.
///
/// # Errors
/// See [`ReconcileError`].
pub(crate) async fn compare(app: &App, node: &MediaNode) -> Result<(), ReconcileError> {
    let asked_at = app.clock.now();
    let running = app.media.list_rooms(node).await?;
    let open = store::list_open_of_node(&app.db, &node.id, MAX_CALLS).await?;
    let open: HashMap<Uuid, Call> = open.into_iter().map(|call| (call.room_id, call)).collect();
    let mut seen = HashSet::new();
    for room in running {
        let Ok(room_id) = Uuid::try_parse(&room.name) else {
            metrics::counter!("plenum_foreign_rooms_total").increment(1);
            continue;
        };
        seen.insert(room_id);
        let known_active = open.get(&room_id).is_some_and(|call| call.state == CallState::Active);
        if room.num_participants > 0 || known_active {
            let present = app.media.list_participants(node, &room.name).await?;
            mend(app, node, room_id, &room, present, asked_at).await?;
        }
    }
    for call in open.values() {
        let gone = !seen.contains(&call.room_id);
        let nobody_came = call.created_at < asked_at.minus(app.starting_timeout());
        match call.state {
            CallState::Active if gone => end(app, call, asked_at).await?,
            CallState::Starting if nobody_came => end(app, call, asked_at).await?,
            _ => {}
        }
    }
    Ok(())
}

/// Mends who is in the call of one room.
async fn mend(
    app: &App,
    node: &MediaNode,
    room_id: Uuid,
    room: &Room,
    present: Vec<ParticipantInfo>,
    asked_at: Micros,
) -> Result<(), StoreError> {
    let now = app.clock.now();
    let active = i32::from(participant_info::State::Active);
    let present: Vec<_> = present.into_iter().filter(|info| info.state == active).collect();
    let mut tx = app.begin().await?;
    let Some(state) = rooms::find_state(&mut tx, room_id).await? else {
        metrics::counter!("plenum_foreign_rooms_total").increment(1);
        return Ok(());
    };
    let call = if present.is_empty() {
        match store::find_open(&mut tx, room_id).await? {
            Some(call) => call,
            None => return Ok(()),
        }
    } else {
        match calls::open_call_for(app, &mut tx, &state, &room.sid, Some(&node.id), now).await? {
            Some(call) => call,
            // It runs elsewhere by now; the node is told so with its heartbeat.
            None => return Ok(()),
        }
    };
    for info in &present {
        calls::note_joined(&mut tx, &state, &call, &room.sid, info, now).await?;
        // Of a call that was given up, those who are still there never left.
        store::reopen_stay(&mut tx, call.id, &info.sid).await?;
    }
    let sids: HashSet<&str> = present.iter().map(|info| info.sid.as_str()).collect();
    for stay in store::list_present(&mut tx, call.id, MAX_PRESENT).await? {
        // Somebody whose report came in after we asked is not in the answer and yet there.
        if !sids.contains(stay.media_participant_sid.as_str()) {
            let sid = &stay.media_participant_sid;
            store::close_participant_recorded_before(&mut tx, sid, asked_at, asked_at).await?;
        }
    }
    if !present.is_empty() && !state.is_open(now) {
        let expired = state.is_active && state.expires_at.is_some_and(|at| at <= now);
        let reason = if expired { "room_expired" } else { "room_closed" };
        tx.enqueue(NewJob::close_room(room_id, reason), now).await?;
    }
    tx.commit(now).await
}

/// Ends a call its node no longer runs, unless it changed since we asked.
async fn end(app: &App, call: &Call, asked_at: Micros) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let Some(current) = store::find_open(&mut tx, call.room_id).await? else { return Ok(()) };
    let unchanged = current.id == call.id
        && current.state == call.state
        && current.media_room_sid == call.media_room_sid
        && current.started_at.is_none_or(|started| started < asked_at);
    if unchanged && calls::end_call(app, &mut tx, &current, asked_at, LOST, now).await? {
        metrics::counter!("plenum_calls_mended_total").increment(1);
    }
    tx.commit(now).await
}
