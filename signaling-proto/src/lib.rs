//! The contract: everything a client, a media node and the control plane say to each other.
//!
//! In the order a participant meets it:
//!
//! 1. [`token`]: what a join token may say, how it is signed and verified.
//! 2. [`join`]: the query of `/rtc` and `/rtc/v1` → one [`join::JoinParameters`].
//! 3. [`codec`]: WebSocket frames ↔ `SignalRequest` and `SignalResponse`.
//! 4. [`server_api`]: RoomService over Twirp, in protobuf and in JSON; [`call`] is its client.
//! 5. [`webhook`]: what a media node reports; [`heartbeat`]: our one extension, how it registers.
//!
//! [`limits`] names every bound, [`ids`] makes every identifier, [`proto`] is the message types.
//!
//! This crate opens no socket and keeps no state. It knows neither the media node nor the control plane, so that either
//! can be replaced by another implementation of the same contract.

mod body_signature;
pub mod call;
pub mod codec;
pub mod error;
pub mod heartbeat;
pub mod ids;
pub mod join;
pub mod limits;
pub mod operator;
pub mod protojson;
pub mod server_api;
pub mod token;
pub mod webhook;

pub use livekit_protocol as proto;
pub use prost::Message;

/// Seconds since the Unix epoch by the system clock; 0 if the clock stands before 1970.
#[must_use]
pub fn unix_now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
