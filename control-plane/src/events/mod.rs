//! Events: what people who listen are told, in order, once it is durable.
//!
//! In: committed rows of the event log, and ephemeral events that are never written. Out: [`hub`], which hands them to
//! the sockets of this process. The log in the database stays the source of truth; the bus is the fast path, [`tail`]
//! follows the log where the bus has gaps, [`fanout`] tells other replicas.

pub(crate) mod fanout;
pub(crate) mod frame;
pub(crate) mod hub;
pub(crate) mod tail;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::model::clock::Micros;

/// Events a reader of the bus may lag behind before it has to read the log.
const BUS_CAPACITY: usize = 1_024;

/// An event about to be written.
#[derive(Debug)]
pub(crate) struct NewEvent {
    pub topic: String,
    pub kind: &'static str,
    pub payload: Value,
}

/// A written event.
#[derive(Clone, Debug, Serialize, Deserialize, sqlx::FromRow)]
pub(crate) struct Event {
    /// Its place in the log; readers resume after it.
    pub seq: i64,
    pub topic: String,
    pub kind: String,
    #[sqlx(json)]
    pub payload: Value,
    #[serde(with = "raw_micros")]
    pub created_at: Micros,
}

/// An event that is told once and kept nowhere.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ephemeral {
    pub topic: String,
    pub kind: String,
    pub payload: Value,
}

/// What goes over the bus.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    Written(Arc<Event>),
    Ephemeral(Arc<Ephemeral>),
}

/// What somebody said on the bus, and whether it was said in this process.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub told: Told,
    pub here: bool,
}

/// The broadcast of this process.
#[derive(Clone, Debug)]
pub(crate) struct EventBus {
    sender: broadcast::Sender<Heard>,
}

impl EventBus {
    pub(crate) fn new() -> Self {
        Self { sender: broadcast::Sender::new(BUS_CAPACITY) }
    }

    /// Tells everybody who listens now; nobody listening is fine.
    pub(crate) fn publish(&self, event: Event) {
        metrics::counter!("plenum_events_total").increment(1);
        self.say(Told::Written(Arc::new(event)), true);
    }

    /// Tells everybody who listens to `topic` now, on every replica, something that is written nowhere: typing,
    /// presence. It has no place in the log, is not repeated to who resumes, and may be lost.
    pub(crate) fn publish_ephemeral(&self, topic: String, kind: &'static str, payload: &impl Serialize) {
        match serde_json::to_value(payload) {
            Ok(payload) => {
                self.say(Told::Ephemeral(Arc::new(Ephemeral { topic, kind: kind.to_owned(), payload })), true);
            }
            Err(error) => tracing::error!(%error, kind, "an event could not be written as JSON"),
        }
    }

    /// Repeats what another replica said.
    fn repeat(&self, told: Told) {
        self.say(told, false);
    }

    fn say(&self, told: Told, here: bool) {
        let _nobody_listens = self.sender.send(Heard { told, here });
    }

    fn listen(&self) -> broadcast::Receiver<Heard> {
        self.sender.subscribe()
    }
}

/// Between replicas a time is what the database holds, to the microsecond.
mod raw_micros {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::model::clock::Micros;

    pub(super) fn serialize<S: Serializer>(at: &Micros, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Micros, D::Error> {
        i64::deserialize(deserializer).map(Micros)
    }
}
