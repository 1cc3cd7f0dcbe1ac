//! Our one extension: how a media node tells the control plane that it lives.
//!
//! `POST /internal/nodes/{ND_id}/heartbeat`, JSON in snake_case, every [`limits::HEARTBEAT_INTERVAL`]. `Authorization:
//! Bearer` a token of the internal key: `sub` the node's id, `sha256` the body's digest, 60 s.

use serde::{Deserialize, Serialize};

use crate::body_signature::{self, BodySignatureError};
use crate::limits;
use crate::token::{AccessToken, KeyStore, SignError};

/// What a node says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Where clients connect: `ws://` or `wss://`; empty lets the control plane answer its own public address.
    pub url: String,
    /// Where the control plane calls RoomService: `http://` or `https://`; empty means in the same process.
    pub api_url: String,
    /// A name for the place, or empty.
    #[serde(default)]
    pub region: String,
    /// Whether the node takes new rooms.
    pub state: NodeState,
    /// The node's own version.
    #[serde(default)]
    pub version: String,
    /// Rooms that are open.
    pub rooms: u32,
    /// Participants that are connected.
    pub participants: u32,
    /// How busy the busiest worker is, 0 to 1.
    pub load: f32,
    /// How good connections were since the last accepted heartbeat, by room; at most [`limits::HEARTBEAT_ROOMS`], the
    /// rest comes with the next one. Nodes that do not judge leave it out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quality: Vec<RoomQuality>,
}

/// How good the connections in one room were: every participant is judged every few seconds and counts once each time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomQuality {
    /// The room's sid, `RM_…`.
    pub sid: String,
    /// What was found.
    #[serde(flatten)]
    pub samples: QualitySamples,
}

/// Judgements of connections, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QualitySamples {
    /// Nothing to complain about.
    pub excellent: u32,
    /// Losses or delays that are hardly noticed.
    pub good: u32,
    /// Losses or delays that hurt.
    pub poor: u32,
    /// The client could not be reached.
    pub lost: u32,
}

impl QualitySamples {
    /// Adds `other`, up to what the numbers hold.
    pub fn add(&mut self, other: Self) {
        self.excellent = self.excellent.saturating_add(other.excellent);
        self.good = self.good.saturating_add(other.good);
        self.poor = self.poor.saturating_add(other.poor);
        self.lost = self.lost.saturating_add(other.lost);
    }

    /// Whether nothing was judged.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// Whether a node takes new rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// It does.
    #[default]
    Up,
    /// It does not: rooms run to their end.
    Draining,
}

/// The control plane's answer: the state it wants the node to be in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HeartbeatAnswer {
    /// `draining` asks the node to drain.
    pub state: NodeState,
    /// While draining: seconds until the node is to end the rooms it still has; 0 = now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain_left_s: Option<u32>,
    /// Sids of rooms that run elsewhere by now: the node is to end them, so that their people come together again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<String>,
}

/// One POST, ready to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHeartbeat {
    /// The path on the control plane.
    pub path: String,
    /// The `Authorization` header, `Bearer` included.
    pub authorization: String,
    /// The body, JSON.
    pub body: Vec<u8>,
}

/// A heartbeat could not be made.
#[derive(Debug, thiserror::Error)]
pub enum HeartbeatSignError {
    /// A load that is no number does not become JSON.
    #[error("cannot write the heartbeat: {0}")]
    Body(#[from] serde_json::Error),
    /// The token could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// A received heartbeat is refused.
#[derive(Debug, thiserror::Error)]
pub enum HeartbeatError {
    /// 413: longer than [`limits::HEARTBEAT_BODY_BYTES`].
    #[error("the heartbeat's body is too long")]
    TooLong,
    /// 401: not signed by the internal key, or another body was.
    #[error(transparent)]
    Signature(#[from] BodySignatureError),
    /// 401: signed for another node.
    #[error("the heartbeat's token is for another node")]
    OtherNode,
    /// 400: signed, but not a heartbeat.
    #[error("the body is not a heartbeat: {0}")]
    Body(#[from] serde_json::Error),
    /// 400: control characters, which a database may refuse and a terminal obey.
    #[error("the heartbeat's {0} holds control characters")]
    ControlCharacters(&'static str),
    /// 400: the quality of more than [`limits::HEARTBEAT_ROOMS`] rooms, or of something that is no room.
    #[error("the heartbeat tells the quality of too many rooms, or of what is no room")]
    Quality,
}

impl HeartbeatError {
    /// The HTTP status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::TooLong => 413,
            Self::Signature(_) | Self::OtherNode => 401,
            Self::Body(_) | Self::ControlCharacters(_) | Self::Quality => 400,
        }
    }
}

/// The path a node posts to.
#[must_use]
pub fn path(node_id: &str) -> String {
    format!("/internal/nodes/{node_id}/heartbeat")
}

/// Writes and signs a heartbeat at `now` (Unix seconds).
///
/// # Errors
/// See [`HeartbeatSignError`].
pub fn sign(
    node_id: &str,
    heartbeat: &Heartbeat,
    key: &str,
    secret: &str,
    now: u64,
) -> Result<SignedHeartbeat, HeartbeatSignError> {
    let body = serde_json::to_vec(heartbeat)?;
    let token = AccessToken::new(key, secret)
        .identity(node_id)
        .sha256(body_signature::digest(&body))
        .ttl(limits::HEARTBEAT_TTL)
        .issued_at(now)
        .to_jwt()?;
    Ok(SignedHeartbeat { path: path(node_id), authorization: format!("Bearer {token}"), body })
}

/// Verifies a received heartbeat of the node that the path names. `keys` must hold the internal key and no other.
///
/// # Errors
/// See [`HeartbeatError`].
pub fn verify(
    node_id: &str,
    authorization: &str,
    body: &[u8],
    keys: &KeyStore,
    now: u64,
) -> Result<Heartbeat, HeartbeatError> {
    if body.len() > limits::HEARTBEAT_BODY_BYTES {
        return Err(HeartbeatError::TooLong);
    }
    let claims = body_signature::verify_body(authorization, body, keys, now)?;
    if claims.sub != node_id {
        return Err(HeartbeatError::OtherNode);
    }
    let beat: Heartbeat = serde_json::from_slice(body)?;
    for (name, text) in
        [("url", &beat.url), ("api_url", &beat.api_url), ("region", &beat.region), ("version", &beat.version)]
    {
        if text.chars().any(char::is_control) {
            return Err(HeartbeatError::ControlCharacters(name));
        }
    }
    if beat.quality.len() > limits::HEARTBEAT_ROOMS || !beat.quality.iter().all(|room| is_sid(&room.sid)) {
        return Err(HeartbeatError::Quality);
    }
    Ok(beat)
}

fn is_sid(text: &str) -> bool {
    (1..=limits::SID_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn signed() -> SignedHeartbeat {
        let heartbeat = Heartbeat { url: "ws://a".into(), rooms: 2, load: 0.5, ..Heartbeat::default() };
        sign("ND_1", &heartbeat, "internal", "secret", NOW).unwrap()
    }

    #[test]
    fn a_heartbeat_arrives_as_it_was_sent() {
        let keys = KeyStore::with_key("internal", "secret");
        let signed = signed();
        assert_eq!(signed.path, "/internal/nodes/ND_1/heartbeat");
        let heartbeat = verify("ND_1", &signed.authorization, &signed.body, &keys, NOW).unwrap();
        assert_eq!((heartbeat.url.as_str(), heartbeat.rooms, heartbeat.state), ("ws://a", 2, NodeState::Up));
    }

    #[test]
    fn control_characters_are_refused() {
        let keys = KeyStore::with_key("internal", "secret");
        let beat = Heartbeat { region: "eu\0".into(), ..Heartbeat::default() };
        let SignedHeartbeat { authorization, body, .. } = sign("ND_1", &beat, "internal", "secret", NOW).unwrap();
        let error = verify("ND_1", &authorization, &body, &keys, NOW).unwrap_err();
        assert!(error.status() == 400 && error.to_string().contains("region"), "{error}");
    }

    #[test]
    fn quality_is_left_out_or_bounded() {
        let keys = KeyStore::with_key("internal", "secret");
        let send = |quality: Vec<RoomQuality>| {
            let beat = Heartbeat { quality, ..Heartbeat::default() };
            let SignedHeartbeat { authorization, body, .. } = sign("ND_1", &beat, "internal", "secret", NOW).unwrap();
            (verify("ND_1", &authorization, &body, &keys, NOW), String::from_utf8(body).unwrap())
        };
        let room = |sid: &str| RoomQuality {
            sid: sid.to_owned(),
            samples: QualitySamples { excellent: 3, lost: 1, ..QualitySamples::default() },
        };
        let (beat, body) = send(vec![room("RM_a")]);
        assert_eq!(beat.unwrap().quality, [room("RM_a")]);
        assert!(body.contains(r#"{"sid":"RM_a","excellent":3,"good":0,"poor":0,"lost":1}"#), "{body}");
        let (beat, body) = send(Vec::new());
        assert!(beat.unwrap().quality.is_empty() && !body.contains("quality"), "{body}");
        let full: Vec<_> = (0..limits::HEARTBEAT_ROOMS).map(|n| room(&format!("RM_{n:0>20}"))).collect();
        let (beat, body) = send(full.clone());
        assert!(beat.is_ok() && body.len() < limits::HEARTBEAT_BODY_BYTES / 2, "{}", body.len());
        let too_many = [full, vec![room("RM_x")]].concat();
        for bad in [too_many, vec![room("")], vec![room("RM_\0")], vec![room(&"x".repeat(limits::SID_BYTES + 1))]] {
            assert_eq!(send(bad).0.unwrap_err().status(), 400);
        }
    }

    #[test]
    fn an_answer_says_only_what_there_is_to_say() {
        let calm = serde_json::to_string(&HeartbeatAnswer::default()).unwrap();
        assert_eq!(calm, r#"{"state":"up"}"#);
        let told: HeartbeatAnswer =
            serde_json::from_str(r#"{"state":"draining","drain_left_s":0,"moved":["RM_1"],"later":1}"#).unwrap();
        assert_eq!((told.drain_left_s, told.moved.as_slice()), (Some(0), &["RM_1".to_owned()][..]));
    }

    #[test]
    fn another_node_another_body_another_key_and_a_late_one_are_refused() {
        let keys = KeyStore::with_key("internal", "secret");
        let SignedHeartbeat { authorization, body, .. } = signed();
        assert!(matches!(verify("ND_2", &authorization, &body, &keys, NOW), Err(HeartbeatError::OtherNode)));
        let status =
            |body: &[u8], keys: &KeyStore, now| verify("ND_1", &authorization, body, keys, now).unwrap_err().status();
        assert_eq!(status(b"{}", &keys, NOW), 401);
        assert_eq!(status(&body, &KeyStore::with_key("devkey", "secret"), NOW), 401);
        assert_eq!(status(&body, &keys, NOW + 121), 401);
        assert_eq!(status(&vec![0; limits::HEARTBEAT_BODY_BYTES + 1], &keys, NOW), 413);
    }
}
