//! An event as clients see it: written as JSON once, however many sockets it goes to.
//!
//! In: events of the log and ephemeral ones. Out: [`Frame`], shared by all queues.

use axum::extract::ws::Utf8Bytes;
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use super::{Ephemeral, Event};
use crate::model::clock::Micros;
use crate::model::topic::public_name;

/// How the log begins the name of a conversation's topic.
const CONVERSATION: &str = "conversation:";

/// One event, ready to send.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Its place in the log; `None` for what is in no log.
    pub seq: Option<i64>,
    /// The topic's name in the log.
    pub topic: String,
    pub kind: String,
    /// When it was written down; `None` for what is in no log.
    pub at: Option<Micros>,
    /// When the message or file it is about came into being.
    pub subject_at: Option<Micros>,
    pub text: Utf8Bytes,
}

#[derive(Serialize)]
struct Shape<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    topic: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Micros>,
    payload: &'a Value,
}

impl Frame {
    pub(crate) fn written(event: &Event) -> Self {
        let topic = public_name(&event.topic);
        let at = Some(event.created_at);
        let shape = Shape { kind: &event.kind, topic, id: Some(event.seq), at, payload: &event.payload };
        Self::of(&event.topic, &shape)
    }

    pub(crate) fn ephemeral(event: &Ephemeral) -> Self {
        let topic = public_name(&event.topic);
        let shape = Shape { kind: &event.kind, topic, id: None, at: None, payload: &event.payload };
        Self::of(&event.topic, &shape)
    }

    fn of(topic: &str, shape: &Shape<'_>) -> Self {
        // Texts, numbers and JSON values: there is nothing in it that JSON could not hold.
        let text = serde_json::to_string(shape).unwrap_or_default();
        let subject_at = topic.starts_with(CONVERSATION).then(|| created_at(shape.payload)).flatten();
        let (seq, at) = (shape.id, shape.at);
        Self { seq, topic: topic.to_owned(), kind: shape.kind.to_owned(), at, subject_at, text: text.into() }
    }
}

fn created_at(payload: &Value) -> Option<Micros> {
    Micros::deserialize(payload.get("created_at")?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn people_see_no_name_of_the_log() {
        let id = uuid::Uuid::now_v7();
        let event = Event {
            seq: 7,
            topic: format!("notifications:{id}"),
            kind: "notification.created".to_owned(),
            payload: json!({ "a": 1 }),
            created_at: Micros(1_700_000_000_000_000),
        };
        let frame = Frame::written(&event);
        let shown: Value = serde_json::from_str(frame.text.as_str()).unwrap();
        let wanted = json!({ "type": "notification.created", "topic": "notifications", "id": 7,
            "at": "2023-11-14T22:13:20Z", "payload": { "a": 1 } });
        assert_eq!(shown, wanted);
    }
}
