//! `cargo fuzz run sdp`: see `sfu_engine::sim::fuzzing::sdp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sfu_engine::sim::fuzzing::sdp(bytes));
