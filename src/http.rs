//! HTTP in front of both halves: sockets, TLS, and what belongs to neither half.
//!
//! In the order a connection meets them:
//!
//! 1. [`listener`]: bind, accept.
//! 2. [`gate`]: who may connect; how many wait; who is closed when it gets crowded.
//! 3. [`connection`]: TLS by [`tls`], HTTP/1 and HTTP/2 with time limits, upgrades; [`too_long`] explains its own refusals.
//! 4. [`layers`]: what every request and answer gets: security headers, traces, counters.
//! 5. [`health`], [`metrics`], [`web_app`]: answers of the binary itself.

pub(crate) mod connection;
pub(crate) mod gate;
pub(crate) mod health;
pub(crate) mod layers;
pub(crate) mod listener;
pub(crate) mod metrics;
pub(crate) mod tls;
pub(crate) mod too_long;
pub(crate) mod web_app;
