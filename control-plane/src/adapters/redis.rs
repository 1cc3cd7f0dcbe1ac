//! Redis, as far as replicas share things over it: never the truth of anything, and allowed to be away.
//!
//! In: commands and what to publish. Out: answers, or `None` when Redis is not to be had right now, so that the caller
//! goes on alone. A failure costs one short wait; after it Redis is left alone for a second.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig, PubSub};
use redis::{Client, RedisResult};

/// Longest wait for an answer. Redis answers in less than a millisecond; a request must not wait much longer for it
/// than it would for the database.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(250);
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_000);
/// How long Redis is left alone after a failure.
const REST: Duration = Duration::from_secs(1);

/// A connection that mends itself.
#[derive(Clone)]
pub(crate) struct Redis {
    client: Client,
    manager: ConnectionManager,
    prefix: String,
    health: std::sync::Arc<Health>,
}

struct Health {
    since: Instant,
    /// Milliseconds after `since` before which nobody asks.
    rests_until_ms: AtomicU64,
}

impl Redis {
    /// Prepares the connection; whether Redis is there shows at the first command. Keys and channels of this
    /// installation begin with `prefix`.
    ///
    /// # Errors
    /// The URL makes no sense.
    pub(crate) fn open(url: &str, prefix: String) -> RedisResult<Self> {
        let client = Client::open(url)?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(ANSWER_TIMEOUT))
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_number_of_retries(0);
        let manager = client.get_connection_manager_lazy(config)?;
        let health = Health { since: Instant::now(), rests_until_ms: AtomicU64::new(0) };
        Ok(Self { client, manager, prefix, health: std::sync::Arc::new(health) })
    }

    /// A key or channel of this installation.
    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Asks; `None` when there is no answer.
    pub(crate) async fn ask<T, F>(&self, what: impl FnOnce(ConnectionManager) -> F) -> Option<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let elapsed = || u64::try_from(self.health.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        if elapsed() < self.health.rests_until_ms.load(Ordering::Relaxed) {
            return None;
        }
        let error = match tokio::time::timeout(ANSWER_TIMEOUT, what(self.manager.clone())).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        metrics::counter!("plenum_redis_failures_total").increment(1);
        let rests_until = elapsed() + u64::try_from(REST.as_millis()).unwrap_or_default();
        self.health.rests_until_ms.store(rests_until, Ordering::Relaxed);
        tracing::debug!(error, "Redis does not answer");
        None
    }

    /// A connection of its own that listens to `channel`.
    pub(crate) async fn listen(&self, channel: &str) -> RedisResult<PubSub> {
        let mut connection = self.client.get_async_pubsub().await?;
        connection.subscribe(channel).await?;
        Ok(connection)
    }
}
