//! Packet indices from 16-bit sequence numbers, and the replay window over them (RFC 3711 §3.3.1 and §3.3.2).
//!
//! In: sequence numbers of one SSRC as they arrive. Out: the 48-bit index each most likely has, and whether it was seen.
//! Must not: change before a packet is authenticated; the caller says when, by `accept`.

/// Words of the window's bitmap.
const WORDS: usize = 16;

/// The latest indices of one SSRC. Plain data, kept by whoever keeps the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayWindow {
    /// One bit per index, at `index % SIZE`.
    bits: [u64; WORDS],
    /// Highest index accepted, once `started`.
    highest: u64,
    started: bool,
}

impl ReplayWindow {
    /// Indices remembered. RFC 3711 asks for 64 at least; a plain (not RTX) retransmission on a slow link comes a second
    /// late, which is several hundred packets of video.
    pub const SIZE: u64 = (WORDS * 64) as u64;

    /// The highest index accepted so far.
    pub fn highest(&self) -> Option<u64> {
        self.started.then_some(self.highest)
    }

    /// `false`: already accepted, or too old to tell.
    pub fn check(&self, index: u64) -> bool {
        if !self.started || index > self.highest {
            return true;
        }
        let (word, mask) = Self::place(index);
        self.highest - index < Self::SIZE && self.bits.get(word).is_some_and(|bits| bits & mask == 0)
    }

    /// Notes an authenticated packet.
    pub fn accept(&mut self, index: u64) {
        if !self.started {
            self.started = true;
            self.highest = index;
        } else if index > self.highest {
            if index - self.highest >= Self::SIZE {
                self.bits = [0; WORDS];
            } else {
                for skipped in self.highest + 1..index {
                    let (word, mask) = Self::place(skipped);
                    if let Some(bits) = self.bits.get_mut(word) {
                        *bits &= !mask;
                    }
                }
            }
            self.highest = index;
        } else if self.highest - index >= Self::SIZE {
            return;
        }
        let (word, mask) = Self::place(index);
        if let Some(bits) = self.bits.get_mut(word) {
            *bits |= mask;
        }
    }

    const fn place(index: u64) -> (usize, u64) {
        ((index % Self::SIZE / 64) as usize, 1 << (index % 64))
    }
}

/// Index estimate and replay window of one SSRC. Plain data, kept by whoever keeps the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexEstimator {
    window: ReplayWindow,
}

impl IndexEstimator {
    /// An estimator that goes on where another left off: `highest` is the last index accepted or sealed.
    pub fn resume(highest: u64) -> Self {
        let mut window = ReplayWindow::default();
        window.accept(highest);
        Self { window }
    }

    /// The index, `ROC << 16 | SEQ`, that a packet with this sequence number most likely has: the one nearest to the
    /// highest accepted. A stream begins with ROC 0. Changes nothing, so a late packet never steps the counter back.
    pub fn estimate(&self, seq: u16) -> u64 {
        let Some(highest) = self.window.highest() else { return u64::from(seq) };
        let (roc, last) = (highest >> 16, highest as u16);
        let roc = if last < 0x8000 {
            // Far above in the same cycle means the end of the cycle before; there is none before the first.
            if i32::from(seq) - i32::from(last) > 0x8000 { roc.saturating_sub(1) } else { roc }
        } else if i32::from(last) - 0x8000 > i32::from(seq) {
            roc + 1
        } else {
            roc
        };
        roc << 16 | u64::from(seq)
    }

    /// The highest index accepted so far.
    pub fn highest(&self) -> Option<u64> {
        self.window.highest()
    }

    /// `false`: already accepted, or too old to tell.
    pub fn check(&self, index: u64) -> bool {
        self.window.check(index)
    }

    /// Notes an authenticated packet.
    pub fn accept(&mut self, index: u64) {
        self.window.accept(index);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_late_packet_at_the_wrap_does_not_step_the_counter_back() {
        let mut stream = IndexEstimator::default();
        for seq in [65_533u16, 65_534, 0, 65_535, 1, 2] {
            let index = stream.estimate(seq);
            assert!(stream.check(index), "{seq}");
            stream.accept(index);
        }
        assert_eq!(stream.highest(), Some(0x1_0002));
        assert_eq!(stream.estimate(3), 0x1_0003);
        assert_eq!(stream.estimate(65_532), 65_532);
        assert!(!stream.check(stream.estimate(65_535)), "accepted above");
    }

    #[test]
    fn what_is_older_than_the_window_is_refused() {
        let mut window = ReplayWindow::default();
        window.accept(5_000);
        assert!(window.check(5_000 - ReplayWindow::SIZE + 1));
        assert!(!window.check(5_000 - ReplayWindow::SIZE));
        assert!(!window.check(5_000));
    }

    proptest! {
        /// The sender's true 48-bit index, walked with losses, reordering and jumps below half a cycle, is always found.
        #[test]
        fn estimates_follow_a_model_that_counts_in_64_bits(
            start in 0u16..0x8000,
            steps in proptest::collection::vec((1u64..0x7fff, 0u64..400), 1..300),
        ) {
            let mut stream = IndexEstimator::default();
            let mut sent = u64::from(start);
            let mut highest = sent;
            stream.accept(sent);
            for (jump, late) in steps {
                sent = highest + jump;
                for index in [sent, sent.saturating_sub(late).max(u64::from(start))] {
                    prop_assert_eq!(stream.estimate(index as u16), index);
                    if stream.check(index) { stream.accept(index); }
                    highest = highest.max(index);
                    prop_assert_eq!(stream.highest(), Some(highest));
                }
            }
        }

        /// Against a model that remembers every index.
        #[test]
        fn nothing_is_accepted_twice(indices in proptest::collection::vec(0u64..6_000, 1..400)) {
            let mut window = ReplayWindow::default();
            let mut seen = HashSet::new();
            let mut highest = 0;
            for index in indices {
                highest = highest.max(index);
                let expected = !seen.contains(&index) && highest - index < ReplayWindow::SIZE;
                prop_assert_eq!(window.check(index), expected);
                if expected {
                    window.accept(index);
                    seen.insert(index);
                }
            }
        }

        #[test]
        fn any_estimate_is_one_of_the_three_nearest_cycles(highest in 0u64..1 << 47, seq: u16) {
            let estimate = IndexEstimator::resume(highest).estimate(seq);
            prop_assert_eq!(estimate as u16, seq);
            prop_assert!((estimate >> 16).abs_diff(highest >> 16) <= 1);
        }
    }
}
