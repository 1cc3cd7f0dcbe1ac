//! The watch over media nodes: silent ones are down, and the calls of those that stay silent are closed.
//!
//! In: heartbeats as stored, once a second. Out: states, ended calls, figures for operators. A watch that was away itself
//! (just started, no database, a clock that jumped) waits before it calls anybody dead.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::calls;
use crate::app::App;
use crate::model::call::NODE_LOST;
use crate::model::clock::Micros;
use crate::model::node::{NodeState, NodeStatus};
use crate::store::db::StoreError;
use crate::store::{calls as call_store, nodes};

/// How often.
const EVERY: Duration = Duration::from_secs(1);
/// A pause between two looks that is longer than this means that the watch was away itself.
const AWAY: Duration = Duration::from_secs(3);
/// Nodes buried, and their calls closed, in one round.
const MAX_NODES: i64 = 100;
const MAX_CALLS: i64 = 1_000;
/// Nodes whose figures are published.
const MAX_FIGURES: i64 = 1_000;

/// What the watch saw last, for `/metrics`.
#[derive(Debug)]
pub(crate) struct NodeFigures(Mutex<(Micros, Vec<NodeStatus>)>);

impl Default for NodeFigures {
    fn default() -> Self {
        Self(Mutex::new((Micros(0), Vec::new())))
    }
}

/// Watches until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut last = app.clock.now();
    let mut awake_since = last;
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
        let now = app.clock.now();
        if now > last.plus(AWAY) || now < last {
            awake_since = now;
        }
        if let Err(error) = round(&app, awake_since).await {
            tracing::debug!(%error, "the media nodes could not be looked at");
            awake_since = app.clock.now();
        }
        last = app.clock.now();
    }
}

/// One look, by a watch that has missed nothing since `awake_since`.
///
/// # Errors
/// As any statement.
pub(crate) async fn round(app: &App, awake_since: Micros) -> Result<(), StoreError> {
    let now = app.clock.now();
    if now > awake_since.plus(app.node_timeout()) {
        for node in nodes::mark_down(&app.background, now.minus(app.node_timeout())).await? {
            metrics::counter!("plenum_nodes_down_total").increment(1);
            tracing::warn!(node, "a media node is down");
        }
    }
    if now > awake_since.plus(app.node_lost()) {
        close_calls_of_lost_nodes(app, now).await?;
    }
    let seen = nodes::list_newest(&app.background, MAX_FIGURES).await?;
    *app.node_figures.0.lock().unwrap_or_else(PoisonError::into_inner) = (now, seen);
    Ok(())
}

/// Closes the calls of nodes not heard of for long, at the time of their last heartbeat.
async fn close_calls_of_lost_nodes(app: &App, now: Micros) -> Result<(), StoreError> {
    for node in nodes::list_lost_with_calls(&app.background, now.minus(app.node_lost()), MAX_NODES).await? {
        tracing::warn!(node = node.id, "a media node is gone; its calls are closed");
        for call in call_store::list_open_of_node(&app.background, &node.id, MAX_CALLS).await? {
            let mut tx = app.begin().await?;
            calls::end_call(app, &mut tx, &call, node.heartbeat_at, NODE_LOST, now).await?;
            tx.commit(now).await?;
        }
    }
    Ok(())
}

impl NodeFigures {
    /// Everything in Prometheus' text format. Written here and not by a recorder, which would keep the labels of nodes
    /// that are long gone.
    pub(crate) fn prometheus(&self) -> String {
        let (at, nodes) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ =
            writeln!(text, "# HELP plenum_media_nodes Media nodes known, by state\n# TYPE plenum_media_nodes gauge");
        for state in [NodeState::Up, NodeState::Draining, NodeState::Suspect, NodeState::Down] {
            let count = nodes.iter().filter(|node| node.state == state).count();
            let _ = writeln!(text, "plenum_media_nodes{{state=\"{}\"}} {count}", state.as_str());
        }
        let alive: Vec<&NodeStatus> = nodes.iter().filter(|node| node.state != NodeState::Down).collect();
        let mut gauge = |name: &str, help: &str, value: &dyn Fn(&NodeStatus) -> f64| {
            let _ = writeln!(text, "# HELP plenum_media_node_{name} {help}\n# TYPE plenum_media_node_{name} gauge");
            for node in &alive {
                let (id, region) = (escaped(&node.id), escaped(&node.region));
                let _ = writeln!(text, "plenum_media_node_{name}{{node=\"{id}\",region=\"{region}\"}} {}", value(node));
            }
        };
        gauge("rooms", "Rooms the node reports", &|node| node.rooms as f64);
        gauge("participants", "Participants the node reports", &|node| node.participants as f64);
        gauge("load", "Load the node reports, 0 to 1", &|node| node.load_ppm as f64 / 1e6);
        gauge("open_calls", "Calls placed on the node", &|node| node.open_calls as f64);
        gauge("heartbeat_age_seconds", "Seconds since the last heartbeat", &|node| {
            at.since(node.heartbeat_at).max(0) as f64 / 1e6
        });
        text
    }
}

/// A label's value (Prometheus exposition format 0.0.4).
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, state: NodeState) -> NodeStatus {
        NodeStatus {
            id: id.to_owned(),
            url: None,
            api_url: None,
            region: "a\"b".to_owned(),
            version: String::new(),
            state,
            drain_requested_at: None,
            drain_deadline_at: None,
            rooms: 3,
            participants: 7,
            load_ppm: 250_000,
            heartbeat_at: Micros(1_000_000),
            created_at: Micros(0),
            open_calls: 2,
        }
    }

    #[test]
    fn figures_name_living_nodes_alone() {
        let nodes = vec![node("ND_1", NodeState::Up), node("ND_2", NodeState::Down)];
        let text = NodeFigures(Mutex::new((Micros(3_500_000), nodes))).prometheus();
        for line in [
            "plenum_media_nodes{state=\"up\"} 1",
            "plenum_media_nodes{state=\"down\"} 1",
            "plenum_media_nodes{state=\"suspect\"} 0",
            "plenum_media_node_rooms{node=\"ND_1\",region=\"a\\\"b\"} 3",
            "plenum_media_node_load{node=\"ND_1\",region=\"a\\\"b\"} 0.25",
            "plenum_media_node_heartbeat_age_seconds{node=\"ND_1\",region=\"a\\\"b\"} 2.5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("ND_2"));
    }
}
