//! Active speakers: changes only, to the speaker itself and to those who hear it.

use std::collections::BTreeMap;

use sfu_engine::api::MediaKind;
use sfu_engine::api::SpeakerLevel;
use signaling_proto::proto;
use signaling_proto::proto::signal_response::Message as Response;
use tokio::time::Instant;

use super::Room;
use super::participant::ParticipantKey;

/// Levels are told in eighths, so that small changes cost no message.
const STEPS: f32 = 8.0;

/// Who was last told to be speaking, and how loud, in steps.
#[derive(Default)]
pub(super) struct Speakers {
    told: BTreeMap<ParticipantKey, u8>,
    /// Until then a simulated speaker holds the floor.
    simulated_until: Option<Instant>,
}

impl Speakers {
    pub(super) fn forget(&mut self, key: ParticipantKey) {
        self.told.remove(&key);
    }

    pub(super) fn simulate_until(&mut self, until: Instant) {
        self.simulated_until = Some(until);
    }

    /// Replaces what was told; returns who changed, with 0 for those who fell silent.
    fn update(&mut self, now: BTreeMap<ParticipantKey, u8>) -> Vec<(ParticipantKey, u8)> {
        let stopped = self.told.keys().filter(|key| !now.contains_key(key)).map(|key| (*key, 0));
        let changed =
            now.iter().filter(|(key, step)| self.told.get(key) != Some(step)).map(|(key, step)| (*key, *step));
        let deltas = changed.chain(stopped).collect();
        self.told = now;
        deltas
    }
}

fn steps(level: f32) -> u8 {
    (level.clamp(0.0, 1.0) * STEPS).ceil() as u8
}

impl Room {
    /// The simulated speaker falls silent.
    pub(super) fn end_simulated_speech(&mut self, now: Instant) {
        if self.speakers.simulated_until.is_some_and(|until| until <= now) {
            self.speakers.simulated_until = None;
            self.tell_speakers(BTreeMap::new());
        }
    }

    pub(super) fn handle_speakers(&mut self, levels: &[SpeakerLevel]) {
        if self.speakers.simulated_until.is_some() {
            return;
        }
        let mut now: BTreeMap<ParticipantKey, u8> = BTreeMap::new();
        for level in levels {
            let step = steps(level.level);
            let Some(publication) = self.publications.get(&level.publication) else { continue };
            if step > 0 && !publication.info.muted {
                let loudest = now.entry(publication.publisher).or_default();
                *loudest = step.max(*loudest);
            }
        }
        self.tell_speakers(now);
    }

    pub(super) fn tell_speakers(&mut self, now: BTreeMap<ParticipantKey, u8>) {
        let deltas = self.speakers.update(now);
        if deltas.is_empty() {
            return;
        }
        for listener in self.participants.values() {
            let speakers: Vec<_> = deltas
                .iter()
                .filter(|(speaker, _)| *speaker == listener.key || self.hears(listener.key, *speaker))
                .filter_map(|(speaker, step)| {
                    let sid = self.participant(*speaker)?.sid.clone();
                    Some(proto::SpeakerInfo { sid, level: f32::from(*step) / STEPS, active: *step > 0 })
                })
                .collect();
            if !speakers.is_empty() {
                listener.send(Response::SpeakersChanged(proto::SpeakersChanged { speakers }));
            }
        }
    }

    /// Whether `listener` is subscribed to an audio track of `speaker`.
    fn hears(&self, listener: ParticipantKey, speaker: ParticipantKey) -> bool {
        let (Some(listener), Some(speaker)) = (self.participant(listener), self.participant(speaker)) else {
            return false;
        };
        speaker.publications.iter().any(|id| {
            listener.subscriptions.contains_key(id)
                && self.publications.get(id).is_some_and(|publication| publication.kind == MediaKind::Audio)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_told_and_silence_once() {
        let (a, b) = (ParticipantKey(1), ParticipantKey(2));
        let mut speakers = Speakers::default();
        assert_eq!(speakers.update([(a, 1)].into()), [(a, 1)]);
        assert_eq!(speakers.update([(a, 1)].into()), []);
        assert_eq!(speakers.update([(a, 2), (b, 1)].into()), [(a, 2), (b, 1)]);
        assert_eq!(speakers.update([(b, 1)].into()), [(a, 0)]);
        assert_eq!(speakers.update([].into()), [(b, 0)]);
        assert_eq!(speakers.update([].into()), []);
    }

    #[test]
    fn levels_are_rounded_up_to_eighths() {
        assert_eq!([0.0, 0.01, 0.125, 0.126, 1.0, 7.0].map(steps), [0, 1, 1, 2, 8, 8]);
    }
}
