//! Dynacast: publishers are told which qualities anybody takes, so that they do not encode the rest.
//!
//! More is asked for at once. Less is asked for only after a while, because people toggle.

use std::time::Duration;

use sfu_engine::api::Codec;
use sfu_engine::api::MediaKind;
use sfu_engine::api::PublicationId;
use signaling_proto::proto;
use signaling_proto::proto::signal_response::Message as Response;
use tokio::time::Instant;

use super::Room;
use super::subscribing::layer_target;
use super::track::Publication;

/// How long nobody must want a quality before its publisher is told to stop it.
const DOWNGRADE_DELAY: Duration = Duration::from_secs(5);

const QUALITIES: [proto::VideoQuality; 3] =
    [proto::VideoQuality::Low, proto::VideoQuality::Medium, proto::VideoQuality::High];

/// The codec as clients name it here.
const fn codec_name(codec: Codec) -> &'static str {
    match codec {
        Codec::Opus => "opus",
        Codec::Vp8 => "vp8",
        Codec::H264 => "h264",
        Codec::Vp9 => "vp9",
        Codec::Av1 => "av1",
    }
}

fn quality_update(publication: &Publication, enabled: [bool; 3]) -> proto::SubscribedQualityUpdate {
    let qualities: Vec<_> = QUALITIES
        .iter()
        .zip(enabled)
        .map(|(quality, enabled)| proto::SubscribedQuality { quality: *quality as i32, enabled })
        .collect();
    let codec = publication.codecs.first().copied().map(codec_name).unwrap_or_default();
    proto::SubscribedQualityUpdate {
        track_sid: publication.info.sid.clone(),
        subscribed_qualities: qualities.clone(),
        subscribed_codecs: vec![proto::SubscribedCodec { codec: codec.to_owned(), qualities }],
    }
}

impl Room {
    /// What is wanted of a publication may have changed.
    pub(super) fn mark_dynacast(&mut self, id: PublicationId) {
        if self.publications.get(&id).is_some_and(|publication| publication.kind == MediaKind::Video) {
            self.dynacast.insert(id);
        }
    }

    pub(super) fn dynacast_deadline(&self) -> Option<Instant> {
        self.dynacast.iter().filter_map(|id| self.publications.get(id)?.quality_due).min()
    }

    /// The qualities that somebody takes.
    fn wanted_qualities(&self, publication: &Publication) -> [bool; 3] {
        let best = self
            .participants
            .values()
            .filter_map(|participant| participant.subscriptions.get(&publication.id))
            .filter(|subscription| subscription.bound.is_some())
            .map(|subscription| layer_target(&subscription.settings, publication))
            .filter(|target| target.enabled)
            .map(|target| target.spatial)
            .max();
        [0, 1, 2].map(|layer| best.is_some_and(|best| layer <= best))
    }

    pub(super) fn flush_dynacast(&mut self, now: Instant) {
        for id in std::mem::take(&mut self.dynacast) {
            let Some(publication) = self.publications.get(&id) else { continue };
            let wanted = self.wanted_qualities(publication);
            let sent = publication.quality_sent;
            // Before the first subscriber nothing is said: the client sends what it likes until then.
            if sent == Some(wanted) || (sent.is_none() && wanted == [false; 3]) {
                if let Some(publication) = self.publications.get_mut(&id) {
                    publication.quality_due = None;
                }
                continue;
            }
            let more = sent.is_none_or(|sent| sent.iter().zip(wanted).any(|(sent, wanted)| wanted && !sent));
            let due = publication.quality_due.unwrap_or(now + DOWNGRADE_DELAY);
            if more || due <= now {
                self.send_qualities(id, wanted);
            } else {
                if let Some(publication) = self.publications.get_mut(&id) {
                    publication.quality_due = Some(due);
                }
                self.dynacast.insert(id);
            }
        }
    }

    fn send_qualities(&mut self, id: PublicationId, wanted: [bool; 3]) {
        let Some(publication) = self.publications.get_mut(&id) else { return };
        publication.quality_sent = Some(wanted);
        publication.quality_due = None;
        let message = quality_update(publication, wanted);
        if let Some(publisher) = self.participants.get(&publication.publisher) {
            publisher.send(Response::SubscribedQualityUpdate(message));
        }
    }
}
