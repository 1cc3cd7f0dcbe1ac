//! Events: what people who listen are told, in order, once it is durable.
//!
//! In: committed rows of the event log. Out: a broadcast inside this process. The log in the database stays the source
//! of truth; this is the fast path.

use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;

use crate::model::clock::Micros;

/// Events a slow reader may lag behind before it has to resume from the log.
const BUS_CAPACITY: usize = 1_024;

/// An event about to be written.
#[derive(Debug)]
pub(crate) struct NewEvent {
    pub topic: String,
    pub kind: &'static str,
    pub payload: Value,
}

/// A written event.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Event {
    /// Its place in the log; readers resume after it.
    pub seq: i64,
    pub topic: String,
    pub kind: String,
    pub payload: Value,
    pub created_at: Micros,
}

/// The broadcast of this process.
#[derive(Clone, Debug)]
pub(crate) struct EventBus {
    sender: broadcast::Sender<Event>,
}

impl EventBus {
    pub(crate) fn new() -> Self {
        Self { sender: broadcast::Sender::new(BUS_CAPACITY) }
    }

    /// Tells everybody who listens now; nobody listening is fine.
    pub(crate) fn publish(&self, event: Event) {
        metrics::counter!("plenum_events_total").increment(1);
        let _nobody_listens = self.sender.send(event);
    }

    /// Tells everybody who listens to `topic` now something that is written nowhere, such as typing.
    pub(crate) fn publish_ephemeral(&self, topic: String, kind: &'static str, payload: &impl Serialize) {
        match serde_json::to_value(payload) {
            Ok(payload) => {
                let event = Event { seq: 0, topic, kind: kind.to_owned(), payload, created_at: Micros(0) };
                let _nobody_listens = self.sender.send(event);
            }
            Err(error) => tracing::error!(%error, kind, "an event could not be written as JSON"),
        }
    }
}
