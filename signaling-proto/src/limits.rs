//! Every bound of the contract, in one place. Byte counts unless the name says otherwise.
//!
//! Both halves use these; a setting may lower a bound, nothing raises it.

use std::time::Duration;

/// Longest participant identity, participant name or room name.
pub const NAME_BYTES: usize = 256;
/// Longest metadata of a participant or of a room.
pub const METADATA_BYTES: usize = 512 * 1024;
/// Longest sum of keys and values of a participant's attributes.
pub const ATTRIBUTES_BYTES: usize = 64 * 1024;
/// Most attributes of a participant: the byte limit alone would allow 64,000 empty ones.
pub const ATTRIBUTES_COUNT: usize = 256;

/// Longest signal message from a client, also after inflating.
pub const FRAME_BYTES: usize = 2 * 1024 * 1024;
/// Longest `JoinRequest` after inflating.
pub const JOIN_REQUEST_BYTES: usize = 1024 * 1024;
/// Longest query of a join: base64 of a `JoinRequest` that was not compressed, and a token.
pub const JOIN_QUERY_BYTES: usize = 2 * JOIN_REQUEST_BYTES;
/// Longest session description.
pub const SDP_BYTES: usize = 256 * 1024;
/// Longest trickled candidate (its JSON).
pub const CANDIDATE_BYTES: usize = 4 * 1024;
/// Most tracks that a join may announce in `add_track_requests`.
pub const JOIN_TRACKS: usize = 64;
/// Most track ids in one subscription or track-setting message.
pub const TRACKS_PER_MESSAGE: usize = 4096;
/// Longest data packet; client SDKs stop at 64,000 bytes of payload.
pub const DATA_PACKET_BYTES: usize = 65_535;

/// Longest join token, long enough for full metadata and attributes in base64.
pub const TOKEN_BYTES: usize = 1024 * 1024;
/// How far two clocks may differ: added to `exp`, taken from `nbf` and `iat`.
pub const TOKEN_LEEWAY: Duration = Duration::from_secs(60);
/// Shortest life of a refreshed token.
pub const REFRESH_TOKEN_TTL: Duration = Duration::from_secs(10 * 60);
/// How often a session gets a refreshed token when nothing else causes one.
pub const REFRESH_TOKEN_INTERVAL: Duration = Duration::from_secs(5 * 60);
/// Life of a join token that the control plane mints.
pub const JOIN_TOKEN_TTL: Duration = Duration::from_secs(60);
/// Life of a token that signs one call of the server API.
pub const CALL_TOKEN_TTL: Duration = Duration::from_secs(60);

/// Longest body of a Twirp call or of its answer.
pub const TWIRP_BODY_BYTES: usize = 10 * 1024 * 1024;
/// Longest webhook body.
pub const WEBHOOK_BODY_BYTES: usize = 2 * 1024 * 1024;
/// Life of a webhook's signature.
pub const WEBHOOK_TTL: Duration = Duration::from_secs(5 * 60);
/// Longest heartbeat body.
pub const HEARTBEAT_BODY_BYTES: usize = 64 * 1024;
/// Rooms of which one heartbeat tells the quality: 32 KiB at most.
pub const HEARTBEAT_ROOMS: usize = 256;
/// Longest sid of a room in a heartbeat; ours have 15 bytes.
pub const SID_BYTES: usize = 64;
/// Life of a heartbeat's signature.
pub const HEARTBEAT_TTL: Duration = Duration::from_secs(60);
/// How often a node reports.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(2);
/// Silence after which a node counts as down.
pub const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(6);

/// What the server tells clients about signal pings. An interval of 0 stops the Rust SDK's signal task.
pub const PING_INTERVAL: Duration = Duration::from_secs(5);
/// Silence after which a client gives the connection up.
pub const PING_TIMEOUT: Duration = Duration::from_secs(15);
