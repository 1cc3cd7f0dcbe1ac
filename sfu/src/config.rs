//! What a media node needs to know before it starts: addresses, keys, limits, where to report.
//!
//! In: values from the binary's configuration, already read. Out: plain data. It reads neither files nor environment.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::api::HttpCall;

/// One API key and what its holder may rely on.
#[derive(Clone)]
pub struct ApiKey {
    pub key: String,
    pub secret: String,
    /// A join with a token of this key creates a room that does not exist yet. The internal key's rooms are created by the
    /// control plane alone, so that a room it has deleted does not come back.
    pub auto_create_rooms: bool,
}

/// Where webhooks go. Each target gets every event, in the order of each room.
#[derive(Clone)]
pub struct WebhookTarget {
    pub url: String,
    /// `None`: over the network. Otherwise straight into a router of this process, with the same signed request.
    pub call: Option<Arc<dyn HttpCall>>,
    /// Signs the event (`iss` of its token).
    pub key: String,
    pub secret: String,
}

/// The control plane that hears our heartbeat.
#[derive(Clone)]
pub struct ControlPlane {
    /// Base URL without a path, for example `http://127.0.0.1:7880`.
    pub url: String,
    /// As in [`WebhookTarget::call`].
    pub call: Option<Arc<dyn HttpCall>>,
    /// The internal key.
    pub key: String,
    pub secret: String,
    /// What browsers connect to (`ws://` or `wss://`), if the node has an address of its own.
    pub public_url: String,
    /// Where the control plane reaches RoomService.
    pub api_url: String,
}

/// Bounds of one node. Every one is there so that a flood costs a known amount of memory.
#[derive(Clone, Debug)]
pub struct Limits {
    pub rooms: usize,
    /// Participants of one room; a room's own `max_participants` may be lower.
    pub participants_per_room: usize,
    /// Open signaling sockets of the whole node.
    pub sockets: usize,
    /// Tracks that one participant may publish.
    pub tracks_per_participant: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rooms: 10_000, participants_per_room: 1_000, sockets: 15_000, tracks_per_participant: 32 }
    }
}

/// How long a room waits for people.
#[derive(Clone, Copy, Debug)]
pub struct RoomTimeouts {
    /// A room that nobody ever joined ends after this.
    pub empty: Duration,
    /// A room that everybody left ends after this.
    pub departure: Duration,
}

impl Default for RoomTimeouts {
    fn default() -> Self {
        Self { empty: Duration::from_secs(300), departure: Duration::from_secs(20) }
    }
}

/// The whole configuration of a node.
#[derive(Clone)]
pub struct NodeConfig {
    /// `ND_…`; empty: made up at start.
    pub node_id: String,
    pub region: String,
    /// Worker threads, each with its own UDP port from `udp_port` on.
    pub workers: usize,
    pub udp_port: u16,
    pub bind: IpAddr,
    /// Addresses to put into candidates; empty: every address of the machine that is up.
    pub advertise_ips: Vec<IpAddr>,
    pub keys: Vec<ApiKey>,
    pub webhooks: Vec<WebhookTarget>,
    pub control_plane: Option<ControlPlane>,
    pub timeouts: RoomTimeouts,
    pub limits: Limits,
    /// RoomService may unmute a participant's track.
    pub remote_unmute: bool,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            node_id: String::new(),
            region: String::new(),
            workers: 1,
            udp_port: 7882,
            bind: IpAddr::from([0, 0, 0, 0]),
            advertise_ips: Vec::new(),
            keys: Vec::new(),
            webhooks: Vec::new(),
            control_plane: None,
            timeouts: RoomTimeouts::default(),
            limits: Limits::default(),
            remote_unmute: false,
        }
    }
}
