//! What forwarding costs before encryption and sending: `cargo bench -p sfu-engine --bench forward`.
//!
//! Prints nanoseconds per forwarded packet for different numbers of subscriptions, receiving, caching and feedback
//! included: CPU time, where the system tells it, so that a busy machine does not spoil the figures.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::print_stdout, reason = "its result")]

#[path = "../tests/support/load.rs"]
mod load;

use std::time::Duration;
use std::time::Instant;

use load::Load;

/// CPU time of this process (Linux), else the time since `origin`.
fn spent(origin: Instant) -> Duration {
    let schedstat = std::fs::read_to_string("/proc/self/schedstat").ok();
    let on_cpu = schedstat.and_then(|text| text.split(' ').next()?.parse().ok());
    on_cpu.map_or_else(|| origin.elapsed(), Duration::from_nanos)
}

fn main() {
    let origin = Instant::now();
    for subscribers in [1, 10, 100, 1_000] {
        let mut load = Load::new(subscribers, false);
        load.run(60);
        let (forwarded, received) = (load.forwarded, load.received);
        let frames = u64::from((20_000 / subscribers).clamp(60, 2_000));
        let start = spent(origin);
        load.run(frames);
        let elapsed = spent(origin) - start;
        let packets = load.forwarded - forwarded;
        println!(
            "{subscribers:>5} subscribers: {:>6.1} ns per forwarded packet ({packets} packets for {} received)",
            elapsed.as_nanos() as f64 / packets as f64,
            load.received - received,
        );
    }
}
