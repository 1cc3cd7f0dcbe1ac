//! What a client says over its socket, and what it is answered.
//!
//! In: the text of a frame. Out: the text of answers, in order. A frame that makes no sense is answered, never closed
//! for: the frames after it may make sense.

use std::collections::BTreeMap;

use garde::Validate;
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::frames;
use crate::app::App;
use crate::error::ApiError;
use crate::events::frame::Frame;
use crate::model::conversation::MessageView;
use crate::routes::conversations::messages::{check_body, check_client_id};
use crate::services::files::MAX_ATTACHED;
use crate::services::listeners::{Listener, MAX_TOPICS};
use crate::services::messages::{self, Draft};
use crate::services::{conversations, presence::Status};

/// Longest reference a client may give a frame, in characters.
const MAX_REFERENCE_CHARS: usize = 64;

/// One thing to send.
pub(super) enum Answer {
    Text(String),
    Event(std::sync::Arc<Frame>),
}

/// Which topics.
#[derive(Deserialize)]
struct Topics {
    topic: Option<String>,
    #[serde(default)]
    topics: Vec<String>,
    #[serde(default, deserialize_with = "event_id")]
    last_event_id: Option<i64>,
}

impl Topics {
    fn names(mut self) -> Result<Vec<String>, ApiError> {
        self.topics.extend(self.topic);
        match self.topics.len() {
            0 => Err(ApiError::field("topics", "is required")),
            n if n > MAX_TOPICS => Err(ApiError::field("topics", &format!("must be at most {MAX_TOPICS}"))),
            _ => Ok(self.topics),
        }
    }
}

#[derive(Deserialize)]
struct SetPresence {
    status: Status,
}

/// A message, under the rules of the route that sends one.
#[derive(Deserialize, Validate)]
#[garde(allow_unvalidated)]
struct SendMessage {
    conversation_id: Uuid,
    #[garde(custom(check_body))]
    body: String,
    /// Whoever does not hear the acknowledgement sends again; without a name that would be another message.
    #[garde(custom(check_client_id))]
    client_id: String,
    reply_to: Option<Uuid>,
    #[serde(default)]
    #[garde(length(max = MAX_ATTACHED))]
    file_ids: Vec<Uuid>,
}

#[derive(Deserialize)]
struct Typing {
    conversation_id: Uuid,
    #[serde(default = "yes")]
    active: bool,
}

const fn yes() -> bool {
    true
}

/// An id as a number, or as the text it is in other places.
fn event_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let id = match Option::<Value>::deserialize(deserializer)? {
        None => return Ok(None),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    id.map(Some).ok_or_else(|| serde::de::Error::custom("must be the id of an event"))
}

/// Does what a frame asks for.
pub(super) async fn handle(app: &App, listener: &mut Listener, text: &str) -> Vec<Answer> {
    let mut reference = None;
    let outcome = match read(text, &mut reference) {
        Ok((kind, fields)) => act(app, listener, &kind, fields, reference.as_deref()).await,
        Err(error) => Err(error),
    };
    outcome.unwrap_or_else(|error| vec![Answer::Text(frames::error(reference.as_deref(), &error))])
}

/// The type and the other fields of a frame.
fn read(text: &str, reference: &mut Option<String>) -> Result<(String, Map<String, Value>), ApiError> {
    let malformed = |detail: &str| ApiError::new(StatusCode::BAD_REQUEST, "malformed_frame", detail);
    let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else {
        return Err(malformed("A frame is one JSON object."));
    };
    match fields.remove("ref") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) if text.chars().count() <= MAX_REFERENCE_CHARS => *reference = Some(text),
        Some(_) => {
            return Err(ApiError::field("ref", &format!("must be a text of at most {MAX_REFERENCE_CHARS} characters")));
        }
    }
    match fields.remove("type") {
        Some(Value::String(kind)) => Ok((kind, fields)),
        _ => Err(malformed("A frame has a text \"type\".")),
    }
}

async fn act(
    app: &App,
    listener: &mut Listener,
    kind: &str,
    fields: Map<String, Value>,
    reference: Option<&str>,
) -> Result<Vec<Answer>, ApiError> {
    let one = |text: String| Ok(vec![Answer::Text(text)]);
    match kind {
        "subscribe" => {
            let asked: Topics = parse(fields)?;
            let last = asked.last_event_id;
            subscribe(app, listener, &asked.names()?, last, reference).await
        }
        "unsubscribe" => {
            let names = parse::<Topics>(fields)?.names()?;
            listener.unsubscribe(&names);
            one(frames::unsubscribed(reference, &names, "requested"))
        }
        "message.send" => {
            let asked: SendMessage = parse(fields)?;
            asked.validate()?;
            let draft = Draft {
                body: asked.body,
                client_id: Some(asked.client_id),
                reply_to: asked.reply_to,
                file_ids: asked.file_ids,
            };
            let (message, _) = messages::send(app, &listener.caller.actor, asked.conversation_id, draft).await?;
            one(frames::ack(reference, json!({ "message": MessageView::from(message) })))
        }
        "typing" => {
            let Typing { conversation_id, active } = parse(fields)?;
            conversations::typing(app, &listener.caller.actor, conversation_id, active).await?;
            one(frames::ack(reference, json!({})))
        }
        "presence.set" => {
            let SetPresence { status } = parse(fields)?;
            if status == Status::Offline {
                return Err(ApiError::field("status", "must be online or idle; close the socket to be offline"));
            }
            listener.presence().ok_or_else(ApiError::sign_in_required)?.set(status);
            one(frames::ack(reference, json!({ "status": status })))
        }
        "ping" => one(frames::with_reference("pong", reference, json!({}))),
        _ => Err(ApiError::new(StatusCode::BAD_REQUEST, "unknown_type", "There is no frame of this type.")),
    }
}

/// Subscribes, then tells what was missed.
pub(super) async fn subscribe(
    app: &App,
    listener: &mut Listener,
    names: &[String],
    last: Option<i64>,
    reference: Option<&str>,
) -> Result<Vec<Answer>, ApiError> {
    let outcome = listener.subscribe(app, names, last).await?;
    let mut answers = vec![Answer::Text(frames::subscribed(reference, &outcome))];
    if outcome.gap {
        metrics::counter!("plenum_event_gaps_total").increment(1);
        answers.push(Answer::Text(frames::gap(&outcome)));
    }
    answers.extend(outcome.replay.into_iter().map(Answer::Event));
    Ok(answers)
}

/// The fields of a frame, or which of them is wrong.
fn parse<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let (path, message) = (error.path().to_string(), error.inner().to_string());
        match message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
            Some(field) => ApiError::field(field, "is required"),
            None => ApiError::validation(BTreeMap::from([(path, vec![message])])),
        }
    })
}
