//! What to ask a publisher for again (RFC 4585 §6.2.1): which packets are missing, when to ask, when to give up.
//!
//! Extended sequence numbers and arrival times come in; due sequence numbers go out. A packet that came by any way (late or
//! as repair) is never asked for again. What is given up needs a keyframe instead.

use std::time::Duration;
use std::time::Instant;

/// Packets that may be missing at once; beyond it the stream is given up and starts over.
pub const MAX_MISSING: usize = 256;
/// A packet is asked for when this many newer ones have come …
const REORDER_PACKETS: u64 = 3;
/// … or when it has been missing for this long, whichever is first: reordering on the way is no loss.
const REORDER_WAIT: Duration = Duration::from_millis(8);
/// Asked for at most this often.
const MAX_TRIES: u8 = 8;
/// Older packets come too late for any subscriber's jitter buffer.
const MAX_AGE: Duration = Duration::from_millis(1_000);
/// Until a round trip was measured.
const UNKNOWN_RTT: Duration = Duration::from_millis(100);
/// Shortest time between two requests for the same packet: a repair needs the round trip, and some processing.
const MIN_REPEAT: Duration = Duration::from_millis(20);
/// Sequence numbers of one request; with 4 bytes for each in the worst case it stays far below a datagram.
pub const MAX_BATCH: usize = 64;

#[derive(Clone, Copy, Debug)]
struct Missing {
    ext_seq: u64,
    since: Instant,
    /// When to ask next.
    due: Instant,
    tries: u8,
}

/// What to do now, see [`NackGenerator::poll`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NackBatch {
    sequences: [u16; MAX_BATCH],
    len: usize,
    /// Something was given up since the last poll: only a keyframe helps.
    pub gave_up: bool,
}

impl NackBatch {
    /// To be asked for, ascending.
    pub fn sequences(&self) -> &[u16] {
        self.sequences.get(..self.len).unwrap_or_default()
    }
}

/// The missing packets of one inbound stream. Its list is allocated with the first loss.
#[derive(Clone, Debug, Default)]
pub struct NackGenerator {
    /// Ascending.
    missing: Vec<Missing>,
    highest: u64,
    gave_up: bool,
}

impl NackGenerator {
    pub const fn new() -> Self {
        Self { missing: Vec::new(), highest: 0, gave_up: false }
    }

    /// A packet newer than all before: everything between is missing.
    pub fn on_newest(&mut self, now: Instant, ext_seq: u64) {
        let first = self.highest + 1;
        if self.highest != 0 && ext_seq > first {
            self.note_missing(now, first, ext_seq);
        }
        self.highest = self.highest.max(ext_seq);
    }

    fn note_missing(&mut self, now: Instant, first: u64, end: u64) {
        let count = end - first;
        if count > (MAX_MISSING - self.missing.len()) as u64 {
            self.missing.clear();
            self.gave_up = true;
            return;
        }
        if self.missing.capacity() == 0 {
            self.missing.reserve_exact(MAX_MISSING);
        }
        let due = now + REORDER_WAIT;
        self.missing.extend((first..end).map(|ext_seq| Missing { ext_seq, since: now, due, tries: 0 }));
    }

    /// A packet that is not the newest came, late or repaired; `true` if it was missing.
    pub fn on_late(&mut self, ext_seq: u64) -> bool {
        let found = self.missing.binary_search_by_key(&ext_seq, |missing| missing.ext_seq);
        if let Ok(index) = found {
            self.missing.remove(index);
        }
        found.is_ok()
    }

    /// The source started over: nothing of before is wanted.
    pub fn reset(&mut self, ext_seq: u64) {
        self.missing.clear();
        self.highest = ext_seq;
    }

    /// What to ask for now, and what was given up. Call it at [`Self::deadline`] and after packets that left a gap.
    pub fn poll(&mut self, now: Instant, rtt: Option<Duration>) -> NackBatch {
        let mut batch = NackBatch { sequences: [0; MAX_BATCH], len: 0, gave_up: std::mem::take(&mut self.gave_up) };
        if self.missing.is_empty() {
            return batch;
        }
        let repeat = (rtt.unwrap_or(UNKNOWN_RTT) + rtt.unwrap_or_default() / 4).max(MIN_REPEAT);
        let highest = self.highest;
        self.missing.retain_mut(|missing| {
            let too_old = now.saturating_duration_since(missing.since) > MAX_AGE;
            let due = missing.due <= now || missing.tries == 0 && missing.ext_seq + REORDER_PACKETS <= highest;
            if too_old || due && missing.tries >= MAX_TRIES {
                batch.gave_up = true;
                return false;
            }
            if due && let Some(slot) = batch.sequences.get_mut(batch.len) {
                *slot = missing.ext_seq as u16;
                batch.len += 1;
                missing.tries += 1;
                // Each further request waits longer: a repair may be queued behind the congestion that ate the packet.
                missing.due = now + repeat * u32::from(missing.tries).min(3);
            }
            true
        });
        batch
    }

    /// When the next packet is due to be asked for.
    pub fn deadline(&self) -> Option<Instant> {
        self.missing.iter().map(|missing| missing.due).min()
    }

    /// Packets missing now.
    pub fn missing(&self) -> usize {
        self.missing.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Instant {
        #[expect(clippy::disallowed_methods, reason = "the origin of virtual time")]
        Instant::now()
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    const RTT: Option<Duration> = Some(Duration::from_millis(40));

    #[test]
    fn reordering_is_not_asked_for() {
        let (t, mut nack) = (start(), NackGenerator::new());
        nack.on_newest(t, 100);
        nack.on_newest(t, 102);
        assert_eq!(nack.poll(t + ms(2), RTT).sequences(), [0u16; 0]);
        assert!(nack.on_late(101));
        assert!(!nack.on_late(101));
        assert_eq!(nack.poll(t + ms(50), RTT).sequences(), [0u16; 0]);
        assert_eq!(nack.deadline(), None);
    }

    #[test]
    fn a_loss_is_asked_for_by_packets_or_by_time() {
        let (t, mut nack) = (start(), NackGenerator::new());
        nack.on_newest(t, 100);
        nack.on_newest(t, 102);
        nack.on_newest(t, 103);
        assert_eq!(nack.poll(t, RTT).sequences(), [0u16; 0]);
        nack.on_newest(t, 104);
        assert_eq!(nack.poll(t, RTT).sequences(), [101]);
        nack.on_newest(t, 106);
        assert_eq!(nack.deadline(), Some(t + ms(8)));
        assert_eq!(nack.poll(t + ms(8), RTT).sequences(), [105]);
    }

    #[test]
    fn requests_are_paced_and_end() {
        let (t, mut nack) = (start(), NackGenerator::new());
        nack.on_newest(t, 100);
        nack.on_newest(t, 102);
        let mut asked = Vec::new();
        let mut gave_up = None;
        for tick in 0..300 {
            let batch = nack.poll(t + ms(tick * 5), RTT);
            if !batch.sequences().is_empty() {
                asked.push(tick * 5);
            }
            if batch.gave_up {
                gave_up = Some(tick * 5);
                break;
            }
        }
        assert_eq!(asked[..4], [10, 60, 160, 310]);
        assert!(asked.len() <= usize::from(MAX_TRIES));
        assert_eq!(gave_up, Some(1_005));
        assert_eq!(nack.missing(), 0);
    }

    #[test]
    fn too_many_at_once_are_given_up() {
        let (t, mut nack) = (start(), NackGenerator::new());
        nack.on_newest(t, 100);
        nack.on_newest(t, 100 + MAX_MISSING as u64 + 2);
        let batch = nack.poll(t + ms(20), RTT);
        assert!(batch.gave_up && batch.sequences().is_empty());
        assert!(!nack.poll(t + ms(20), RTT).gave_up, "told once");
    }

    #[test]
    fn a_large_loss_is_asked_for_in_batches() {
        let (t, mut nack) = (start(), NackGenerator::new());
        nack.on_newest(t, 100);
        nack.on_newest(t, 201);
        assert_eq!(nack.poll(t + ms(9), RTT).sequences().len(), MAX_BATCH);
        assert_eq!(nack.poll(t + ms(9), RTT).sequences().len(), 100 - MAX_BATCH);
        assert_eq!(nack.poll(t + ms(9), RTT).sequences().len(), 0);
    }
}
