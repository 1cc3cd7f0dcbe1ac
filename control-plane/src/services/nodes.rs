//! Media nodes: they register by heartbeat; the least loaded one that is up gets the next call.

use signaling_proto::heartbeat::{Heartbeat, HeartbeatAnswer, NodeState as Wanted};

use crate::app::App;
use crate::model::call::{MediaNode, NodeState};
use crate::store::db::StoreError;
use crate::store::nodes::{self as store, NodeReport};

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
    let node = store::upsert(&app.db, report, app.clock.now()).await?;
    metrics::counter!("plenum_node_heartbeats_total").increment(1);
    let state = if node.state == NodeState::Draining { Wanted::Draining } else { Wanted::Up };
    Ok(HeartbeatAnswer { state })
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A load of 0 to 1 in millionths; nonsense counts as full.
fn load_ppm(load: f32) -> i64 {
    if load.is_finite() { (f64::from(load.clamp(0.0, 1.0)) * 1e6).round() as i64 } else { 1_000_000 }
}

/// Whether clients can be sent to `node`: it still answers, and it is not under suspicion.
pub(crate) fn is_usable(app: &App, node: &MediaNode) -> bool {
    let alive = node.heartbeat_at > app.clock.now().minus(app.node_timeout());
    alive && matches!(node.state, NodeState::Up | NodeState::Draining)
}

/// The node for a new call, if there is any; `except` just failed.
///
/// # Errors
/// As any statement.
pub(crate) async fn place(app: &App, except: &str) -> Result<Option<MediaNode>, StoreError> {
    store::find_least_loaded(&app.db, app.clock.now().minus(app.node_timeout()), except).await
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

#[cfg(test)]
mod tests {
    use super::load_ppm;

    #[test]
    fn a_load_is_between_idle_and_full() {
        for (load, ppm) in [(0.25, 250_000), (-1.0, 0), (7.0, 1_000_000), (f32::NAN, 1_000_000)] {
            assert_eq!(load_ppm(load), ppm);
        }
    }
}
