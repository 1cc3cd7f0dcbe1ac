//! `cargo fuzz run sctp`: see `sfu_engine::sim::fuzzing::sctp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sfu_engine::sim::fuzzing::sctp(bytes));
