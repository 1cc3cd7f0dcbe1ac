//! `cargo fuzz run stun`: see `sfu_engine::sim::fuzzing::stun`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sfu_engine::sim::fuzzing::stun(bytes));
