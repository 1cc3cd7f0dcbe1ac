//! A timer wheel: who is due when, at a resolution that media can live with.
//!
//! Nothing is ever taken out of the wheel. Whoever is entered keeps the tick that it waits for, and an entry that comes up
//! at another tick is stale and passed over. Deadlines beyond the horizon come up early, find nothing due and are entered
//! again. So entering costs a push to a vector that keeps its memory, and a stale entry lives a second at most.

use std::time::{Duration, Instant};

/// Deadlines are rounded up to this.
pub(super) const TICK: Duration = Duration::from_millis(5);

/// Ticks ahead that the wheel holds: 1.28 s.
const SLOTS: usize = 256;

/// The tick that an entry waits for; 0 when it waits for none.
pub(super) type Tick = u64;

#[derive(Debug)]
pub(super) struct Wheel<T> {
    start: Instant,
    /// The last tick that was handed out.
    current: Tick,
    slots: Vec<Vec<T>>,
    /// One bit per slot that is not empty.
    occupied: [u64; SLOTS / 64],
    spare: Vec<T>,
}

impl<T: Copy> Wheel<T> {
    pub(super) fn new(start: Instant) -> Self {
        let slots = (0..SLOTS).map(|_| Vec::new()).collect();
        Self { start, current: 0, slots, occupied: [0; SLOTS / 64], spare: Vec::new() }
    }

    /// Enters `who` for `at` unless `waits_for` is a tick that comes sooner.
    pub(super) fn arm(&mut self, who: T, at: Instant, waits_for: &mut Tick) {
        let wanted = at.saturating_duration_since(self.start).as_micros().div_ceil(TICK.as_micros()) as Tick;
        let tick = wanted.clamp(self.current + 1, self.current + SLOTS as Tick - 1);
        if *waits_for > self.current && *waits_for <= tick {
            return;
        }
        *waits_for = tick;
        let index = tick as usize % SLOTS;
        if let (Some(slot), Some(word)) = (self.slots.get_mut(index), self.occupied.get_mut(index / 64)) {
            slot.push(who);
            *word |= 1 << (index % 64);
        }
    }

    /// When the next entry (which may be stale) comes up.
    pub(super) fn next(&self) -> Option<Instant> {
        let from = (self.current + 1) as usize % SLOTS;
        let mut ahead = 0;
        while ahead < SLOTS {
            let index = (from + ahead) % SLOTS;
            let word = self.occupied.get(index / 64).copied().unwrap_or(0) >> (index % 64);
            if word != 0 {
                let tick = self.current + 1 + (ahead + word.trailing_zeros() as usize) as Tick;
                return Some(self.start + TICK * u32::try_from(tick).unwrap_or(u32::MAX));
            }
            ahead += 64 - index % 64;
        }
        None
    }

    /// Turns the wheel one slot on if `now` is past it, and hands out that slot's entries with its tick. Call it until it
    /// gives `None`, and give the vector back by [`Self::recycle`].
    pub(super) fn turn(&mut self, now: Instant) -> Option<(Tick, Vec<T>)> {
        let until = (now.saturating_duration_since(self.start).as_micros() / TICK.as_micros()) as Tick;
        while self.current < until {
            self.current += 1;
            let index = self.current as usize % SLOTS;
            let Some(word) = self.occupied.get_mut(index / 64) else { continue };
            if *word & (1 << (index % 64)) == 0 {
                continue;
            }
            *word &= !(1 << (index % 64));
            if let Some(slot) = self.slots.get_mut(index) {
                return Some((self.current, std::mem::replace(slot, std::mem::take(&mut self.spare))));
            }
        }
        None
    }

    pub(super) fn recycle(&mut self, mut entries: Vec<T>) {
        entries.clear();
        self.spare = entries;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(wheel: &mut Wheel<char>, now: Instant) -> Vec<(Tick, char)> {
        let mut out = Vec::new();
        while let Some((tick, entries)) = wheel.turn(now) {
            out.extend(entries.iter().map(|e| (tick, *e)));
            wheel.recycle(entries);
        }
        out
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's starting point")]
    fn entries_come_up_at_their_tick_and_sooner_wins() {
        let start = Instant::now();
        let ms = |n| start + Duration::from_millis(n);
        let mut wheel = Wheel::new(start);
        let (mut a, mut b, mut far) = (0, 0, 0);
        wheel.arm('a', ms(21), &mut a);
        wheel.arm('b', ms(7), &mut b);
        wheel.arm('b', ms(100), &mut b); // later: ignored
        wheel.arm('a', ms(11), &mut a); // sooner: the first entry becomes stale
        wheel.arm('f', ms(60_000), &mut far);
        assert_eq!((a, b), (3, 2));
        assert_eq!(wheel.next(), Some(ms(10)));
        assert_eq!(due(&mut wheel, ms(9)), []);
        assert_eq!(due(&mut wheel, ms(30)), [(2, 'b'), (3, 'a'), (5, 'a')]);
        assert_eq!(wheel.next(), Some(ms(255 * 5)));
        assert_eq!(due(&mut wheel, ms(2_000)), [(255, 'f')]);
        assert_eq!(wheel.next(), None);
        // What waited for a tick long past is entered anew.
        wheel.arm('b', ms(1_000), &mut b);
        assert_eq!(b, 401);
        assert_eq!(due(&mut wheel, ms(2_005)), [(401, 'b')]);
    }
}
