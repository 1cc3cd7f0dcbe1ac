//! Settings of listening to events, and of presence.

use serde::Deserialize;

/// Bounds and timing of listening to events.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RealtimeSettings {
    /// Sockets and streams of the process. Default 10000.
    pub max_sockets: usize,
    /// Of one person. Default 20.
    pub max_sockets_per_user: usize,
    /// Of one guest. Default 5.
    pub max_sockets_per_guest: usize,
    /// Of one address; a school or an office behind one address must get in. Default 2000.
    pub max_sockets_per_address: usize,
    /// Events that wait for one slow reader before it is closed. Default 256.
    pub queue_frames: usize,
    /// Frames a client may send in a minute; half of them at once. Default 120.
    pub frames_per_minute: u32,
    /// Seconds between pings. Default 25.
    pub ping_every_s: u64,
    /// Seconds of silence after which a socket is closed. Default 75.
    pub idle_timeout_s: u64,
    /// Seconds between looks at the rights of a socket. Default 30.
    pub recheck_every_s: u64,
    /// Milliseconds between looks into the event log when nobody says that there is something. Default 1000.
    pub poll_ms: u64,
    /// Seconds a ticket lives. Default 30.
    pub ticket_ttl_s: u64,
    /// Seconds after which the presence a dead replica spoke of is over. Default 75.
    pub presence_ttl_s: u64,
    /// Milliseconds somebody counts as present after their last socket closed. Default 5000.
    pub presence_linger_ms: u64,
}

impl Default for RealtimeSettings {
    fn default() -> Self {
        Self {
            max_sockets: 10_000,
            max_sockets_per_user: 20,
            max_sockets_per_guest: 5,
            max_sockets_per_address: 2_000,
            queue_frames: 256,
            frames_per_minute: 120,
            ping_every_s: 25,
            idle_timeout_s: 75,
            recheck_every_s: 30,
            poll_ms: 1_000,
            ticket_ttl_s: 30,
            presence_ttl_s: 75,
            presence_linger_ms: 5_000,
        }
    }
}
