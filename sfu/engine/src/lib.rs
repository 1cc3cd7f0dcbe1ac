//! The media engine of a Plenum node, without I/O: datagrams, time and commands come in, datagrams and events go out.
//!
//! It owns no socket, clock, thread or source of randomness; all of them are arguments. That makes a whole SFU with lossy
//! links a deterministic simulation.
//!
//! The way of a datagram, which is also the order of the modules:
//!
//! 1. [`demux`]: its class (RFC 7983) and the transport that it belongs to.
//! 2. [`transport`]: STUN answered, DTLS and SCTP driven, SRTP opened in place.
//! 3. [`rtp`]: header, sequence, loss, jitter, feedback; [`codec`]: keyframe, layer.
//! 4. [`route`]: who subscribes to it.
//! 5. [`forward`]: one subscription: layer chosen, header rewritten, written into the destination's [`run`].
//!
//! The [`Engine`] carries packets from one to the next; [`api`] is what it says to rooms and hears from them.

pub mod api;
pub mod codec;
pub mod demux;
mod engine;
pub mod forward;
pub mod route;
pub mod rtp;
pub mod run;
pub mod sdp;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod transport;

pub use engine::{Engine, EngineConfig, Figures, Transmit};
