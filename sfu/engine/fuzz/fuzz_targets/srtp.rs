//! `cargo fuzz run srtp`: see `sfu_engine::sim::fuzzing::srtp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sfu_engine::sim::fuzzing::srtp(bytes));
