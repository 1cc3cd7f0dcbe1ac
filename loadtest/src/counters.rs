//! What a receiver counts: packets, bytes and holes in the sequence of every stream.
//!
//! A retransmitted packet fills its hole, so loss is what stayed missing. Packets more than [`WINDOW`] behind the newest
//! count as lost even if they come.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

/// How far back a late packet is still told from a duplicate.
const WINDOW: u64 = 1024;
/// Most streams counted for one participant.
const MAX_STREAMS: usize = 4096;

/// Everything one participant received.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    first_packet: Option<Instant>,
    streams: HashMap<u32, Stream>,
}

/// Sums over a participant's streams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Packets that arrived for the first time.
    pub(crate) packets: u64,
    /// Their bytes, headers included, without encryption and below.
    pub(crate) bytes: u64,
    /// Packets that should have arrived by now.
    pub(crate) expected: u64,
    /// Packets that came more than once.
    pub(crate) duplicates: u64,
    /// Streams that had at least one packet.
    pub(crate) streams: u64,
}

impl Totals {
    /// What was added since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            packets: self.packets.saturating_sub(earlier.packets),
            bytes: self.bytes.saturating_sub(earlier.bytes),
            expected: self.expected.saturating_sub(earlier.expected),
            duplicates: self.duplicates.saturating_sub(earlier.duplicates),
            streams: self.streams,
        }
    }

    /// The share of expected packets that did not arrive, 0 to 1.
    pub(crate) fn loss(self) -> f64 {
        if self.expected == 0 { 0.0 } else { self.expected.saturating_sub(self.packets) as f64 / self.expected as f64 }
    }
}

impl Counters {
    /// Notes a packet of `bytes` bytes.
    pub(crate) fn note(&self, ssrc: u32, sequence: u16, bytes: usize, now: Instant) {
        let Ok(mut inner) = self.inner.lock() else { return };
        inner.first_packet.get_or_insert(now);
        let full = inner.streams.len() >= MAX_STREAMS;
        match inner.streams.get_mut(&ssrc) {
            Some(stream) => stream.note(sequence, bytes),
            None if full => {}
            None => {
                inner.streams.insert(ssrc, Stream::starting_with(sequence, bytes));
            }
        }
    }

    /// When the first packet came.
    pub(crate) fn first_packet(&self) -> Option<Instant> {
        self.inner.lock().ok().and_then(|inner| inner.first_packet)
    }

    /// The sums so far.
    pub(crate) fn totals(&self) -> Totals {
        let Ok(inner) = self.inner.lock() else { return Totals::default() };
        inner.streams.values().fold(Totals::default(), |sum, stream| Totals {
            packets: sum.packets + stream.packets,
            bytes: sum.bytes + stream.bytes,
            expected: sum.expected + (stream.newest - stream.oldest + 1),
            duplicates: sum.duplicates + stream.duplicates,
            streams: sum.streams + 1,
        })
    }
}

/// One SSRC. Sequence numbers are extended to 64 bits, starting one cycle up so that an early straggler fits below.
#[derive(Debug)]
struct Stream {
    oldest: u64,
    newest: u64,
    packets: u64,
    bytes: u64,
    duplicates: u64,
    /// Whether sequence number `n` came, at bit `n % WINDOW`.
    seen: [u64; (WINDOW / 64) as usize],
}

impl Stream {
    fn starting_with(sequence: u16, bytes: usize) -> Self {
        let first = 0x1_0000 + u64::from(sequence);
        let mut stream =
            Self { oldest: first, newest: first, packets: 0, bytes: 0, duplicates: 0, seen: Default::default() };
        stream.mark(first, bytes);
        stream
    }

    fn note(&mut self, sequence: u16, bytes: usize) {
        // The nearest number to the newest with these low 16 bits (RFC 3550 §A.1).
        let ahead = i64::from(sequence.wrapping_sub(self.newest as u16) as i16);
        let Some(number) = self.newest.checked_add_signed(ahead) else { return };
        if number > self.newest {
            for between in (self.newest + 1..=number).take(WINDOW as usize) {
                self.clear(between);
            }
            self.newest = number;
        } else if self.newest - number >= WINDOW || number < self.oldest {
            return;
        }
        self.mark(number, bytes);
    }

    fn mark(&mut self, number: u64, bytes: usize) {
        let (word, bit) = Self::place(number);
        let Some(word) = self.seen.get_mut(word) else { return };
        if *word & bit != 0 {
            self.duplicates += 1;
        } else {
            *word |= bit;
            self.packets += 1;
            self.bytes += bytes as u64;
        }
    }

    fn clear(&mut self, number: u64) {
        let (word, bit) = Self::place(number);
        if let Some(word) = self.seen.get_mut(word) {
            *word &= !bit;
        }
    }

    fn place(number: u64) -> (usize, u64) {
        let position = number % WINDOW;
        ((position / 64) as usize, 1 << (position % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(sequences: impl IntoIterator<Item = u16>) -> Totals {
        let counters = Counters::default();
        for sequence in sequences {
            counters.note(7, sequence, 100, Instant::now());
        }
        counters.totals()
    }

    #[test]
    fn a_whole_sequence_loses_nothing_even_across_the_wrap() {
        let totals = counted((0..200u16).map(|step| 65_500u16.wrapping_add(step)));
        assert_eq!((totals.packets, totals.expected, totals.bytes), (200, 200, 20_000));
        assert!(totals.loss().abs() < f64::EPSILON);
    }

    #[test]
    fn holes_count_until_they_are_filled() {
        let totals = counted([10, 11, 14, 15]);
        assert_eq!((totals.packets, totals.expected), (4, 6));
        assert!((totals.loss() - 2.0 / 6.0).abs() < 1e-9);
        let repaired = counted([10, 11, 14, 12, 15, 13]);
        assert_eq!((repaired.packets, repaired.expected), (6, 6));
    }

    #[test]
    fn duplicates_and_stragglers_from_before_the_start_are_no_gain() {
        let totals = counted([10, 11, 11, 10, 9, 12]);
        assert_eq!((totals.packets, totals.expected, totals.duplicates), (3, 3, 2));
    }

    #[test]
    fn a_jump_forgets_old_marks() {
        // 5000 ahead lies on the same bits as earlier numbers: they must read as unseen.
        let totals = counted((0..1024).chain([6000, 5990, 5991]));
        assert_eq!((totals.packets, totals.duplicates, totals.expected), (1027, 0, 6001));
    }

    #[test]
    fn a_window_is_the_difference_of_two_readings() {
        let counters = Counters::default();
        for sequence in 0..10 {
            counters.note(1, sequence, 10, Instant::now());
        }
        let before = counters.totals();
        for sequence in 10..20 {
            counters.note(1, sequence, 10, Instant::now());
        }
        let window = counters.totals().since(before);
        assert_eq!((window.packets, window.bytes, window.expected, window.streams), (10, 100, 10, 1));
    }
}
