//! Media nodes: they register by heartbeat; the least loaded one that is up gets the next call; operators drain them.
//!
//! In: verified heartbeats, operators' wishes. Out: rows, and what each node is told with its next heartbeat.

use std::time::Duration;

use serde_json::json;
use signaling_proto::heartbeat::{Heartbeat, HeartbeatAnswer, NodeState as Wanted};

use crate::app::App;
use crate::model::clock::Micros;
use crate::model::node::{MediaNode, NodeCall, NodeState, NodeStatus};
use crate::store::db::StoreError;
use crate::store::nodes::{self as store, NodeFilter, NodeReport};
use crate::store::outbox::{self, AuditRow};
use crate::store::{calls, tx::Tx};

/// Rooms that one heartbeat's answer says have moved; the rest comes with the next.
const MAX_MOVED: i64 = 100;
/// How long a node may have been out of reach and still hear which of its rooms have moved.
const MOVED_FOR: Duration = Duration::from_secs(86_400);
/// Nodes asked whether they answer, and for how long.
const MAX_PINGED: i64 = 16;
const PING_TIMEOUT: Duration = Duration::from_millis(1_500);
/// Open calls shown of one node.
pub(crate) const MAX_CALLS_SHOWN: i64 = 100;

/// Takes a verified heartbeat and tells the node what it should be.
///
/// # Errors
/// As any statement.
pub(crate) async fn take_heartbeat(app: &App, id: &str, beat: &Heartbeat) -> Result<HeartbeatAnswer, StoreError> {
    let state = match beat.state {
        Wanted::Up => NodeState::Up,
        Wanted::Draining => NodeState::Draining,
    };
    let report = NodeReport {
        id,
        url: some(&beat.url),
        api_url: some(&beat.api_url),
        region: &beat.region,
        version: &beat.version,
        state,
        rooms: i64::from(beat.rooms),
        participants: i64::from(beat.participants),
        load_ppm: load_ppm(beat.load),
    };
    let now = app.clock.now();
    let node = store::upsert(&app.db, report, now).await?;
    super::quality::note(app, id, &beat.quality).await;
    // A node without rooms has none that could have moved.
    let moved = match beat.rooms {
        0 => Vec::new(),
        _ => calls::list_moved_rooms(&app.db, id, now.minus(MOVED_FOR), MAX_MOVED).await?,
    };
    metrics::counter!("plenum_node_heartbeats_total").increment(1);
    // Told by what operators want, not by what the node said: else a drain that was taken back would go on.
    let draining = node.drain_requested_at.is_some();
    let left = node.drain_deadline_at.filter(|_| draining).map(|deadline| seconds_until(deadline, now));
    let state = if draining { Wanted::Draining } else { Wanted::Up };
    Ok(HeartbeatAnswer { state, drain_left_s: left, moved })
}

fn seconds_until(deadline: Micros, now: Micros) -> u32 {
    let left_us = u64::try_from(deadline.since(now)).unwrap_or_default();
    u32::try_from(left_us.div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A load of 0 to 1 in millionths; nonsense counts as full.
fn load_ppm(load: f32) -> i64 {
    if load.is_finite() { (f64::from(load.clamp(0.0, 1.0)) * 1e6).round() as i64 } else { 1_000_000 }
}

/// Whether `node` was heard of lately.
pub(crate) fn is_alive(app: &App, node: &MediaNode) -> bool {
    node.heartbeat_at > app.clock.now().minus(app.node_timeout())
}

/// Whether clients can be sent to `node`: it still answers, and it is not under suspicion.
pub(crate) fn is_usable(app: &App, node: &MediaNode) -> bool {
    is_alive(app, node) && matches!(node.state, NodeState::Up | NodeState::Draining)
}

/// The node for a new call, if there is any, in `region` if one is there; `except` just failed.
///
/// # Errors
/// As any statement.
pub(crate) async fn place(app: &App, except: &str, region: &str) -> Result<Option<MediaNode>, StoreError> {
    store::find_least_loaded(&app.db, app.clock.now().minus(app.node_timeout()), except, region).await
}

/// Notes that a node did not do what it was asked; its next heartbeat clears it.
///
/// # Errors
/// As any statement.
pub(crate) async fn suspect(app: &App, node: &MediaNode) -> Result<(), StoreError> {
    if node.state == NodeState::Up && store::set_state(&app.db, &node.id, NodeState::Suspect).await? {
        metrics::counter!("plenum_nodes_suspected_total").increment(1);
        tracing::warn!(node = node.id, "a media node is under suspicion");
    }
    Ok(())
}

/// Whether some node that takes calls answers us.
///
/// # Errors
/// What is wrong, in words.
pub(crate) async fn ready(app: &App) -> Result<(), String> {
    let alive_since = app.clock.now().minus(app.node_timeout());
    let nodes = store::list_reachable(&app.db, alive_since, MAX_PINGED).await.map_err(|error| error.to_string())?;
    let up: Vec<_> = nodes.iter().filter(|node| node.state == NodeState::Up).collect();
    if up.is_empty() {
        return Err(if nodes.is_empty() { "no media node is heard of" } else { "no media node takes calls" }.to_owned());
    }
    let pings = up.iter().map(|node| Box::pin(app.media.ping(node, PING_TIMEOUT)));
    match futures_util::future::select_ok(pings).await {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("no media node answers: {error}")),
    }
}

/// Who wants something of a node, for the audit log.
#[derive(Debug)]
pub(crate) struct Operator<'a> {
    pub user_id: Option<uuid::Uuid>,
    pub session_id: Option<uuid::Uuid>,
    pub ip: &'a str,
}

/// Why an operator's wish cannot be met.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NodeError {
    #[error("there is no such media node")]
    NotFound,
    #[error("the media node is down")]
    Down,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Lists nodes by id.
///
/// # Errors
/// As any statement.
pub(crate) async fn list(app: &App, filter: NodeFilter<'_>) -> Result<Vec<NodeStatus>, StoreError> {
    store::list(&app.db, filter).await
}

/// The nodes heard of last.
///
/// # Errors
/// As any statement.
pub(crate) async fn list_newest(app: &App, limit: i64) -> Result<Vec<NodeStatus>, StoreError> {
    store::list_newest(&app.db, limit).await
}

/// One node and the open calls on it.
///
/// # Errors
/// [`NodeError::NotFound`], or as any statement.
pub(crate) async fn get(app: &App, id: &str) -> Result<(NodeStatus, Vec<NodeCall>), NodeError> {
    let node = store::find_status(&app.db, id).await?.ok_or(NodeError::NotFound)?;
    let calls = store::list_calls(&app.db, id, MAX_CALLS_SHOWN).await?;
    Ok((node, calls))
}

/// Lets a node run out: no new rooms, and those it has end after `deadline` at the latest. Asked again, the deadline is
/// the later wish.
///
/// # Errors
/// See [`NodeError`].
pub(crate) async fn drain(
    app: &App,
    operator: &Operator<'_>,
    id: &str,
    deadline: Option<Duration>,
) -> Result<NodeStatus, NodeError> {
    let now = app.clock.now();
    let deadline = deadline.unwrap_or(Duration::from_secs(app.calls.drain_deadline_s));
    let mut tx = app.begin().await?;
    if !store::drain(&mut tx, id, now, now.plus(deadline)).await? {
        let known = store::find(&mut tx, id).await?.is_some();
        return Err(if known { NodeError::Down } else { NodeError::NotFound });
    }
    let diff = json!({ "node": id, "deadline_s": deadline.as_secs() });
    audit(&mut tx, operator, "media_node.drain", diff, now).await?;
    finish(tx, id, now).await
}

/// Takes a drain back.
///
/// # Errors
/// See [`NodeError`]; a node that is not draining is fine.
pub(crate) async fn undrain(app: &App, operator: &Operator<'_>, id: &str) -> Result<NodeStatus, NodeError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if store::undrain(&mut tx, id).await? {
        audit(&mut tx, operator, "media_node.undrain", json!({ "node": id }), now).await?;
    }
    finish(tx, id, now).await
}

async fn finish(mut tx: Tx, id: &str, now: Micros) -> Result<NodeStatus, NodeError> {
    let node = store::find_status(&mut tx, id).await?.ok_or(NodeError::NotFound)?;
    tx.commit(now).await?;
    Ok(node)
}

async fn audit(
    tx: &mut Tx,
    operator: &Operator<'_>,
    action: &'static str,
    diff: serde_json::Value,
    now: Micros,
) -> Result<(), StoreError> {
    let row = AuditRow {
        actor_id: operator.user_id,
        session_id: operator.session_id,
        ip: operator.ip,
        action,
        target_kind: "media_node",
        // A node's id is no UUID: the diff names it.
        target_id: None,
        diff,
    };
    outbox::insert_audit(tx, row, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_between_idle_and_full() {
        for (load, ppm) in [(0.25, 250_000), (-1.0, 0), (7.0, 1_000_000), (f32::NAN, 1_000_000)] {
            assert_eq!(load_ppm(load), ppm);
        }
    }

    #[test]
    fn a_deadline_that_has_passed_is_now() {
        assert_eq!(seconds_until(Micros(5_000_001), Micros(1_000_000)), 5);
        assert_eq!(seconds_until(Micros(1_000_000), Micros(1_000_000)), 0);
        assert_eq!(seconds_until(Micros(1), Micros(9_000_000)), 0);
    }
}
