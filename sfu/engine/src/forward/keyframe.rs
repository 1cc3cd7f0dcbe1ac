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
