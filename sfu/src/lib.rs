//! The media node of Plenum: sockets, workers, rooms, signaling and the server API.
//!
//! The way of a join, which is also the order of the modules:
//!
//! 1. [`signal`]: the request is judged (token, query, room), then the WebSocket session runs.
//! 2. [`room`]: one task per room owns the truth and answers.
//! 3. [`worker`]: one thread per core owns a UDP port and an engine; rooms send it commands, it sends them events.
//!    [`net`] is its socket.
//! 4. [`api`]: RoomService for servers, webhooks to them; [`cluster`]: the heartbeat.
//!
//! [`node`] starts and ends it all; [`config`] says how.

pub mod api;
mod cluster;
pub mod config;

pub mod net;
mod node;
mod revocations;
mod room;
mod signal;
pub mod worker;

pub use config::ApiKey;
pub use config::ControlPlane;
pub use config::Limits;
pub use config::NodeConfig;
pub use config::RoomTimeouts;
pub use config::WebhookTarget;
pub use node::Node;
pub use node::NodeCounters;
pub use node::NodeError;
