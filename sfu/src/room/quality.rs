//! Connection quality: judged from the worker's figures, told when it changes.

use std::time::Duration;

use sfu_engine::api::MediaKind;
use sfu_engine::api::TransportStats;
use signaling_proto::heartbeat::QualitySamples;
use signaling_proto::proto;
use signaling_proto::proto::ConnectionQuality;
use signaling_proto::proto::signal_response::Message as Response;
use tokio::time::Instant;

use super::Room;
use super::participant::Participant;
use super::participant::ParticipantKey;

/// How often quality is judged and told.
pub(super) const INTERVAL: Duration = Duration::from_secs(5);

/// Quality is not judged before media had time to flow.
const SETTLING: Duration = Duration::from_secs(2);

/// Figures of one direction of one link since the last judgement.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LinkQuality {
    packets: u64,
    lost: u64,
    rtt: Option<Duration>,
}

impl LinkQuality {
    /// A score as LiveKit means it: 4.5 is flawless, 1 is unusable. Loss hurts most; a long way a little.
    fn score(self) -> f32 {
        let total = self.packets + self.lost;
        let loss = if total == 0 { 0.0 } else { self.lost as f32 / total as f32 };
        let delay = self.rtt.unwrap_or_default().as_secs_f32();
        let late = (delay - 0.2).max(0.0) * 2.0;
        (4.5 - loss * 20.0 - late).clamp(1.0, 4.5)
    }
}

fn quality_of(score: f32) -> ConnectionQuality {
    match score {
        score if score >= 4.1 => ConnectionQuality::Excellent,
        score if score >= 3.4 => ConnectionQuality::Good,
        _ => ConnectionQuality::Poor,
    }
}

/// Counts judgements.
fn count(judged: impl Iterator<Item = ConnectionQuality>) -> QualitySamples {
    let mut samples = QualitySamples::default();
    for quality in judged {
        match quality {
            ConnectionQuality::Excellent => samples.excellent += 1,
            ConnectionQuality::Good => samples.good += 1,
            ConnectionQuality::Poor => samples.poor += 1,
            ConnectionQuality::Lost => samples.lost += 1,
        }
    }
    let figures =
        [("excellent", samples.excellent), ("good", samples.good), ("poor", samples.poor), ("lost", samples.lost)];
    for (quality, found) in figures {
        metrics::counter!("plenum_connections_judged_total", "quality" => quality).increment(found.into());
    }
    samples
}

impl Room {
    pub(super) fn handle_stats(&mut self, stats: &TransportStats) {
        let Some(key) = self.transports.get(&stats.transport).copied() else { return };
        let Some(participant) = self.participants.get_mut(&key) else { return };
        if stats.rtt.is_some() {
            participant.quality.rtt = stats.rtt;
        }
        for publication in &stats.publications {
            for layer in &publication.layers {
                participant.quality.packets += layer.packets;
                participant.quality.lost += layer.lost;
            }
        }
        for figures in &stats.subscriptions {
            let Some((owner, id)) = self.subscriptions.get(&figures.id) else { continue };
            let Some(subscription) = participant.subscriptions.get_mut(id).filter(|_| *owner == key) else { continue };
            let lost = (figures.packets as f32 * figures.loss.clamp(0.0, 1.0)) as u64;
            subscription.quality = LinkQuality { packets: figures.packets, lost, rtt: figures.rtt };
        }
    }

    fn score_of(&self, participant: &Participant) -> (ConnectionQuality, f32) {
        if participant.signal_lost.is_some() {
            return (ConnectionQuality::Lost, 0.0);
        }
        let received = participant.subscriptions.iter().filter(|(id, _)| {
            // Muted tracks carry a few packets, whose loss says nothing.
            self.publications
                .get(id)
                .is_some_and(|publication| !publication.info.muted || publication.kind == MediaKind::Video)
        });
        let worst = received.map(|(_, subscription)| subscription.quality.score()).fold(4.5, f32::min);
        let score = participant.quality.score().min(worst);
        (quality_of(score), score)
    }

    /// Judges everybody and tells each participant about itself and those it is subscribed to, where something changed.
    pub(super) fn judge_quality(&mut self) {
        let now = Instant::now();
        let judged: Vec<(ParticipantKey, String, ConnectionQuality, f32)> = self
            .participants
            .values()
            .filter(|p| p.is_active() && now.duration_since(p.joined) > SETTLING)
            .map(|p| {
                let (quality, score) = self.score_of(p);
                (p.key, p.sid.clone(), quality, score)
            })
            .collect();
        let samples = count(judged.iter().map(|(_, _, quality, _)| *quality));
        // Without a control plane nobody would ever take it.
        if self.shared.config.control_plane.is_some() {
            self.shared.quality.add(&self.sid, samples);
        }
        for receiver in self.participants.keys().copied().collect::<Vec<_>>() {
            self.tell_quality(receiver, &judged);
        }
        for participant in self.participants.values_mut() {
            participant.quality.packets = 0;
            participant.quality.lost = 0;
        }
    }

    fn tell_quality(&mut self, receiver: ParticipantKey, judged: &[(ParticipantKey, String, ConnectionQuality, f32)]) {
        let Some(participant) = self.participant(receiver) else { return };
        let news: Vec<_> = judged
            .iter()
            .filter(|(key, _, quality, _)| {
                (*key == receiver || self.is_subscribed_to(participant, *key))
                    && participant.told_quality.get(key) != Some(quality)
            })
            .collect();
        if news.is_empty() {
            return;
        }
        let updates = news.iter().map(|(_, sid, quality, score)| proto::ConnectionQualityInfo {
            participant_sid: sid.clone(),
            quality: *quality as i32,
            score: *score,
        });
        participant.send(Response::ConnectionQuality(proto::ConnectionQualityUpdate { updates: updates.collect() }));
        let told: Vec<_> = news.iter().map(|(key, _, quality, _)| (*key, *quality)).collect();
        if let Some(participant) = self.participants.get_mut(&receiver) {
            participant.told_quality.extend(told);
            // Keys are never used twice: whoever left is forgotten here.
            participant.told_quality.retain(|key, _| judged.iter().any(|(other, ..)| other == key));
        }
    }

    fn is_subscribed_to(&self, receiver: &Participant, publisher: ParticipantKey) -> bool {
        self.participant(publisher)
            .is_some_and(|publisher| publisher.publications.iter().any(|id| receiver.subscriptions.contains_key(id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judgements_are_counted() {
        use ConnectionQuality::{Excellent, Good, Lost, Poor};
        let samples = count([Excellent, Poor, Excellent, Lost, Good, Excellent].into_iter());
        assert_eq!(samples, QualitySamples { excellent: 3, good: 1, poor: 1, lost: 1 });
    }

    #[test]
    fn loss_and_delay_lower_the_score() {
        let link = |packets, lost, rtt_ms| LinkQuality { packets, lost, rtt: Some(Duration::from_millis(rtt_ms)) };
        assert_eq!(quality_of(link(1000, 0, 20).score()), ConnectionQuality::Excellent);
        assert_eq!(quality_of(link(980, 20, 20).score()), ConnectionQuality::Excellent);
        assert_eq!(quality_of(link(960, 40, 20).score()), ConnectionQuality::Good);
        assert_eq!(quality_of(link(900, 100, 20).score()), ConnectionQuality::Poor);
        assert_eq!(quality_of(link(1000, 0, 600).score()), ConnectionQuality::Good);
        assert_eq!(LinkQuality::default().score(), 4.5);
    }
}
