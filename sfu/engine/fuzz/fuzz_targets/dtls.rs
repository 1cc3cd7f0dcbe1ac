//! `cargo fuzz run dtls`: see `sfu_engine::sim::fuzzing::dtls`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sfu_engine::sim::fuzzing::dtls(bytes));
