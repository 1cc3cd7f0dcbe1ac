//! Identifiers and the constants a server introduces itself with.
//!
//! Client SDKs test the prefixes `PA` and `TR`; the rest of an id is 12 random alphanumerics.

use livekit_protocol::{ServerInfo, TrackSource, TrackType};
use rand::RngExt;
use rand::distr::Alphanumeric;

/// Random characters after the prefix: 62^12 ≈ 3 · 10^21 values.
const RANDOM_CHARS: usize = 12;

/// The LiveKit version we answer with. Below 1.8.0 SDKs turn RPC off; above 1.13.6 they expect rid simulcast for VP9.
pub const SERVER_VERSION: &str = "1.13.3";
/// The signaling protocol we speak. 18 would mean pre-negotiated data channels.
pub const SERVER_PROTOCOL: i32 = 17;
/// The agent worker protocol.
pub const AGENT_PROTOCOL: i32 = 1;

/// A room's session id, `RM_…`: a room that ends and starts anew gets another.
#[must_use]
pub fn room_sid() -> String {
    with_prefix("RM_")
}

/// A participant's session id, `PA_…`.
#[must_use]
pub fn participant_sid() -> String {
    with_prefix("PA_")
}

/// A media node's id, `ND_…`.
#[must_use]
pub fn node_id() -> String {
    with_prefix("ND_")
}

/// A webhook's id, `EV_…`: the same on every retry.
#[must_use]
pub fn event_id() -> String {
    with_prefix("EV_")
}

/// A track's id: `TR_`, then `A` or `V` by type and `C`, `M`, `S` or `s` by source where it is known.
#[must_use]
pub fn track_sid(kind: TrackType, source: TrackSource) -> String {
    let kind = match kind {
        TrackType::Audio => "A",
        TrackType::Video => "V",
        TrackType::Data => "D",
    };
    let source = match source {
        TrackSource::Camera => "C",
        TrackSource::Microphone => "M",
        TrackSource::ScreenShare => "S",
        TrackSource::ScreenShareAudio => "s",
        TrackSource::Unknown => "",
    };
    with_prefix(&format!("TR_{kind}{source}"))
}

/// How a node introduces itself in `JoinResponse` and `ReconnectResponse`.
#[must_use]
pub fn server_info(node_id: &str, region: &str) -> ServerInfo {
    ServerInfo {
        version: SERVER_VERSION.to_owned(),
        protocol: SERVER_PROTOCOL,
        region: region.to_owned(),
        node_id: node_id.to_owned(),
        agent_protocol: AGENT_PROTOCOL,
        ..ServerInfo::default()
    }
}

fn with_prefix(prefix: &str) -> String {
    let mut id = String::with_capacity(prefix.len() + RANDOM_CHARS);
    id.push_str(prefix);
    id.extend(rand::rng().sample_iter(Alphanumeric).take(RANDOM_CHARS).map(char::from));
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_its_prefix_and_twelve_alphanumerics() {
        for (id, prefix) in [
            (room_sid(), "RM_"),
            (participant_sid(), "PA_"),
            (node_id(), "ND_"),
            (event_id(), "EV_"),
            (track_sid(TrackType::Audio, TrackSource::Microphone), "TR_AM"),
            (track_sid(TrackType::Video, TrackSource::Camera), "TR_VC"),
            (track_sid(TrackType::Video, TrackSource::ScreenShare), "TR_VS"),
            (track_sid(TrackType::Audio, TrackSource::ScreenShareAudio), "TR_As"),
            (track_sid(TrackType::Video, TrackSource::Unknown), "TR_V"),
        ] {
            let rest = id.strip_prefix(prefix).expect("prefix");
            assert_eq!(rest.len(), RANDOM_CHARS, "{id}");
            assert!(rest.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        }
        assert_ne!(room_sid(), room_sid());
    }
}
