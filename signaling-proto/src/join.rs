//! The query of a join: `/rtc` (v0, separate parameters) and `/rtc/v1` (one packed `join_request`) → [`JoinParameters`].
//!
//! In: the raw query string. Out: the same structure for both paths, and the token if the query carried one. The token is
//! not verified here, and the query must never be logged: it holds the token.

use std::collections::HashMap;
use std::io::Read;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::MultiGzDecoder;
use livekit_protocol::{
    AddTrackRequest, ClientInfo, JoinRequest, ReconnectReason, SessionDescription, SyncState, WrappedJoinRequest,
    client_info, wrapped_join_request,
};
use prost::Message;

use crate::limits;

/// URL-safe base64 with or without padding: SDKs do both.
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// The same for the standard alphabet, in which some clients wrap although it needs escaping in a URL.
const STANDARD: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Which path a client came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinPath {
    /// `/rtc`: two peer connections unless it carries a `join_request`.
    V0,
    /// `/rtc/v1`: one peer connection.
    V1,
}

/// How media is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionMode {
    /// A publisher and a subscriber peer connection; the server offers on the latter.
    Dual,
    /// One peer connection; the client always offers.
    Single,
}

/// A join as the session sees it, whichever path it came by.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinParameters {
    /// How media is connected.
    pub mode: ConnectionMode,
    /// What the client says of itself; `client_protocol` and `capabilities` are echoed to the others.
    pub client_info: ClientInfo,
    /// Subscribe to every track. Absent means yes on v0, no on v1.
    pub auto_subscribe: bool,
    /// Subscribe to every data track; absent means as `auto_subscribe` on v0 and no on v1.
    pub auto_subscribe_data_track: bool,
    /// The client will say which size of each video it shows.
    pub adaptive_stream: bool,
    /// Whether the server may pause a subscription when bandwidth is short; `None` leaves it to the server.
    pub subscriber_allow_pause: Option<bool>,
    /// The client asks for a full ICE agent. Ours is always lite; kept for the log.
    pub disable_ice_lite: bool,
    /// Participant metadata; empty means the token's. Needs `canUpdateOwnMetadata`.
    pub metadata: String,
    /// Attributes laid over the token's. Need `canUpdateOwnMetadata`.
    pub attributes: HashMap<String, String>,
    /// Tracks announced with the join (v1).
    pub add_track_requests: Vec<AddTrackRequest>,
    /// The first offer (v1).
    pub publisher_offer: Option<SessionDescription>,
    /// Set when the client wants its session back.
    pub reconnect: Option<Reconnect>,
    /// The v0 parameter `publish`.
    pub publish: String,
}

/// A client that wants its session back.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconnect {
    /// The session's participant id; empty if the client did not say.
    pub participant_sid: String,
    /// Why, by the client.
    pub reason: ReconnectReason,
    /// What the client believes it has (v1; on v0 it follows as a message).
    pub sync_state: Option<SyncState>,
}

/// A parsed query.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinQuery {
    /// `access_token`; the `Authorization` header comes before it.
    pub access_token: Option<String>,
    /// Everything else.
    pub parameters: JoinParameters,
}

/// A query that cannot be read: HTTP 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// `/rtc/v1` without `join_request`.
    #[error("join_request is required")]
    NoJoinRequest,
    /// The query is longer than [`limits::JOIN_QUERY_BYTES`].
    #[error("the query is too long")]
    QueryTooLong,
    /// Not base64.
    #[error("cannot base64 decode the wrapped join request")]
    Base64,
    /// Not a `WrappedJoinRequest`.
    #[error("cannot decode the wrapped join request")]
    Wrapper,
    /// Neither NONE nor GZIP.
    #[error("unknown compression {0} of the join request (NONE = 0 and GZIP = 1 are known)")]
    Compression(i32),
    /// Broken gzip.
    #[error("cannot decompress the join request")]
    Gzip,
    /// More than [`limits::JOIN_REQUEST_BYTES`].
    #[error("join request too large (more than {} bytes)", limits::JOIN_REQUEST_BYTES)]
    TooLarge,
    /// Not a `JoinRequest`.
    #[error("cannot decode the join request")]
    JoinRequest,
    /// `attributes` is not URL-safe base64 of a JSON object of strings.
    #[error("cannot decode attributes")]
    Attributes,
    /// The first offer is no SDP a WebRTC client would send.
    #[error("cannot read publisher_offer: {0}")]
    Offer(String),
    /// A part of the request is beyond its bound.
    #[error("{what} in the join request: more than {limit}")]
    TooMany {
        /// Which part.
        what: &'static str,
        /// Its bound.
        limit: usize,
    },
}

/// Parses the raw (percent-encoded) query of a join; `""` when there is none.
///
/// # Errors
/// See [`JoinError`].
pub fn parse(path: JoinPath, query: &str) -> Result<JoinQuery, JoinError> {
    if query.len() > limits::JOIN_QUERY_BYTES {
        return Err(JoinError::QueryTooLong);
    }
    // The first value of a repeated name counts.
    let mut values: HashMap<String, String> = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        values.entry(name.into_owned()).or_insert_with(|| value.into_owned());
    }
    let access_token = values.remove("access_token").filter(|token| !token.is_empty());
    let parameters = match (values.get("join_request").filter(|packed| !packed.is_empty()), path) {
        (Some(packed), _) => from_join_request(unwrap_join_request(packed)?),
        (None, JoinPath::V1) => return Err(JoinError::NoJoinRequest),
        (None, JoinPath::V0) => from_parameters(&values)?,
    };
    check_bounds(&parameters)?;
    Ok(JoinQuery { access_token, parameters })
}

/// The `access_token` of a query, without looking at the rest: a token is judged before anything else is.
#[must_use]
pub fn access_token(query: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes())
        .find_map(|(name, value)| (name == "access_token" && !value.is_empty()).then(|| value.into_owned()))
}

/// Packs a request as clients do: gzip, then URL-safe base64 (clients and tests).
#[must_use]
pub fn pack_join_request(request: &JoinRequest) -> String {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let plain = request.encode_to_vec();
    let (compression, join_request) = match gzip.write_all(&plain).and_then(|()| gzip.finish()) {
        Ok(packed) => (wrapped_join_request::Compression::Gzip, packed),
        Err(_) => (wrapped_join_request::Compression::None, plain),
    };
    let wrapped = WrappedJoinRequest { compression: compression as i32, join_request };
    base64::engine::general_purpose::URL_SAFE.encode(wrapped.encode_to_vec())
}

fn unwrap_join_request(packed: &str) -> Result<JoinRequest, JoinError> {
    let bytes = URL_SAFE.decode(packed).or_else(|_| STANDARD.decode(packed)).map_err(|_| JoinError::Base64)?;
    let wrapped = WrappedJoinRequest::decode(bytes.as_slice()).map_err(|_| JoinError::Wrapper)?;
    let plain = match wrapped_join_request::Compression::try_from(wrapped.compression) {
        Ok(wrapped_join_request::Compression::None) if wrapped.join_request.len() > limits::JOIN_REQUEST_BYTES => {
            return Err(JoinError::TooLarge);
        }
        Ok(wrapped_join_request::Compression::None) => wrapped.join_request,
        Ok(wrapped_join_request::Compression::Gzip) => inflate(&wrapped.join_request)?,
        Err(_) => return Err(JoinError::Compression(wrapped.compression)),
    };
    JoinRequest::decode(plain.as_slice()).map_err(|_| JoinError::JoinRequest)
}

fn inflate(packed: &[u8]) -> Result<Vec<u8>, JoinError> {
    let mut plain = Vec::new();
    // One byte more than allowed, to tell "just fits" from "goes on".
    let limit = limits::JOIN_REQUEST_BYTES as u64 + 1;
    MultiGzDecoder::new(packed).take(limit).read_to_end(&mut plain).map_err(|_| JoinError::Gzip)?;
    if plain.len() > limits::JOIN_REQUEST_BYTES { Err(JoinError::TooLarge) } else { Ok(plain) }
}

fn from_join_request(request: JoinRequest) -> JoinParameters {
    let settings = request.connection_settings.unwrap_or_default();
    let reason = request.reconnect_reason();
    JoinParameters {
        mode: ConnectionMode::Single,
        client_info: request.client_info.unwrap_or_default(),
        auto_subscribe: settings.auto_subscribe,
        auto_subscribe_data_track: settings.auto_subscribe_data_track.unwrap_or(false),
        adaptive_stream: settings.adaptive_stream,
        subscriber_allow_pause: settings.subscriber_allow_pause,
        disable_ice_lite: settings.disable_ice_lite,
        metadata: request.metadata,
        attributes: request.participant_attributes,
        add_track_requests: request.add_track_requests,
        publisher_offer: request.publisher_offer.filter(|offer| !offer.sdp.is_empty()),
        reconnect: request.reconnect.then_some(Reconnect {
            participant_sid: request.participant_sid,
            reason,
            sync_state: request.sync_state,
        }),
        publish: String::new(),
    }
}

fn from_parameters(values: &HashMap<String, String>) -> Result<JoinParameters, JoinError> {
    let text = |name: &str| values.get(name).map(String::as_str).unwrap_or_default();
    let flag = |name: &str| match text(name) {
        "" => None,
        value => Some(matches!(value, "1" | "true")),
    };
    let auto_subscribe = flag("auto_subscribe").unwrap_or(true);
    let reason = text("reconnect_reason").parse().ok().and_then(|number: i32| number.try_into().ok());
    Ok(JoinParameters {
        mode: ConnectionMode::Dual,
        client_info: client_info(values),
        auto_subscribe,
        auto_subscribe_data_track: flag("auto_subscribe_data_track").unwrap_or(auto_subscribe),
        adaptive_stream: flag("adaptive_stream").unwrap_or(false),
        subscriber_allow_pause: flag("subscriber_allow_pause"),
        disable_ice_lite: flag("disable_ice_lite").unwrap_or(false),
        metadata: String::new(),
        attributes: attributes(text("attributes"))?,
        add_track_requests: Vec::new(),
        publisher_offer: None,
        reconnect: flag("reconnect").unwrap_or(false).then(|| Reconnect {
            participant_sid: text("sid").to_owned(),
            reason: reason.unwrap_or(ReconnectReason::RrUnknown),
            sync_state: None,
        }),
        publish: text("publish").to_owned(),
    })
}

fn client_info(values: &HashMap<String, String>) -> ClientInfo {
    let text = |name: &str| values.get(name).cloned().unwrap_or_default();
    let number = |name: &str| values.get(name).and_then(|value| value.parse().ok()).unwrap_or_default();
    ClientInfo {
        sdk: sdk(&text("sdk")) as i32,
        version: text("version"),
        protocol: number("protocol"),
        os: text("os"),
        os_version: text("os_version"),
        device_model: text("device_model"),
        browser: text("browser"),
        browser_version: text("browser_version"),
        network: text("network"),
        client_protocol: number("client_protocol"),
        capabilities: text("capabilities")
            .split(',')
            .filter_map(|name| client_info::Capability::from_str_name(name.trim()))
            .map(|capability| capability as i32)
            .collect(),
        ..ClientInfo::default()
    }
}

fn sdk(name: &str) -> client_info::Sdk {
    match name {
        "ios" => client_info::Sdk::Swift,
        "reactnative" => client_info::Sdk::ReactNative,
        "unityweb" => client_info::Sdk::UnityWeb,
        other => client_info::Sdk::from_str_name(&other.to_ascii_uppercase()).unwrap_or(client_info::Sdk::Unknown),
    }
}

fn attributes(packed: &str) -> Result<HashMap<String, String>, JoinError> {
    if packed.is_empty() {
        return Ok(HashMap::new());
    }
    let json = URL_SAFE.decode(packed).or_else(|_| STANDARD.decode(packed)).map_err(|_| JoinError::Attributes)?;
    serde_json::from_slice(&json).map_err(|_| JoinError::Attributes)
}

fn check_bounds(parameters: &JoinParameters) -> Result<(), JoinError> {
    let attributes = parameters.attributes.iter().map(|(key, value)| key.len() + value.len()).sum();
    let offer = parameters.publisher_offer.as_ref().map_or(0, |offer| offer.sdp.len());
    for (what, size, limit) in [
        ("bytes of metadata", parameters.metadata.len(), limits::METADATA_BYTES),
        ("bytes of attributes", attributes, limits::ATTRIBUTES_BYTES),
        ("attributes", parameters.attributes.len(), limits::ATTRIBUTES_COUNT),
        ("bytes of publisher offer", offer, limits::SDP_BYTES),
        ("announced tracks", parameters.add_track_requests.len(), limits::JOIN_TRACKS),
    ] {
        if size > limit {
            return Err(JoinError::TooMany { what, limit });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
