//! Whole-product tests: each starts the real binary on free ports with a folder of its own and talks to it as a stranger
//! would. One test binary, so that it is linked once.

#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where it fails")]

mod api;
mod command_line;
mod flood;
mod lifecycle;
mod nodes;
mod replicas;
mod server;
mod split;
mod tokens;
