//! Several replicas: what one commits, the others hear at once over Redis.
//!
//! In: the bus of this process. Out: a Redis channel, and from it the bus of every other replica. Redis may lose,
//! delay or reorder what it likes: each replica follows the log itself and takes these messages as a hint that carries
//! its content along. Ephemeral events exist here alone, and may be lost.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{EventBus, Heard, Told};
use crate::adapters::redis::Redis;
use crate::app::App;

/// The channel all replicas of an installation speak on.
const CHANNEL: &str = "events";
/// Longest message that is read; an event is a few KiB.
const MAX_MESSAGE_BYTES: usize = 256 * 1024;
/// Wait before the channel is opened again.
const RECONNECT: Duration = Duration::from_secs(1);

#[derive(Serialize, Deserialize)]
struct Message {
    /// The replica that speaks, so that it does not hear itself.
    from: Uuid,
    told: Told,
}

/// Says to other replicas what is said here.
pub(crate) async fn speak(app: Arc<App>, redis: Redis, stop: CancellationToken) {
    let mut bus = EventBus::listen(&app.outbox.bus);
    let channel = redis.key(CHANNEL);
    loop {
        let heard = tokio::select! {
            () = stop.cancelled() => return,
            heard = bus.recv() => heard,
        };
        let told = match heard {
            Ok(Heard { told, here: true }) => told,
            Ok(_) => continue,
            Err(RecvError::Lagged(missed)) => {
                metrics::counter!("plenum_events_not_fanned_out_total").increment(missed);
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        let Ok(text) = serde_json::to_string(&Message { from: app.replica_id, told }) else { continue };
        let channel = &channel;
        let publish = |mut connection| async move {
            redis::cmd("PUBLISH").arg(channel).arg(text).query_async::<i64>(&mut connection).await
        };
        // Who misses it reads the log.
        let _is_away = redis.ask(publish).await;
    }
}

/// Hears what other replicas say.
pub(crate) async fn hear(app: Arc<App>, redis: Redis, stop: CancellationToken) {
    let channel = redis.key(CHANNEL);
    loop {
        match redis.listen(&channel).await {
            Ok(connection) => {
                let mut messages = connection.into_on_message();
                loop {
                    let message = tokio::select! {
                        () = stop.cancelled() => return,
                        message = messages.next() => message,
                    };
                    let Some(message) = message else { break };
                    repeat(&app, message.get_payload_bytes());
                }
                tracing::warn!("the Redis channel was lost; events come from the log meanwhile");
            }
            Err(error) => tracing::debug!(%error, "the Redis channel cannot be opened"),
        }
        metrics::counter!("plenum_redis_failures_total").increment(1);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RECONNECT) => {}
        }
    }
}

fn repeat(app: &App, bytes: &[u8]) {
    let message = Some(bytes).filter(|bytes| bytes.len() <= MAX_MESSAGE_BYTES);
    match message.and_then(|bytes| serde_json::from_slice::<Message>(bytes).ok()) {
        Some(message) if message.from == app.replica_id => {}
        Some(message) => app.outbox.bus.repeat(message.told),
        None => metrics::counter!("plenum_redis_nonsense_total").increment(1),
    }
}
