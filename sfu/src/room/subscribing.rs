//! Subscriptions: who gets what, in which quality.
//!
//! Whether a participant shall have a publication follows from permissions, the publisher's rule and the participant's
//! own choice (or `auto_subscribe`). [`Room::reconcile`] makes it so; the next offer or answer then carries it, and only
//! what was negotiated reaches the worker.

use sfu_engine::api::Command;
use sfu_engine::api::LayerTarget;
use sfu_engine::api::MediaKind;
use sfu_engine::api::PublicationId;
use sfu_engine::api::SubscriptionId;
use sfu_engine::api::SubscriptionSpec;
use sfu_engine::sdp::BoundSubscription;
use sfu_engine::sdp::WantedSubscription;
use signaling_proto::limits;
use signaling_proto::proto;
use signaling_proto::proto::signal_response::Message as Response;
use tokio::time::Instant;

use super::Room;
use super::negotiation::DEBOUNCE;
use super::participant::Participant;
use super::participant::ParticipantKey;
use super::participant::Subscription;
use super::participant::TrackSettings;
use super::quality::LinkQuality;
use super::track::Publication;

/// Frame rates below which higher temporal layers are left out.
const FPS_BASE_LAYER: u32 = 9;
const FPS_MIDDLE_LAYER: u32 = 17;

/// The layers that settings stand for.
pub(super) fn layer_target(settings: &TrackSettings, publication: &Publication) -> LayerTarget {
    if settings.disabled || settings.quality == proto::VideoQuality::Off {
        return LayerTarget::OFF;
    }
    if publication.kind == MediaKind::Audio {
        return LayerTarget::BEST;
    }
    let temporal = match settings.fps {
        0 => 3,
        fps if fps < FPS_BASE_LAYER => 0,
        fps if fps < FPS_MIDDLE_LAYER => 1,
        _ => 3,
    };
    let spatial = match (settings.width, settings.height) {
        (0, _) | (_, 0) => settings.quality as u8,
        (width, height) => layer_for_size(width, height, publication),
    };
    LayerTarget { enabled: true, spatial: spatial.min(LayerTarget::BEST.spatial), temporal }
}

/// The smallest layer that fills the size at which the track is shown, else the best.
fn layer_for_size(width: u32, height: u32, publication: &Publication) -> u8 {
    // A picture and its place may be turned against each other: compare areas' longer sides with longer sides.
    let shown = width.max(height);
    publication
        .info
        .layers
        .iter()
        .filter(|layer| layer.width.max(layer.height) >= shown)
        .map(|layer| layer.spatial_layer.max(0) as u8)
        .min()
        .unwrap_or(LayerTarget::BEST.spatial)
}

impl Room {
    /// Whether a participant shall have a publication.
    fn shall_have(&self, participant: &Participant, publication: &Publication) -> bool {
        let Some(publisher) = self.participant(publication.publisher) else { return false };
        publication.publisher != participant.key
            && participant.permission.can_subscribe
            && !publisher.hidden()
            && publisher.allows(participant, &publication.info.sid)
            && participant.chosen.get(&publication.id).copied().unwrap_or(participant.auto_subscribe)
    }

    pub(super) fn reconcile_subscriptions_of(&mut self, key: ParticipantKey) {
        for id in self.publications.keys().copied().collect::<Vec<_>>() {
            self.reconcile(key, id);
        }
    }

    pub(super) fn reconcile_subscribers_of(&mut self, id: PublicationId) {
        for key in self.participants.keys().copied().collect::<Vec<_>>() {
            self.reconcile(key, id);
        }
    }

    /// Adds or removes one subscription so that it is as it shall be.
    fn reconcile(&mut self, key: ParticipantKey, id: PublicationId) {
        let (Some(participant), Some(publication)) = (self.participants.get(&key), self.publications.get(&id)) else {
            return;
        };
        let shall = self.shall_have(participant, publication);
        match (shall, participant.subscriptions.contains_key(&id)) {
            (true, false) => self.add_subscription(key, id),
            (false, true) => self.drop_subscription(key, id),
            _ => {}
        }
    }

    fn add_subscription(&mut self, key: ParticipantKey, id: PublicationId) {
        let subscription_id = SubscriptionId(self.shared.next_id());
        let Some(publication) = self.publications.get(&id) else { return };
        let Some(publisher_sid) = self.participant(publication.publisher).map(|publisher| publisher.sid.clone()) else {
            return;
        };
        let track = publication.info.sid.clone();
        let wanted = WantedSubscription {
            id: subscription_id,
            kind: publication.kind,
            stream: format!("{publisher_sid}|{track}"),
            track: track.clone(),
            ssrc: fresh_ssrc(),
            rtx_ssrc: (publication.kind == MediaKind::Video).then(fresh_ssrc),
            codecs: publication.codecs.clone(),
            stereo: publication.info.stereo,
        };
        let Some(participant) = self.participants.get_mut(&key) else { return };
        participant.send(Response::SubscriptionPermissionUpdate(proto::SubscriptionPermissionUpdate {
            participant_sid: publisher_sid,
            track_sid: track,
            allowed: true,
        }));
        participant.told_allowed.insert(id);
        let subscription = Subscription {
            id: subscription_id,
            wanted,
            settings: participant.settings.get(&id).cloned().unwrap_or_default(),
            bound: None,
            unsupported: false,
            quality: LinkQuality::default(),
        };
        participant.subscriptions.insert(id, subscription);
        self.subscriptions.insert(subscription_id, (key, id));
        self.mark_negotiation(key, Instant::now() + DEBOUNCE);
    }

    fn drop_subscription(&mut self, key: ParticipantKey, id: PublicationId) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let Some(subscription) = participant.subscriptions.remove(&id) else { return };
        self.subscriptions.remove(&subscription.id);
        if subscription.bound.is_some() {
            self.worker.send(Command::Unsubscribe { subscription: subscription.id });
        }
        self.mark_negotiation(key, Instant::now() + DEBOUNCE);
        self.mark_dynacast(id);
    }

    /// A publication is gone, and with it what a participant had or wanted of it.
    pub(super) fn forget_publication(&mut self, key: ParticipantKey, id: PublicationId) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        participant.chosen.remove(&id);
        participant.settings.remove(&id);
        participant.told_allowed.remove(&id);
        if let Some(subscription) = participant.subscriptions.remove(&id) {
            self.subscriptions.remove(&subscription.id);
            self.mark_negotiation(key, Instant::now() + DEBOUNCE);
        }
    }

    /// What an offer and answer settled about the subscriptions of one connection.
    pub(super) fn apply_subscriptions(
        &mut self,
        key: ParticipantKey,
        bound: &[BoundSubscription],
        unsupported: &[SubscriptionId],
    ) {
        for id in unsupported {
            self.note_unsupported(key, *id);
        }
        let Some(participant) = self.participants.get(&key) else { return };
        let unbound: Vec<PublicationId> = participant
            .subscriptions
            .iter()
            .filter(|(_, s)| s.bound.is_some() && !bound.iter().any(|b| b.id == s.id))
            .map(|(id, _)| *id)
            .collect();
        for id in unbound {
            // Its section is gone: it starts anew under a new id.
            self.drop_subscription(key, id);
            self.reconcile(key, id);
        }
        for binding in bound {
            self.bind_subscription(key, binding);
        }
    }

    fn note_unsupported(&mut self, key: ParticipantKey, id: SubscriptionId) {
        let Some((owner, publication)) = self.subscriptions.get(&id).copied() else { return };
        if owner != key {
            return;
        }
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let Some(subscription) = participant.subscriptions.get_mut(&publication) else { return };
        subscription.unsupported = true;
        let track_sid = subscription.wanted.track.clone();
        participant.send(Response::SubscriptionResponse(proto::SubscriptionResponse {
            track_sid,
            err: proto::SubscriptionError::SeCodecUnsupported as i32,
        }));
    }

    fn bind_subscription(&mut self, key: ParticipantKey, binding: &BoundSubscription) {
        let Some((owner, id)) = self.subscriptions.get(&binding.id).copied() else { return };
        let (Some(participant), Some(publication)) = (self.participants.get_mut(&key), self.publications.get(&id))
        else {
            return;
        };
        let transport = participant.receiving();
        let Some(subscription) = participant.subscriptions.get_mut(&id).filter(|_| owner == key) else { return };
        match &subscription.bound {
            Some(bound) if bound == binding => return,
            Some(_) => {
                // The terms changed. An SSRC cannot start over under the same keys, so the delivery starts anew.
                self.drop_subscription(key, id);
                return self.reconcile(key, id);
            }
            None => {}
        }
        subscription.bound = Some(binding.clone());
        self.worker.send(Command::Subscribe(SubscriptionSpec {
            id: binding.id,
            transport,
            publication: id,
            mid: binding.mid.clone(),
            ssrc: subscription.wanted.ssrc,
            rtx_ssrc: subscription.wanted.rtx_ssrc.filter(|_| binding.rtx),
            payload_types: binding.payload_types.clone(),
            target: layer_target(&subscription.settings, publication),
        }));
        self.announce_first_subscriber(id);
        self.mark_dynacast(id);
    }

    /// The publisher learns that somebody listens: some clients wait for it before they send.
    fn announce_first_subscriber(&mut self, id: PublicationId) {
        let Some(publication) = self.publications.get_mut(&id).filter(|p| !p.announced_subscriber) else { return };
        publication.announced_subscriber = true;
        let message = proto::TrackSubscribed { track_sid: publication.info.sid.clone() };
        if let Some(publisher) = self.participants.get(&publication.publisher) {
            publisher.send(Response::TrackSubscribed(message));
        }
    }

    /// A choice of the participant, or of the server API for it.
    pub(crate) fn handle_subscription(&mut self, key: ParticipantKey, request: &proto::UpdateSubscription) {
        let named = request.participant_tracks.iter().flat_map(|tracks| &tracks.track_sids);
        for sid in request.track_sids.iter().chain(named).take(limits::TRACKS_PER_MESSAGE) {
            let Some(id) = self.find_track(sid) else { continue };
            let Some(participant) = self.participants.get_mut(&key) else { return };
            participant.chosen.insert(id, request.subscribe);
            self.reconcile(key, id);
        }
    }

    pub(super) fn handle_track_settings(&mut self, key: ParticipantKey, request: &proto::UpdateTrackSettings) {
        let settings = TrackSettings {
            disabled: request.disabled,
            quality: request.quality(),
            width: request.width,
            height: request.height,
            fps: request.fps,
        };
        for sid in request.track_sids.iter().take(limits::TRACKS_PER_MESSAGE) {
            let Some(id) = self.find_track(sid) else { continue };
            let (Some(participant), Some(publication)) = (self.participants.get_mut(&key), self.publications.get(&id))
            else {
                continue;
            };
            participant.settings.insert(id, settings.clone());
            let Some(subscription) = participant.subscriptions.get_mut(&id) else { continue };
            subscription.settings = settings.clone();
            if subscription.bound.is_some() {
                let target = layer_target(&settings, publication);
                self.worker.send(Command::SetTarget { subscription: subscription.id, target });
                self.mark_dynacast(id);
            }
        }
    }
}

/// An SSRC that is not 0. Two of one connection meet with a probability of n²/2³³: below one in a million for 60 tracks.
fn fresh_ssrc() -> u32 {
    rand::random::<u32>().max(1)
}
