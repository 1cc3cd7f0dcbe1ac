//! Transport-wide feedback to a publisher (draft-holmer-rmcat-transport-wide-cc-extensions-01): when each of its packets
//! arrived, from which its bandwidth estimator works.
//!
//! Transport-wide sequence numbers with arrival times come in; every 50 to 100 ms the loop has [`TwccRecorder::build_feedback`]
//! append feedback packets. What arrives late is reported again with the next feedback, as browsers expect.

use std::time::Duration;
use std::time::Instant;

use crate::rtp::rtcp::FORMAT_TRANSPORT_CC;
use crate::rtp::rtcp::TRANSPORT_FEEDBACK;
use crate::rtp::rtcp::write::packet;
use crate::rtp::sequence::Unwrapper;

/// Numbers that we can report on; at 1,000 packets a second two seconds.
const WINDOW: u64 = 2_048;
/// Packets reported as received in one feedback packet: with two bytes each it stays below 1,200 bytes.
const MAX_RECEIVED: usize = 400;
/// Statuses in one feedback packet.
const MAX_STATUSES: usize = 1_024;
/// Missing packets told of before the first that arrived; must be less than [`MAX_STATUSES`].
const MAX_LEADING: u64 = 512;
/// Arrival times count in these.
const TICK: Duration = Duration::from_micros(250);
/// Ticks in the 64 ms of the reference time.
const REFERENCE_TICKS: u64 = 256;
/// Longest run that one chunk tells (13 bits).
const MAX_RUN: usize = 0x1fff;

/// How a packet is told of: the draft's two-bit symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Status {
    Missing = 0,
    SmallDelta = 1,
    LargeDelta = 2,
}

/// What arrived on one transport.
#[derive(Clone, Debug, Default)]
pub struct TwccRecorder {
    epoch: Option<Instant>,
    unwrapper: Unwrapper,
    /// Arrival tick plus one by sequence number; 0: not arrived. Allocated with the first packet.
    ticks: Vec<u32>,
    /// The first number that the next feedback speaks of; `None` when nothing new arrived.
    begin: Option<u64>,
    /// One after the last number reported.
    reported: u64,
    feedback_count: u8,
}

impl TwccRecorder {
    pub fn new() -> Self {
        Self::default()
    }

    /// A packet with this transport-wide number arrived.
    pub fn record(&mut self, sequence: u16, arrival: Instant) {
        let epoch = *self.epoch.get_or_insert(arrival);
        if self.ticks.is_empty() {
            self.ticks.resize(WINDOW as usize, 0);
        }
        let before = self.unwrapper.highest();
        let number = self.unwrapper.unwrap(sequence);
        match before {
            None => self.reported = number,
            Some(highest) if number > highest => self.forget(highest + 1, number),
            Some(highest) if highest - number >= WINDOW => return,
            Some(_) => {}
        }
        let tick = (arrival.saturating_duration_since(epoch).as_micros() / TICK.as_micros()) as u32;
        let Some(slot) = self.ticks.get_mut((number % WINDOW) as usize) else { return };
        if *slot == 0 {
            *slot = tick.wrapping_add(1).max(1);
            self.begin = Some(self.begin.map_or(number, |begin| begin.min(number)));
        }
    }

    /// The window moves on over numbers that have not arrived.
    fn forget(&mut self, from: u64, to: u64) {
        if to - from >= WINDOW {
            self.ticks.fill(0);
            return;
        }
        for number in from..=to {
            if let Some(slot) = self.ticks.get_mut((number % WINDOW) as usize) {
                *slot = 0;
            }
        }
    }

    fn tick(&self, number: u64) -> Option<u32> {
        self.ticks.get((number % WINDOW) as usize).and_then(|tick| tick.checked_sub(1))
    }

    /// Something arrived since the last feedback.
    pub const fn is_pending(&self) -> bool {
        self.begin.is_some()
    }

    /// Appends one feedback packet about what arrived since the last one; `true` when more is pending, so call it again
    /// (each packet may have a datagram of its own). Appends nothing when nothing is pending.
    pub fn build_feedback(&mut self, sender_ssrc: u32, media_ssrc: u32, out: &mut Vec<u8>) -> bool {
        let (Some(begin), Some(highest)) = (self.begin, self.unwrapper.highest()) else { return false };
        // Numbers missing since the last feedback are told of as well, as far as the window reaches.
        let oldest = (highest + 1).saturating_sub(WINDOW);
        let base = self.reported.max(begin.saturating_sub(MAX_LEADING)).min(begin).max(oldest);
        let Some(first_tick) = (base..=highest).find_map(|number| self.tick(number)) else {
            self.begin = None;
            return false;
        };
        let reference = u64::from(first_tick) / REFERENCE_TICKS;
        let mut feedback = Feedback::new();
        let mut last_tick = reference * REFERENCE_TICKS;
        let mut end = base;
        while end <= highest && feedback.add(self.tick(end), &mut last_tick) {
            end += 1;
        }
        feedback.trim();
        let count = self.feedback_count;
        self.feedback_count = count.wrapping_add(1);
        packet(out, TRANSPORT_FEEDBACK, FORMAT_TRANSPORT_CC, |out| {
            out.extend_from_slice(&sender_ssrc.to_be_bytes());
            out.extend_from_slice(&media_ssrc.to_be_bytes());
            out.extend_from_slice(&(base as u16).to_be_bytes());
            out.extend_from_slice(&(feedback.len as u16).to_be_bytes());
            let [_, r0, r1, r2] = (reference as u32).to_be_bytes();
            out.extend_from_slice(&[r0, r1, r2, count]);
            feedback.write(out);
        });
        self.reported = base + feedback.len as u64;
        self.begin = (self.reported..=highest).find(|number| self.tick(*number).is_some());
        self.begin.is_some()
    }
}

/// The statuses and deltas of one feedback packet.
struct Feedback {
    statuses: [Status; MAX_STATUSES],
    len: usize,
    deltas: [i16; MAX_RECEIVED],
    received: usize,
}

impl Feedback {
    const fn new() -> Self {
        Self { statuses: [Status::Missing; MAX_STATUSES], len: 0, deltas: [0; MAX_RECEIVED], received: 0 }
    }

    /// Adds the next number; `false` when it has to go into another packet.
    fn add(&mut self, tick: Option<u32>, last_tick: &mut u64) -> bool {
        let Some(slot) = self.statuses.get_mut(self.len) else { return false };
        if let Some(tick) = tick {
            let delta = i64::from(tick) - *last_tick as i64;
            let (Ok(delta), Some(place)) = (i16::try_from(delta), self.deltas.get_mut(self.received)) else {
                return false;
            };
            *slot = if (0..=255).contains(&delta) { Status::SmallDelta } else { Status::LargeDelta };
            *place = delta;
            *last_tick = u64::from(tick);
            self.received += 1;
        } else {
            *slot = Status::Missing;
        }
        self.len += 1;
        true
    }

    /// Takes missing packets off the end: the next feedback may find that they came.
    fn trim(&mut self) {
        let tail = self.statuses.iter().take(self.len).rev().take_while(|status| **status == Status::Missing).count();
        self.len -= tail;
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut rest = self.statuses.get(..self.len).unwrap_or_default();
        while let Some((chunk, used)) = encode(rest) {
            out.extend_from_slice(&chunk.to_be_bytes());
            rest = rest.get(used..).unwrap_or_default();
        }
        for delta in self.deltas.iter().take(self.received) {
            match u8::try_from(*delta) {
                Ok(small) => out.push(small),
                Err(_) => out.extend_from_slice(&delta.to_be_bytes()),
            }
        }
    }
}

/// The chunk that tells most of the front of `rest`, and how many statuses it covers.
fn encode(rest: &[Status]) -> Option<(u16, usize)> {
    let first = *rest.first()?;
    let run = rest.iter().take(MAX_RUN).take_while(|status| **status == first).count();
    let one_bit = rest.iter().take(14).take_while(|status| **status != Status::LargeDelta).count();
    let one_bit_covers = one_bit == rest.len().min(14);
    // A run of 14 costs the same two bytes as a vector and may cover more; a run to the end always pays.
    if run >= 14 || run == rest.len() || !one_bit_covers && run >= 7 {
        return Some(((first as u16) << 13 | run as u16, run));
    }
    if one_bit_covers {
        let bits = rest.iter().take(14).enumerate();
        let vector = bits.fold(0x8000, |vector, (i, status)| vector | (*status as u16) << (13 - i));
        return Some((vector, one_bit));
    }
    let symbols = rest.iter().take(7).enumerate();
    let vector = symbols.fold(0xc000, |vector, (i, status)| vector | (*status as u16) << (12 - 2 * i));
    Some((vector, rest.len().min(7)))
}

#[cfg(test)]
mod tests;
