//! `cargo fuzz run rtp`: see `sfu_engine::sim::fuzzing::rtp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sfu_engine::sim::fuzzing::rtp(bytes));
