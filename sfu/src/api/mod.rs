//! What servers say to the node and hear from it: RoomService in, webhooks out.

mod http_call;
mod room_service;
pub mod webhooks;

pub use http_call::HttpCall;
pub use http_call::HttpCallError;
pub use http_call::HttpCallFuture;
pub use http_call::NetworkCall;
pub use http_call::RouterCall;

pub(crate) use room_service::router;
