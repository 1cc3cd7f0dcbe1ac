//! Webhooks: what a media node reports about rooms, participants and tracks.
//!
//! Out: the body and the `Authorization` header of one POST. In, on the receiver's side: both again, verified. The
//! receiver must take duplicates (same [`WebhookEvent::id`]): delivery is at least once, ordered per room.

use livekit_protocol::{ParticipantInfo, Room, TrackInfo, WebhookEvent, participant_info};

use crate::body_signature::{self, BodySignatureError};
use crate::protojson::{self, ProtoJsonError};
use crate::token::{AccessToken, KeyStore, SignError};
use crate::{ids, limits};

/// The `Content-Type` of a webhook.
pub const CONTENT_TYPE: &str = "application/webhook+json";

/// The names in [`WebhookEvent::event`].
pub mod event {
    /// A room began, by CreateRoom or by the first join.
    pub const ROOM_STARTED: &str = "room_started";
    /// A room ended.
    pub const ROOM_FINISHED: &str = "room_finished";
    /// A participant's media is connected.
    pub const PARTICIPANT_JOINED: &str = "participant_joined";
    /// A participant that had joined is gone.
    pub const PARTICIPANT_LEFT: &str = "participant_left";
    /// A participant went without ever having been connected.
    pub const PARTICIPANT_CONNECTION_ABORTED: &str = "participant_connection_aborted";
    /// A track is there.
    pub const TRACK_PUBLISHED: &str = "track_published";
    /// A track is gone.
    pub const TRACK_UNPUBLISHED: &str = "track_unpublished";
}

/// One POST to a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedWebhook {
    /// The `Authorization` header: the bare token, no `Bearer`.
    pub authorization: String,
    /// The body, protojson.
    pub body: Vec<u8>,
}

/// A webhook could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookSignError {
    /// The event is not JSON.
    #[error("cannot write the webhook: {0}")]
    Body(#[from] ProtoJsonError),
    /// The token could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// A received webhook is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// 413: longer than [`limits::WEBHOOK_BODY_BYTES`].
    #[error("the webhook's body is too long")]
    TooLong,
    /// 401: not signed by a key we know, or another body was.
    #[error(transparent)]
    Signature(#[from] BodySignatureError),
    /// 400: signed, but not an event.
    #[error("the webhook is not an event: {0}")]
    Body(#[from] ProtoJsonError),
}

impl WebhookError {
    /// The HTTP status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::TooLong => 413,
            Self::Signature(_) => 401,
            Self::Body(_) => 400,
        }
    }
}

/// A verified webhook.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedWebhook {
    /// The key that signed it.
    pub key: String,
    /// What happened.
    pub event: WebhookEvent,
}

/// An event about a whole room: `room_started`, `room_finished`.
#[must_use]
pub fn room_event(event: &str, room: Room, now: u64) -> WebhookEvent {
    WebhookEvent { room: Some(room), ..new_event(event, now) }
}

/// An event about a participant: the room and the participant in full, but without its tracks.
#[must_use]
pub fn participant_event(event: &str, room: Room, participant: ParticipantInfo, now: u64) -> WebhookEvent {
    let participant = ParticipantInfo { tracks: Vec::new(), ..participant };
    WebhookEvent { room: Some(room), participant: Some(participant), ..new_event(event, now) }
}

/// An event about a track: of the room only sid and name, of the participant only sid and identity.
#[must_use]
pub fn track_event(
    event: &str,
    room: &Room,
    participant: &ParticipantInfo,
    track: TrackInfo,
    now: u64,
) -> WebhookEvent {
    WebhookEvent {
        room: Some(Room { sid: room.sid.clone(), name: room.name.clone(), ..Room::default() }),
        participant: Some(ParticipantInfo {
            sid: participant.sid.clone(),
            identity: participant.identity.clone(),
            ..ParticipantInfo::default()
        }),
        track: Some(track),
        ..new_event(event, now)
    }
}

/// Writes and signs an event at `now` (Unix seconds). Sign anew for every try: the signature lives five minutes.
///
/// # Errors
/// See [`WebhookSignError`].
pub fn sign(event: &WebhookEvent, key: &str, secret: &str, now: u64) -> Result<SignedWebhook, WebhookSignError> {
    let body = encode(event)?;
    let authorization = AccessToken::new(key, secret)
        .sha256(body_signature::digest(&body))
        .ttl(limits::WEBHOOK_TTL)
        .issued_at(now)
        .to_jwt()?;
    Ok(SignedWebhook { authorization, body })
}

/// Verifies a received webhook: signature, age, digest of the body.
///
/// # Errors
/// See [`WebhookError`].
pub fn verify(authorization: &str, body: &[u8], keys: &KeyStore, now: u64) -> Result<VerifiedWebhook, WebhookError> {
    if body.len() > limits::WEBHOOK_BODY_BYTES {
        return Err(WebhookError::TooLong);
    }
    let claims = body_signature::verify_body(authorization, body, keys, now)?;
    Ok(VerifiedWebhook { key: claims.iss, event: protojson::decode(body)? })
}

fn new_event(event: &str, now: u64) -> WebhookEvent {
    WebhookEvent {
        event: event.to_owned(),
        id: ids::event_id(),
        created_at: i64::try_from(now).unwrap_or(i64::MAX),
        ..WebhookEvent::default()
    }
}

/// Clients may announce capabilities newer than our enum, which JSON cannot name: those are left out.
fn encode(event: &WebhookEvent) -> Result<Vec<u8>, ProtoJsonError> {
    protojson::encode(event).or_else(|_| {
        let mut event = event.clone();
        if let Some(participant) = &mut event.participant {
            participant.capabilities.clear();
            participant.kind_details.retain(|&detail| participant_info::KindDetail::try_from(detail).is_ok());
        }
        protojson::encode(&event)
    })
}
