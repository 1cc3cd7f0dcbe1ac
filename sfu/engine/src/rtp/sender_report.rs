//! How the RTP timestamps of a stream relate to its publisher's wall clock, learned from sender reports (RFC 3550 §6.4.1).
//!
//! One [`SenderClock`] per layer of a publication. It places timestamps of different layers on one timeline when a
//! subscription switches, and yields the sender reports that we send. Those carry **the publisher's** NTP time, carried
//! on by our clock since the report arrived, not ours: audio and video of one publisher then keep the relation that the
//! publisher gave them even when their reports come seconds apart, nothing has to be shared between its streams, and
//! `abs-capture-time`, which we pass on untouched, stays in the same timeline. Round-trip times do not suffer: they are
//! taken from when we sent a report, not from what it said (see [`crate::forward`]).

use std::time::Duration;
use std::time::Instant;

use crate::api::MAX_LAYERS;
use crate::rtp::sequence::timestamp_distance;

/// NTP time as in a sender report: seconds since 1900 in the upper half, fractions of 2⁻³² s in the lower.
pub type NtpTime = u64;

/// A duration in NTP units.
pub const fn duration_to_ntp(duration: Duration) -> NtpTime {
    (duration.as_secs() << 32) | (((duration.subsec_nanos() as u64) << 32) / 1_000_000_000)
}

/// The middle 32 bits: what report blocks carry as LSR and DLSR (units of 2⁻¹⁶ s).
pub const fn compact_ntp(ntp: NtpTime) -> u32 {
    (ntp >> 16) as u32
}

/// A compact NTP difference as a duration.
pub const fn compact_to_duration(compact: u32) -> Duration {
    Duration::from_nanos((compact as u64 * 1_000_000_000) >> 16)
}

/// Clock ticks at `rate` Hz in a duration.
pub const fn duration_to_ticks(duration: Duration, rate: u32) -> u64 {
    duration.as_secs() * rate as u64 + (duration.subsec_nanos() as u64 * rate as u64) / 1_000_000_000
}

/// Clock ticks at `rate` Hz in a signed NTP difference.
pub const fn ntp_to_ticks(difference: i64, rate: u32) -> i64 {
    ((difference as i128 * rate as i128) >> 32) as i64
}

/// One sender report: at publisher time `ntp` the stream's timestamp was `rtp`; we heard of it at `arrival`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderClock {
    pub ntp: NtpTime,
    pub rtp: u32,
    pub arrival: Instant,
}

impl SenderClock {
    /// The publisher's time at a timestamp near the report, in NTP units.
    pub fn ntp_at(&self, timestamp: u32, rate: u32) -> NtpTime {
        let ticks = i128::from(timestamp_distance(self.rtp, timestamp));
        self.ntp.wrapping_add_signed(((ticks << 32) / i128::from(rate.max(1))) as i64)
    }

    /// The timestamp at a publisher time near the report.
    pub fn timestamp_at(&self, ntp: NtpTime, rate: u32) -> u32 {
        self.rtp.wrapping_add(ntp_to_ticks(ntp.wrapping_sub(self.ntp) as i64, rate) as u32)
    }

    /// Publisher's time and timestamp now, carried on by our clock since the report.
    pub fn at(&self, now: Instant, rate: u32) -> (NtpTime, u32) {
        let elapsed = now.saturating_duration_since(self.arrival);
        let ticks = duration_to_ticks(elapsed, rate) as u32;
        (self.ntp.wrapping_add(duration_to_ntp(elapsed)), self.rtp.wrapping_add(ticks))
    }
}

/// The sender clocks of a publication's layers, by layer index; `None` before the first report of the layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerClocks {
    clocks: [Option<SenderClock>; MAX_LAYERS],
}

impl LayerClocks {
    pub const fn new() -> Self {
        Self { clocks: [None; MAX_LAYERS] }
    }

    pub fn set(&mut self, layer: u8, clock: SenderClock) {
        if let Some(slot) = self.clocks.get_mut(usize::from(layer)) {
            *slot = Some(clock);
        }
    }

    /// Forgets a layer whose source changed.
    pub fn clear(&mut self, layer: u8) {
        if let Some(slot) = self.clocks.get_mut(usize::from(layer)) {
            *slot = None;
        }
    }

    pub fn get(&self, layer: u8) -> Option<SenderClock> {
        self.clocks.get(usize::from(layer)).copied().flatten()
    }
}
