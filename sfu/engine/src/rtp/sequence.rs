//! Sequence number arithmetic (RFC 1982, RFC 3550 A.1): comparison across the wrap, and 16 bits made 64.

/// Extended numbers start one cycle up, so that packets from before the first one seen still have a number.
const FIRST_CYCLE: u64 = 1 << 16;

/// How far `b` is ahead of `a` on the shorter way round: −32768 to 32767.
pub const fn distance(a: u16, b: u16) -> i16 {
    b.wrapping_sub(a) as i16
}

/// `b` comes after `a`, the shorter way round.
pub const fn is_newer(b: u16, a: u16) -> bool {
    distance(a, b) > 0
}

/// How far timestamp `b` is ahead of `a` on the shorter way round.
pub const fn timestamp_distance(a: u32, b: u32) -> i32 {
    b.wrapping_sub(a) as i32
}

/// The extended number nearest to `near` whose low 16 bits are `sequence`; never below zero.
pub const fn extend(near: u64, sequence: u16) -> u64 {
    let step = distance(near as u16, sequence) as i64;
    match near.checked_add_signed(step) {
        Some(extended) => extended,
        None => near + (step + (1 << 16)) as u64,
    }
}

/// Turns 16-bit sequence numbers into ones that never wrap, by the nearest to the highest seen so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwrapper {
    highest: Option<u64>,
}

impl Unwrapper {
    pub const fn new() -> Self {
        Self { highest: None }
    }

    /// The extended number of `sequence`. Remembers it when it is the highest.
    pub fn unwrap(&mut self, sequence: u16) -> u64 {
        let extended = match self.highest {
            Some(highest) => extend(highest, sequence),
            None => FIRST_CYCLE + u64::from(sequence),
        };
        self.highest = Some(self.highest.map_or(extended, |highest| highest.max(extended)));
        extended
    }

    /// The same without remembering; `None` before the first packet.
    pub fn peek(&self, sequence: u16) -> Option<u64> {
        self.highest.map(|highest| extend(highest, sequence))
    }

    pub const fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// Continues above the highest number when a source starts over with any sequence number: always moves forward.
    pub fn restart(&mut self, sequence: u16) -> u64 {
        let extended = match self.highest {
            Some(highest) => highest + 1 + u64::from(sequence.wrapping_sub((highest as u16).wrapping_add(1))),
            None => FIRST_CYCLE + u64::from(sequence),
        };
        self.highest = Some(extended);
        extended
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comparison_survives_the_wrap() {
        assert!(is_newer(0, 65_535));
        assert!(is_newer(10, 65_530));
        assert!(!is_newer(65_535, 0));
        assert!(!is_newer(7, 7));
        assert_eq!(distance(65_535, 1), 2);
        assert_eq!(timestamp_distance(u32::MAX, 9), 10);
    }

    #[test]
    fn numbers_before_the_first_one_exist() {
        let mut unwrapper = Unwrapper::new();
        let first = unwrapper.unwrap(2);
        assert_eq!(unwrapper.unwrap(65_535), first - 3);
        assert_eq!(unwrapper.highest(), Some(first));
        assert_eq!(extend(5, 65_000), 65_000);
    }

    #[test]
    fn a_restart_always_moves_forward() {
        let mut unwrapper = Unwrapper::new();
        let before = unwrapper.unwrap(40_000);
        let after = unwrapper.restart(100);
        assert!(after > before);
        assert_eq!(after as u16, 100);
        assert_eq!(unwrapper.restart(100), after + 65_536);
    }

    proptest! {
        /// A model with 64-bit numbers: any walk whose steps stay within half the circle is followed exactly.
        #[test]
        fn unwrapping_follows_a_64_bit_model(start in 0_u16.., steps in prop::collection::vec(-300_i64..20_000, 1..200)) {
            let mut unwrapper = Unwrapper::new();
            let mut highest = FIRST_CYCLE + u64::from(start);
            prop_assert_eq!(unwrapper.unwrap(start), highest);
            for step in steps {
                let model = highest.saturating_add_signed(step);
                prop_assert_eq!(unwrapper.peek(model as u16), Some(model));
                prop_assert_eq!(unwrapper.unwrap(model as u16), model);
                highest = highest.max(model);
            }
        }
    }
}
