//! What the server says over a socket or a stream beside events.

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::events::hub::End;
use crate::services::listeners::{Listener, MAX_TOPICS, NoTopic, Subscribed};

/// Close codes: 4000 and up are ours.
pub(super) mod close {
    pub(in super::super) const GOING_AWAY: u16 = 1001;
    pub(in super::super) const NOT_TEXT: u16 = 1003;
    pub(in super::super) const TOO_LARGE: u16 = 1009;
    pub(in super::super) const RESTART: u16 = 1012;
    pub(in super::super) const SESSION_ENDED: u16 = 4001;
    pub(in super::super) const TOO_SLOW: u16 = 4002;
    pub(in super::super) const SILENT: u16 = 4003;
    pub(in super::super) const TOO_MANY_FRAMES: u16 = 4004;
}

/// Code and words of an end.
pub(super) fn words(end: End) -> (u16, &'static str) {
    match end {
        End::SessionEnded => (close::SESSION_ENDED, "the session has ended: sign in again"),
        End::TooSlow => (close::TOO_SLOW, "too slow: connect again and resume"),
        End::Stopping => (close::RESTART, "the server restarts: connect again and resume"),
    }
}

/// The first frame.
pub(super) fn hello(app: &App, listener: &Listener) -> String {
    let session: Option<Uuid> = listener.caller.session().map(|(_, session)| session.id);
    text(&json!({
        "type": "hello",
        "session_id": session,
        "last_event_id": app.hub.cursor(),
        "resume_window_s": app.live().retention.events_minutes.saturating_mul(60),
        "ping_every_s": app.realtime.ping_every_s,
    }))
}

/// The answer to a subscription.
pub(super) fn subscribed(reference: Option<&str>, answer: &Subscribed) -> String {
    let refused: Vec<Value> = answer.refused.iter().map(|(topic, why)| refusal(topic, *why)).collect();
    let last_event_id = answer.last_event_id;
    let body = json!({ "topics": answer.topics, "refused": refused, "last_event_id": last_event_id });
    with_reference("subscribed", reference, body)
}

fn refusal(topic: &str, why: NoTopic) -> Value {
    let (code, detail) = match why {
        NoTopic::NotFound => ("topic_not_found", "There is no such topic, or it is not yours to listen to.".to_owned()),
        NoTopic::TooMany => ("too_many_topics", format!("One socket listens to at most {MAX_TOPICS} topics.")),
    };
    json!({ "topic": topic, "code": code, "detail": detail })
}

/// Something was missed that cannot be told again.
pub(super) fn gap(answer: &Subscribed) -> String {
    text(&json!({ "type": "gap", "topics": answer.topics, "last_event_id": answer.last_event_id }))
}

/// Topics that are no longer listened to.
pub(super) fn unsubscribed(reference: Option<&str>, topics: &[String], code: &str) -> String {
    with_reference("unsubscribed", reference, json!({ "topics": topics, "code": code }))
}

/// What was asked is done.
pub(super) fn ack(reference: Option<&str>, body: Value) -> String {
    with_reference("ack", reference, body)
}

/// What was asked is not done.
pub(super) fn error(reference: Option<&str>, error: &ApiError) -> String {
    with_reference("error", reference, error.as_frame())
}

/// A frame of any type, with the reference of the frame it answers.
pub(super) fn with_reference(kind: &str, reference: Option<&str>, mut body: Value) -> String {
    if let Value::Object(fields) = &mut body {
        fields.insert("type".to_owned(), kind.into());
        if let Some(reference) = reference {
            fields.insert("ref".to_owned(), reference.into());
        }
    }
    text(&body)
}

fn text(value: &impl Serialize) -> String {
    // JSON values are always JSON.
    serde_json::to_string(value).unwrap_or_default()
}
