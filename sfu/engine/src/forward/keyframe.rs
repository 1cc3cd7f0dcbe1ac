//! Keyframe requests toward one publication: merged over all its subscriptions, throttled, repeated until served.
//!
//! Whoever needs a keyframe says so as often as it likes; what goes to the publisher is decided here. One request alone is
//! sometimes ignored by browsers, so it is repeated, ever more slowly, and at last given up until somebody asks again.

use std::time::Duration;
use std::time::Instant;

use crate::api::MAX_LAYERS;

/// First repetition of an unanswered request.
const FIRST_REPEAT: Duration = Duration::from_millis(200);
/// Slowest repetition.
const SLOWEST_REPEAT: Duration = Duration::from_secs(2);
/// After a keyframe the next one is not asked for within this time: each costs the publisher many times a normal frame.
const KEYFRAME_SPACING: Duration = Duration::from_millis(400);
/// Requests without an answer before it is given up until somebody asks again.
const MAX_TRIES: u8 = 12;

#[derive(Clone, Copy, Debug, Default)]
struct LayerRequest {
    wanted: bool,
    tries: u8,
    last_sent: Option<Instant>,
    last_keyframe: Option<Instant>,
}

impl LayerRequest {
    /// When the next request may leave; `None`: at once.
    fn due(&self) -> Option<Instant> {
        let spaced = self.last_keyframe.map(|at| at + KEYFRAME_SPACING);
        let doubled = FIRST_REPEAT * (1 << u32::from(self.tries.saturating_sub(2).min(4)));
        let repeat = self.last_sent.map(|at| at + doubled.min(SLOWEST_REPEAT));
        spaced.max(repeat)
    }
}

/// The keyframe requests of one publication.
#[derive(Clone, Copy, Debug, Default)]
pub struct PliThrottle {
    layers: [LayerRequest; MAX_LAYERS],
}

impl PliThrottle {
    pub fn new() -> Self {
        Self::default()
    }

    /// Somebody needs a keyframe on `layer`.
    pub fn request(&mut self, layer: u8) {
        let Some(state) = self.layers.get_mut(usize::from(layer)) else { return };
        if !state.wanted {
            // The time of the last request stays: it still spaces the next.
            state.wanted = true;
            state.tries = 0;
        }
    }

    /// A keyframe began on `layer`: whoever asked before is served.
    pub fn on_keyframe(&mut self, now: Instant, layer: u8) {
        if let Some(state) = self.layers.get_mut(usize::from(layer)) {
            *state = LayerRequest { last_keyframe: Some(now), ..LayerRequest::default() };
        }
    }

    /// Nobody waits for this layer any more (it stopped, or all went elsewhere).
    pub fn withdraw(&mut self, layer: u8) {
        if let Some(state) = self.layers.get_mut(usize::from(layer)) {
            state.wanted = false;
        }
    }

    /// The layers to send a PLI on now, as a bit mask; each counts as sent.
    pub fn poll(&mut self, now: Instant) -> u8 {
        let mut due = 0;
        for (layer, state) in self.layers.iter_mut().enumerate() {
            if !state.wanted || state.due().is_some_and(|at| at > now) {
                continue;
            }
            if state.tries >= MAX_TRIES {
                state.wanted = false;
                continue;
            }
            state.tries += 1;
            state.last_sent = Some(now);
            due |= 1 << layer;
        }
        due
    }

    /// When [`Self::poll`] has something to do next, may lie in the past.
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        self.layers.iter().filter(|state| state.wanted).map(|state| state.due().unwrap_or(now)).min()
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

    /// The times in ms at which a request goes out when somebody asks on every tick of 10 ms.
    fn sent(throttle: &mut PliThrottle, t: Instant, range: std::ops::Range<u64>, asking: bool) -> Vec<u64> {
        let mut times = Vec::new();
        for tick in range.step_by(10) {
            if asking {
                throttle.request(1);
            }
            if throttle.poll(t + ms(tick)) == 0b010 {
                times.push(tick);
            }
        }
        times
    }

    #[test]
    fn many_requests_are_one_and_it_is_repeated() {
        let (t, mut throttle) = (start(), PliThrottle::new());
        assert_eq!(throttle.poll(t), 0);
        assert_eq!(throttle.deadline(t), None);
        let times = sent(&mut throttle, t, 0..2_000, true);
        assert_eq!(times, [0, 200, 400, 800, 1_600]);
    }

    #[test]
    fn it_ends_with_the_keyframe_and_the_next_is_spaced() {
        let (t, mut throttle) = (start(), PliThrottle::new());
        throttle.request(1);
        assert_eq!(throttle.poll(t), 0b010);
        throttle.on_keyframe(t + ms(50), 1);
        assert_eq!(sent(&mut throttle, t, 60..400, false), [0u64; 0]);
        assert_eq!(sent(&mut throttle, t, 400..600, true), [450]);
    }

    #[test]
    fn it_is_given_up_and_taken_up_again() {
        let (t, mut throttle) = (start(), PliThrottle::new());
        throttle.request(1);
        let tries = sent(&mut throttle, t, 0..60_000, false);
        assert_eq!(tries.len(), usize::from(MAX_TRIES));
        assert_eq!(throttle.deadline(t), None);
        assert_eq!(sent(&mut throttle, t, 60_000..60_100, true), [60_000]);
    }

    #[test]
    fn layers_are_asked_for_on_their_own() {
        let (t, mut throttle) = (start(), PliThrottle::new());
        throttle.request(0);
        throttle.request(2);
        throttle.request(9);
        assert_eq!(throttle.poll(t), 0b101);
        throttle.withdraw(0);
        assert_eq!(throttle.poll(t + ms(200)), 0b100);
    }
}
