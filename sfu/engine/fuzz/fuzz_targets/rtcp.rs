//! `cargo fuzz run rtcp`: see `sfu_engine::sim::fuzzing::rtcp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sfu_engine::sim::fuzzing::rtcp(bytes));
