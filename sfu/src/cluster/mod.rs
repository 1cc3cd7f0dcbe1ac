//! The node's place among others: its heartbeat to the control plane.
//!
//! Out: a signed report every two seconds. In: the state that the control plane wants it in. Calls go on whether or not
//! anybody answers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::Method;
use http::Request;
use http::header;
use signaling_proto::heartbeat;
use signaling_proto::heartbeat::Heartbeat;
use signaling_proto::heartbeat::HeartbeatAnswer;
use signaling_proto::heartbeat::NodeState;
use signaling_proto::limits;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::api::HttpCall;
use crate::config::ControlPlane;
use crate::node::Shared;

/// Peer connections that count as a full worker in the reported load, until load is measured in time.
const FULL_WORKER_TRANSPORTS: f32 = 1_000.0;

/// Reports until `stop`; then once more, as draining.
pub(crate) async fn report(
    shared: Arc<Shared>,
    control_plane: ControlPlane,
    call: Arc<dyn HttpCall>,
    stop: CancellationToken,
) {
    let mut ticks = tokio::time::interval(limits::HEARTBEAT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        let last = tokio::select! {
            _ = ticks.tick() => false,
            () = stop.cancelled() => true,
        };
        match beat(&shared, &control_plane, &*call).await {
            Ok(answer) => {
                if failing {
                    tracing::info!("the control plane answers again");
                }
                failing = false;
                shared.draining.store(answer.state == NodeState::Draining, Ordering::Release);
            }
            Err(reason) => {
                metrics::counter!("plenum_heartbeats_failed_total").increment(1);
                if !failing && !last {
                    tracing::warn!(%reason, "the control plane does not take the heartbeat");
                }
                failing = true;
            }
        }
        if last {
            return;
        }
    }
}

async fn beat(shared: &Shared, control_plane: &ControlPlane, call: &dyn HttpCall) -> Result<HeartbeatAnswer, String> {
    let counters = shared.counters();
    let workers = shared.config.workers.max(1) as f32;
    let heartbeat = Heartbeat {
        url: control_plane.public_url.clone(),
        api_url: control_plane.api_url.clone(),
        region: shared.config.region.clone(),
        state: if shared.is_draining() { NodeState::Draining } else { NodeState::Up },
        version: env!("CARGO_PKG_VERSION").to_owned(),
        rooms: counters.rooms as u32,
        participants: counters.participants as u32,
        load: (counters.transports as f32 / (workers * FULL_WORKER_TRANSPORTS)).min(1.0),
    };
    let now = signaling_proto::unix_now();
    let signed = heartbeat::sign(&shared.config.node_id, &heartbeat, &control_plane.key, &control_plane.secret, now)
        .map_err(|error| error.to_string())?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}{}", control_plane.url.trim_end_matches('/'), signed.path))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, signed.authorization)
        .body(Bytes::from(signed.body))
        .map_err(|error| error.to_string())?;
    let response = call.call(request).await.map_err(|error| error.to_string())?;
    if !response.status().is_success() {
        return Err(format!("status {}", response.status()));
    }
    // Whoever answers without a body wants nothing changed.
    if response.body().is_empty() {
        return Ok(HeartbeatAnswer::default());
    }
    serde_json::from_slice(response.body()).map_err(|error| error.to_string())
}
