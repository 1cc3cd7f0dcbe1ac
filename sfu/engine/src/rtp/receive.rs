//! One inbound stream (one SSRC): order, loss, jitter, and what its receiver reports say (RFC 3550 §6.4.1, A.3, A.8).
//!
//! Authenticated packets and the publisher's sender reports come in. Extended sequence numbers, report blocks, requests
//! for missing packets and figures go out.

use std::time::Duration;
use std::time::Instant;

use crate::api::LayerStats;
use crate::rtp::nack::NackBatch;
use crate::rtp::nack::NackGenerator;
use crate::rtp::rtcp::ReportBlock;
use crate::rtp::rtcp::SenderInfo;
use crate::rtp::sender_report::SenderClock;
use crate::rtp::sender_report::compact_ntp;
use crate::rtp::sender_report::duration_to_ntp;
use crate::rtp::sender_report::duration_to_ticks;
use crate::rtp::sequence::Unwrapper;
use crate::rtp::sequence::timestamp_distance;

/// Packets of which we remember whether they came: older ones count as duplicates.
pub const WINDOW: u64 = 1_024;
/// A jump ahead by more is a source that started over, if the next packet agrees (RFC 3550 A.1: MAX_DROPOUT).
const MAX_JUMP: u64 = 3_000;

/// What a packet is to its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The newest so far.
    Newest { ext_seq: u64 },
    /// Older than the newest, and not seen before: late, or repaired.
    Late { ext_seq: u64 },
    /// Seen before, or too old to tell: to be dropped.
    Duplicate,
    /// Far from everything before: to be dropped unless the next one continues it.
    Stray,
}

impl Arrival {
    /// The number of a packet that is to be used.
    pub const fn ext_seq(self) -> Option<u64> {
        match self {
            Self::Newest { ext_seq } | Self::Late { ext_seq } => Some(ext_seq),
            Self::Duplicate | Self::Stray => None,
        }
    }
}

/// One bit per packet of the newest [`WINDOW`].
#[derive(Clone, Debug)]
struct Seen {
    bits: [u64; WINDOW as usize / 64],
}

impl Seen {
    fn word(&mut self, ext_seq: u64) -> Option<&mut u64> {
        self.bits.get_mut((ext_seq / 64 % (WINDOW / 64)) as usize)
    }

    /// Sets the bit; `false` if it was set.
    fn insert(&mut self, ext_seq: u64) -> bool {
        let bit = 1 << (ext_seq % 64);
        let Some(word) = self.word(ext_seq) else { return false };
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }

    /// The window moves on: the numbers after `from` up to `to` have not been seen.
    fn advance(&mut self, from: u64, to: u64) {
        if to - from >= WINDOW {
            self.bits = [0; WINDOW as usize / 64];
            return;
        }
        for ext_seq in from + 1..=to {
            if let Some(word) = self.word(ext_seq) {
                *word &= !(1 << (ext_seq % 64));
            }
        }
    }
}

/// Figures since some moment.
#[derive(Clone, Copy, Debug, Default)]
struct Interval {
    expected: u64,
    received: u64,
}

/// Receive state of one SSRC.
#[derive(Clone, Debug)]
pub struct InboundStream {
    ssrc: u32,
    clock_rate: u32,
    unwrapper: Unwrapper,
    first: Option<u64>,
    seen: Seen,
    stray: Option<u16>,
    /// Everything unique, with repairs.
    received: u64,
    /// Of these, what came as repair.
    repaired: u64,
    duplicates: u64,
    /// Numbers that a restart of the source jumped over.
    jumped: u64,
    bytes: u64,
    /// Last packet's arrival and timestamp, for the jitter.
    last: Option<(Instant, u32)>,
    /// In 16ths of a timestamp unit.
    jitter: u32,
    sender: Option<SenderClock>,
    reported: Interval,
    told: Told,
    nack: Option<NackGenerator>,
}

/// Totals at the last [`InboundStream::take_stats`].
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    packets: u64,
    bytes: u64,
    lost: u64,
    repaired: u64,
}

impl InboundStream {
    /// `nack`: repair was negotiated for this stream.
    pub fn new(ssrc: u32, clock_rate: u32, nack: bool) -> Self {
        Self {
            ssrc,
            clock_rate,
            unwrapper: Unwrapper::new(),
            first: None,
            seen: Seen { bits: [0; WINDOW as usize / 64] },
            stray: None,
            received: 0,
            repaired: 0,
            duplicates: 0,
            jumped: 0,
            bytes: 0,
            last: None,
            jitter: 0,
            sender: None,
            reported: Interval::default(),
            told: Told::default(),
            nack: nack.then(NackGenerator::new),
        }
    }

    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Last arrival of a packet on this SSRC: what [`LayerStats::active`] goes by.
    pub fn last_arrival(&self) -> Option<Instant> {
        self.last.map(|(at, _)| at)
    }

    /// A packet of this SSRC; `len` counts what the network carried for it.
    pub fn on_packet(&mut self, now: Instant, sequence: u16, timestamp: u32, len: usize) -> Arrival {
        let arrival = self.place(now, sequence);
        if arrival.ext_seq().is_some() {
            self.received += 1;
            self.bytes += len as u64;
        }
        if matches!(arrival, Arrival::Newest { .. }) {
            self.update_jitter(now, timestamp);
        }
        arrival
    }

    /// A packet that came back by the repair stream, under its original number. It never makes the stream advance: a
    /// repair of something newer than all that came is strange.
    pub fn on_repaired(&mut self, original_sequence: u16, len: usize) -> Arrival {
        let Some((ext_seq, highest)) = self.unwrapper.peek(original_sequence).zip(self.unwrapper.highest()) else {
            return Arrival::Stray;
        };
        if ext_seq > highest {
            return Arrival::Stray;
        }
        let arrival = self.place_late(ext_seq, highest);
        if arrival.ext_seq().is_some() {
            self.received += 1;
            self.repaired += 1;
            self.bytes += len as u64;
        }
        arrival
    }

    fn place(&mut self, now: Instant, sequence: u16) -> Arrival {
        let Some((ext_seq, highest)) = self.unwrapper.peek(sequence).zip(self.unwrapper.highest()) else {
            let ext_seq = self.unwrapper.unwrap(sequence);
            self.first = Some(ext_seq);
            return self.place_newest(now, ext_seq, ext_seq);
        };
        if ext_seq > highest + MAX_JUMP || ext_seq + MAX_JUMP < highest {
            return self.place_stray(sequence, highest);
        }
        self.stray = None;
        if ext_seq <= highest {
            return self.place_late(ext_seq, highest);
        }
        self.unwrapper.unwrap(sequence);
        self.place_newest(now, ext_seq, highest)
    }

    fn place_newest(&mut self, now: Instant, ext_seq: u64, highest: u64) -> Arrival {
        self.seen.advance(highest, ext_seq);
        self.seen.insert(ext_seq);
        if let Some(nack) = &mut self.nack {
            nack.on_newest(now, ext_seq);
        }
        Arrival::Newest { ext_seq }
    }

    fn place_late(&mut self, ext_seq: u64, highest: u64) -> Arrival {
        if highest - ext_seq >= WINDOW || !self.seen.insert(ext_seq) {
            self.duplicates += 1;
            return Arrival::Duplicate;
        }
        if let Some(nack) = &mut self.nack {
            nack.on_late(ext_seq);
        }
        // Numbers before the first packet came too, once they come.
        self.first = self.first.map(|first| first.min(ext_seq));
        Arrival::Late { ext_seq }
    }

    /// Two consecutive packets far away: the source started over there.
    fn place_stray(&mut self, sequence: u16, highest: u64) -> Arrival {
        if self.stray.replace(sequence.wrapping_add(1)) != Some(sequence) {
            return Arrival::Stray;
        }
        self.stray = None;
        let ext_seq = self.unwrapper.restart(sequence);
        self.jumped += ext_seq - highest - 1;
        self.seen.bits = [0; WINDOW as usize / 64];
        self.seen.insert(ext_seq);
        self.last = None;
        if let Some(nack) = &mut self.nack {
            nack.reset(ext_seq);
        }
        Arrival::Newest { ext_seq }
    }

    /// RFC 3550 A.8, in integers.
    fn update_jitter(&mut self, now: Instant, timestamp: u32) {
        if let Some((last_at, last_timestamp)) = self.last
            && last_timestamp != timestamp
        {
            let elapsed = duration_to_ticks(now.saturating_duration_since(last_at), self.clock_rate);
            let transit = (elapsed as i64 - i64::from(timestamp_distance(last_timestamp, timestamp))).unsigned_abs();
            // A pause of the source is no jitter.
            if transit < u64::from(self.clock_rate) {
                self.jitter = self.jitter + transit as u32 - ((self.jitter + 8) >> 4);
            }
        }
        if self.last.is_none_or(|(_, last)| last != timestamp) {
            self.last = Some((now, timestamp));
        }
    }

    /// A sender report of this SSRC.
    pub fn on_sender_report(&mut self, now: Instant, info: &SenderInfo) -> SenderClock {
        let clock = SenderClock { ntp: info.ntp, rtp: info.rtp, arrival: now };
        self.sender = Some(clock);
        clock
    }

    fn expected(&self) -> u64 {
        let range = self.first.zip(self.unwrapper.highest()).map_or(0, |(first, highest)| highest + 1 - first);
        range.saturating_sub(self.jumped)
    }

    /// Packets that never came, after repair.
    fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.received)
    }

    /// The block for the next receiver report; loss is counted from the last call. Repairs do not hide loss from it: it
    /// speaks of the network. `None` before the first packet.
    pub fn report_block(&mut self, now: Instant) -> Option<ReportBlock> {
        let highest = self.unwrapper.highest()?;
        let total = Interval { expected: self.expected(), received: self.received - self.repaired };
        let before = std::mem::replace(&mut self.reported, total);
        let expected = total.expected.saturating_sub(before.expected);
        let received = total.received.saturating_sub(before.received);
        let fraction = (expected.saturating_sub(received) << 8).checked_div(expected).unwrap_or(0);
        let (last_sender_report, delay) = self.sender.map_or((0, 0), |clock| {
            (compact_ntp(clock.ntp), compact_ntp(duration_to_ntp(now.saturating_duration_since(clock.arrival))))
        });
        Some(ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: fraction.min(255) as u8,
            cumulative_lost: (total.expected as i64 - total.received as i64).clamp(-0x80_0000, 0x7f_ffff) as i32,
            // The unwrapper starts one cycle up; reports count cycles from zero.
            highest_sequence: (highest - (1 << 16)) as u32,
            jitter: self.jitter >> 4,
            last_sender_report,
            delay_since_last_sender_report: delay,
        })
    }

    /// What to ask the publisher for now; see [`NackGenerator::poll`]. `None` where repair was not negotiated.
    pub fn poll_nack(&mut self, now: Instant, rtt: Option<Duration>) -> Option<NackBatch> {
        self.nack.as_mut().map(|nack| nack.poll(now, rtt))
    }

    /// When [`Self::poll_nack`] has something to say.
    pub fn nack_deadline(&self) -> Option<Instant> {
        self.nack.as_ref().and_then(NackGenerator::deadline)
    }

    pub fn jitter(&self) -> Duration {
        Duration::from_micros(u64::from(self.jitter >> 4) * 1_000_000 / u64::from(self.clock_rate.max(1)))
    }

    pub const fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Totals so far: packets and bytes.
    pub const fn totals(&self) -> (u64, u64) {
        (self.received, self.bytes)
    }

    /// Figures since the last call.
    pub fn take_stats(&mut self, active: bool) -> LayerStats {
        let total = Told { packets: self.received, bytes: self.bytes, lost: self.lost(), repaired: self.repaired };
        let before = std::mem::replace(&mut self.told, total);
        LayerStats {
            packets: total.packets - before.packets,
            bytes: total.bytes - before.bytes,
            lost: total.lost.saturating_sub(before.lost),
            repaired: total.repaired - before.repaired,
            jitter: self.jitter(),
            active,
        }
    }
}

#[cfg(test)]
mod tests;
