//! The node's place among others: its heartbeat to the control plane.
//!
//! [`quality`] gathers what the heartbeat tells of connections.
//!
//! Out: a signed report every two seconds. In: the state that the control plane wants it in. Calls go on whether or not
//! anybody answers.

mod quality;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::Request;
use http::header;
use signaling_proto::heartbeat;
use signaling_proto::heartbeat::Heartbeat;
use signaling_proto::heartbeat::HeartbeatAnswer;
use signaling_proto::heartbeat::NodeState;
use signaling_proto::heartbeat::RoomQuality;
use signaling_proto::limits;
use signaling_proto::proto;
use tokio::time::Instant;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::api::HttpCall;
use crate::config::ControlPlane;
use crate::node::Shared;

pub(crate) use quality::PendingQuality;

/// Peer connections that count as a full worker: what is connected and quiet now may all speak in a moment.
const FULL_WORKER_TRANSPORTS: f32 = 1_000.0;

/// Steps in which work is reported: an idle node is idle, and not the idlest of all because it was just started.
const BUSY_STEPS: f32 = 20.0;

/// How busy the workers were between two looks.
struct LoadMeter {
    at: Instant,
    busy: Vec<Duration>,
}

impl LoadMeter {
    /// The part of the time that the busiest worker has worked since the last look: 0 to 1, in steps.
    fn look(&mut self, now: Instant, busy: Vec<Duration>) -> f32 {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f32();
        let worked = busy.iter().zip(&self.busy).map(|(now, before)| now.saturating_sub(*before));
        let most = worked.max().unwrap_or_default().as_secs_f32();
        (self.at, self.busy) = (now, busy);
        let part = if elapsed > 0.0 { (most / elapsed).min(1.0) } else { 0.0 };
        (part * BUSY_STEPS).round() / BUSY_STEPS
    }
}

/// Becomes what the control plane wants the node to be, and ends the rooms that are not to go on here. Their people are
/// told to leave; whoever wants to go on asks the control plane for a new join.
fn obey(shared: &Arc<Shared>, answer: &HeartbeatAnswer) {
    let draining = answer.state == NodeState::Draining;
    if shared.draining.swap(draining, Ordering::AcqRel) != draining {
        tracing::info!(draining, left_s = answer.drain_left_s, "the control plane changed what this node takes");
    }
    let over = draining && answer.drain_left_s == Some(0);
    for room in shared.rooms() {
        if over || answer.moved.iter().any(|sid| **sid == *room.sid) {
            metrics::counter!("plenum_rooms_sent_away_total").increment(1);
            // On a task of its own: a heartbeat waits for no room.
            shared.spawn(async move {
                let _ = room.call(|room| room.close(proto::RoomEndReason::RoomEndServerShutdown)).await;
            });
        }
    }
}

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
    let mut meter = LoadMeter { at: Instant::now(), busy: shared.busy() };
    loop {
        let last = tokio::select! {
            _ = ticks.tick() => false,
            () = stop.cancelled() => true,
        };
        let worked = meter.look(Instant::now(), shared.busy());
        let quality = shared.quality.take(limits::HEARTBEAT_ROOMS);
        match beat(&shared, &control_plane, &*call, worked, &quality).await {
            Ok(answer) => {
                if failing {
                    tracing::info!("the control plane answers again");
                }
                failing = false;
                shared.note_heartbeat(Ok(()));
                obey(&shared, &answer);
            }
            Err(reason) => {
                metrics::counter!("plenum_heartbeats_failed_total").increment(1);
                // Told again: an answer that was lost on its way counts twice, which shares hardly feel.
                shared.quality.give_back(quality);
                if !failing && !last {
                    tracing::warn!(%reason, "the control plane does not take the heartbeat");
                }
                failing = true;
                shared.note_heartbeat(Err(reason));
            }
        }
        if last {
            return;
        }
    }
}

async fn beat(
    shared: &Shared,
    control_plane: &ControlPlane,
    call: &dyn HttpCall,
    worked: f32,
    quality: &[RoomQuality],
) -> Result<HeartbeatAnswer, String> {
    let counters = shared.counters();
    let workers = shared.config.workers.max(1) as f32;
    let connected = (counters.transports as f32 / (workers * FULL_WORKER_TRANSPORTS)).min(1.0);
    let heartbeat = Heartbeat {
        url: control_plane.public_url.clone(),
        api_url: control_plane.api_url.clone(),
        region: shared.config.region.clone(),
        // What the node wants by itself; what the control plane wants, it knows.
        state: if shared.is_shutting_down() { NodeState::Draining } else { NodeState::Up },
        version: env!("CARGO_PKG_VERSION").to_owned(),
        rooms: counters.rooms as u32,
        participants: counters.participants as u32,
        load: worked.max(connected),
        quality: quality.to_vec(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_worker_is_the_load_in_steps() {
        let ms = Duration::from_millis;
        let start = Instant::now();
        let mut meter = LoadMeter { at: start, busy: vec![ms(100), ms(0)] };
        assert_eq!(meter.look(start + ms(2_000), vec![ms(200), ms(500)]), 0.25);
        assert_eq!(meter.look(start + ms(4_000), vec![ms(201), ms(505)]), 0.0);
        assert_eq!(meter.look(start + ms(6_000), vec![ms(9_000), ms(505)]), 1.0);
        assert_eq!(meter.look(start + ms(6_000), vec![ms(9_000), ms(505)]), 0.0, "no time has passed");
    }
}
