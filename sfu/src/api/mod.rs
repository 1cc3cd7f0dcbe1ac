//! What servers say to the node and hear from it: RoomService in, webhooks out.

mod http_call;
mod room_service;
pub mod webhooks;

pub use http_call::NetworkCall;
pub use signaling_proto::call::HttpCall;

pub(crate) use room_service::router;
