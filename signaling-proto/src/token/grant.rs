//! What a token says: the claims, the `video` grant and their defaults.
//!
//! Names are LiveKit's (camelCase). A claim that is absent or null takes its default; unknown claims are ignored.

use std::collections::BTreeMap;

use livekit_protocol::{ParticipantPermission, TrackSource, participant_info};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::GrantError;
use crate::limits;

/// The claims of a token. Absent and empty are the same, except where a field is an `Option`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Claims {
    /// The API key whose secret signed the token.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub iss: String,
    /// The participant's identity; see [`Claims::identity`].
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub sub: String,
    /// Older tokens carry the identity here.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub jti: String,
    /// Unix seconds after which the token is worth nothing.
    #[serde(deserialize_with = "numeric_date", skip_serializing_if = "Option::is_none")]
    pub exp: Option<u64>,
    /// Unix seconds before which it is worth nothing yet.
    #[serde(deserialize_with = "numeric_date", skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// Unix seconds of its making; revocation compares with it.
    #[serde(deserialize_with = "numeric_date", skip_serializing_if = "Option::is_none")]
    pub iat: Option<u64>,
    /// The name to show.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `standard`, `agent`, `egress`, …; see [`Claims::participant_kind`].
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Finer than `kind`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub kind_details: Vec<String>,
    /// The participant's metadata on joining.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub metadata: String,
    /// The participant's attributes on joining.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Base64 SHA-256 of the body that this token signs.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// A protojson `RoomConfiguration`, applied if this join creates the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_config: Option<serde_json::Value>,
    /// The name of a prepared configuration.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub room_preset: String,
    /// What the holder may do in rooms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoGrant>,
    /// Telephony rights, carried along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sip: Option<serde_json::Value>,
    /// Agent rights, carried along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<serde_json::Value>,
    /// Inference rights, carried along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inference: Option<serde_json::Value>,
    /// Observability rights, carried along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observability: Option<serde_json::Value>,
}

/// The `video` claim. The methods apply LiveKit's defaults; read those, not the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VideoGrant {
    /// May create and delete rooms.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_false")]
    pub room_create: bool,
    /// May list rooms.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_false")]
    pub room_list: bool,
    /// May record.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_false")]
    pub room_record: bool,
    /// May administer `room`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_false")]
    pub room_admin: bool,
    /// May join `room`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_false")]
    pub room_join: bool,
    /// The one room this grant is for.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub room: String,
    /// Absent means yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_publish: Option<bool>,
    /// Absent means yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_subscribe: Option<bool>,
    /// Absent means as `can_publish`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_publish_data: Option<bool>,
    /// Source names; empty means all.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub can_publish_sources: Vec<String>,
    /// Absent means no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_update_own_metadata: Option<bool>,
    /// May manage ingress.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_false")]
    pub ingress_admin: bool,
    /// Not shown to the others.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_false")]
    pub hidden: bool,
    /// Is a recorder.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_false")]
    pub recorder: bool,
    /// May register as an agent worker.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_false")]
    pub agent: bool,
    /// Absent means no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_subscribe_metrics: Option<bool>,
    /// Absent means no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_manage_agent_session: Option<bool>,
    /// Where a participant may be moved or forwarded to.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub destination_room: String,
}

impl Claims {
    /// `sub`, else `jti`.
    #[must_use]
    pub fn identity(&self) -> &str {
        if self.sub.is_empty() { &self.jti } else { &self.sub }
    }

    /// When the token was made for the purpose of revocation: `iat`, else `nbf`.
    #[must_use]
    pub fn issued_at(&self) -> Option<u64> {
        self.iat.or(self.nbf)
    }

    /// The grant of a join: `roomJoin`, an identity and a room, all within `limits`.
    ///
    /// # Errors
    /// What is lacking or too long.
    pub fn join_grant(&self) -> Result<&VideoGrant, GrantError> {
        let grant = self.video.as_ref().ok_or(GrantError::NoVideoGrant)?;
        if !grant.room_join {
            return Err(GrantError::Missing("roomJoin"));
        }
        if self.identity().is_empty() {
            return Err(GrantError::NoIdentity);
        }
        if grant.room.is_empty() {
            return Err(GrantError::NoRoom);
        }
        for (what, text) in [("identity", self.identity()), ("room", &grant.room)] {
            if text.chars().any(char::is_control) {
                return Err(GrantError::ControlCharacters { what });
            }
        }
        let attributes = self.attributes.iter().map(|(key, value)| key.len() + value.len()).sum();
        for (what, length, limit) in [
            ("identity", self.identity().len(), limits::NAME_BYTES),
            ("name", self.name.len(), limits::NAME_BYTES),
            ("room", grant.room.len(), limits::NAME_BYTES),
            ("metadata", self.metadata.len(), limits::METADATA_BYTES),
            ("attributes", attributes, limits::ATTRIBUTES_BYTES),
        ] {
            if length > limit {
                return Err(GrantError::TooLong { what, limit });
            }
        }
        Ok(grant)
    }

    /// Checks `roomAdmin` for exactly this room.
    ///
    /// # Errors
    /// What is lacking.
    pub fn require_admin(&self, room: &str) -> Result<(), GrantError> {
        let grant = self.video.as_ref().ok_or(GrantError::NoVideoGrant)?;
        if !grant.room_admin {
            return Err(GrantError::Missing("roomAdmin"));
        }
        if grant.room != room {
            return Err(GrantError::OtherRoom);
        }
        Ok(())
    }

    /// Checks `roomCreate`, which also covers deleting.
    ///
    /// # Errors
    /// What is lacking.
    pub fn require_create(&self) -> Result<(), GrantError> {
        let grant = self.video.as_ref().ok_or(GrantError::NoVideoGrant)?;
        if grant.room_create { Ok(()) } else { Err(GrantError::Missing("roomCreate")) }
    }

    /// Checks `roomList`.
    ///
    /// # Errors
    /// What is lacking.
    pub fn require_list(&self) -> Result<(), GrantError> {
        let grant = self.video.as_ref().ok_or(GrantError::NoVideoGrant)?;
        if grant.room_list { Ok(()) } else { Err(GrantError::Missing("roomList")) }
    }

    /// The `kind` claim; an unknown or absent one is a standard participant.
    #[must_use]
    pub fn participant_kind(&self) -> participant_info::Kind {
        participant_info::Kind::from_str_name(&self.kind.to_ascii_uppercase())
            .unwrap_or(participant_info::Kind::Standard)
    }

    /// The `kindDetails` claim without unknown names.
    #[must_use]
    pub fn participant_kind_details(&self) -> Vec<participant_info::KindDetail> {
        self.kind_details
            .iter()
            .filter_map(|name| participant_info::KindDetail::from_str_name(&name.to_ascii_uppercase()))
            .collect()
    }
}

impl VideoGrant {
    /// A grant to join `room` with LiveKit's defaults for everything else.
    #[must_use]
    pub fn join(room: impl Into<String>) -> Self {
        Self { room_join: true, room: room.into(), ..Self::default() }
    }

    /// Whether anything may be published.
    #[must_use]
    pub fn can_publish(&self) -> bool {
        self.can_publish.unwrap_or(true)
    }

    /// Whether tracks may be received.
    #[must_use]
    pub fn can_subscribe(&self) -> bool {
        self.can_subscribe.unwrap_or(true)
    }

    /// Whether data may be sent: as `can_publish` unless said.
    #[must_use]
    pub fn can_publish_data(&self) -> bool {
        self.can_publish_data.unwrap_or_else(|| self.can_publish())
    }

    /// Whether this source may be published.
    #[must_use]
    pub fn can_publish_source(&self, source: TrackSource) -> bool {
        self.can_publish()
            && (self.can_publish_sources.is_empty()
                || self.can_publish_sources.iter().any(|name| source_from_name(name) == Some(source)))
    }

    /// Whether name, metadata and attributes may be changed by the participant itself.
    #[must_use]
    pub fn can_update_own_metadata(&self) -> bool {
        self.can_update_own_metadata.unwrap_or(false)
    }

    /// The grant as clients see it in `ParticipantInfo.permission`.
    #[must_use]
    #[allow(deprecated, reason = "older SDKs still read `recorder` and `agent`")]
    pub fn permission(&self) -> ParticipantPermission {
        ParticipantPermission {
            can_subscribe: self.can_subscribe(),
            can_publish: self.can_publish(),
            can_publish_data: self.can_publish_data(),
            // A name we do not know must not open the list: it stays as UNKNOWN, which no named source equals.
            can_publish_sources: self
                .can_publish_sources
                .iter()
                .map(|name| source_from_name(name).unwrap_or(TrackSource::Unknown) as i32)
                .collect(),
            hidden: self.hidden,
            recorder: self.recorder,
            can_update_metadata: self.can_update_own_metadata(),
            agent: self.agent,
            can_subscribe_metrics: self.can_subscribe_metrics.unwrap_or(false),
            can_manage_agent_session: self.can_manage_agent_session.unwrap_or(false),
        }
    }

    /// Takes over a permission set by UpdateParticipant, so that the next refreshed token carries it.
    #[allow(deprecated, reason = "older SDKs still write `recorder` and `agent`")]
    pub fn apply_permission(&mut self, permission: &ParticipantPermission) {
        self.can_subscribe = Some(permission.can_subscribe);
        self.can_publish = Some(permission.can_publish);
        self.can_publish_data = Some(permission.can_publish_data);
        self.can_publish_sources = permission
            .can_publish_sources
            .iter()
            .map(|&source| source_name(TrackSource::try_from(source).unwrap_or(TrackSource::Unknown)).to_owned())
            .collect();
        self.hidden = permission.hidden;
        self.recorder = permission.recorder;
        self.can_update_own_metadata = Some(permission.can_update_metadata);
        self.agent = permission.agent;
        self.can_subscribe_metrics = Some(permission.can_subscribe_metrics);
        self.can_manage_agent_session = Some(permission.can_manage_agent_session);
    }
}

/// A source's name in `canPublishSources`.
#[must_use]
pub fn source_name(source: TrackSource) -> &'static str {
    match source {
        TrackSource::Camera => "camera",
        TrackSource::Microphone => "microphone",
        TrackSource::ScreenShare => "screen_share",
        TrackSource::ScreenShareAudio => "screen_share_audio",
        TrackSource::Unknown => "unknown",
    }
}

/// The source of a name, in either case; `None` if we know none such.
#[must_use]
pub fn source_from_name(name: &str) -> Option<TrackSource> {
    TrackSource::from_str_name(&name.to_ascii_uppercase())
}

fn is_false(value: &bool) -> bool {
    !value
}

/// Null is the default: some SDKs write every field.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// A NumericDate (RFC 7519 §2): seconds, possibly with a fraction, which is cut off.
fn numeric_date<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(from)? else { return Ok(None) };
    if let Some(seconds) = number.as_u64() {
        return Ok(Some(seconds));
    }
    match number.as_f64() {
        // 2^53: beyond it a double no longer counts seconds.
        Some(seconds) if (0.0..9_007_199_254_740_992.0).contains(&seconds) => Ok(Some(seconds as u64)),
        _ => Err(serde::de::Error::custom("a time must be a number of seconds since 1970")),
    }
}
