//! Simulated participants, links and clocks: a whole SFU with bad networks as a deterministic test.
//!
//! In: an [`Engine`](crate), a seed. Out: what a participant would have seen. Must not: be compiled into a node (feature
//! `sim`), or use anything random that does not come from the seed.

pub mod client;
pub mod dice;
pub mod fuzzing;
pub mod network;
pub mod prober;
pub mod sctp_client;
pub mod sink;
pub mod source;
pub mod world;

use std::time::Instant;

/// Where virtual time begins. The only reading of a clock: an [`Instant`] cannot be made otherwise, and nothing depends
/// on its value.
#[expect(clippy::disallowed_methods, reason = "an Instant has no constructor; only differences from this one matter")]
pub fn epoch() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests;
