//! What the media worker reports.

use sfu_engine::api::Event;
use sfu_engine::api::MediaKind;
use sfu_engine::api::SubscriptionId;
use sfu_engine::api::TransportFailure;
use sfu_engine::api::TransportId;
use signaling_proto::proto;
use signaling_proto::proto::participant_info::State;
use signaling_proto::proto::signal_response::Message as Response;

use super::Room;

impl Room {
    pub(super) fn handle_event(&mut self, event: Event) {
        match event {
            Event::TransportConnected { transport } => self.handle_connected(transport),
            Event::TransportFailed { transport, reason } => self.handle_failed(transport, reason),
            Event::DataChannelOpen { transport, channel } => {
                if let Some(participant) =
                    self.transports.get(&transport).and_then(|key| self.participants.get_mut(key))
                {
                    participant.channels.insert(channel);
                }
            }
            Event::Data { transport, channel, payload } => self.handle_data(transport, channel, &payload),
            Event::Speakers { levels } => self.handle_speakers(&levels),
            Event::Stats(stats) => self.handle_stats(&stats),
            Event::SubscriptionStarted { subscription } => self.handle_started(subscription),
            // The worker counts it; clients learn of media by receiving it.
            Event::PublicationStarted { .. } => {}
        }
    }

    /// Video flows: the client stops showing the track as paused.
    fn handle_started(&self, subscription: SubscriptionId) {
        let Some((subscriber, id)) = self.subscriptions.get(&subscription) else { return };
        let (Some(subscriber), Some(publication)) = (self.participant(*subscriber), self.publications.get(id)) else {
            return;
        };
        let Some(publisher) = self.participant(publication.publisher) else { return };
        if publication.kind == MediaKind::Video {
            let state = proto::StreamStateInfo {
                participant_sid: publisher.sid.clone(),
                track_sid: publication.info.sid.clone(),
                state: proto::StreamState::Active as i32,
            };
            subscriber.send(Response::StreamStateUpdate(proto::StreamStateUpdate { stream_states: vec![state] }));
        }
    }

    fn handle_connected(&mut self, transport: TransportId) {
        let Some(key) = self.transports.get(&transport).copied() else { return };
        let Some(participant) = self.participants.get_mut(&key) else { return };
        if participant.answering.transport == transport {
            participant.answering.connected = true;
        }
        if let Some(offering) = participant.offering.as_mut().filter(|offering| offering.transport == transport) {
            offering.connected = true;
        }
        if participant.primary() == transport && participant.state != State::Active {
            participant.state = State::Active;
            self.mark_participant(key);
            self.report_joined(key);
        }
    }

    fn handle_failed(&mut self, transport: TransportId, failure: TransportFailure) {
        let Some(key) = self.transports.remove(&transport) else { return };
        let reason = match failure {
            TransportFailure::NeverConnected => "never_connected",
            TransportFailure::ConsentLost => "consent_lost",
            TransportFailure::FingerprintMismatch => "fingerprint_mismatch",
            TransportFailure::Handshake => "handshake",
            TransportFailure::ClosedByPeer => "closed_by_peer",
            TransportFailure::Internal => "internal",
        };
        metrics::counter!("plenum_transports_failed_total", "reason" => reason).increment(1);
        let Some(participant) = self.participants.get(&key) else { return };
        if participant.session.is_none() {
            // Neither media nor signal: it is gone.
            return self.remove_participant(key, proto::DisconnectReason::ConnectionTimeout, true);
        }
        let reason = match failure {
            TransportFailure::ConsentLost | TransportFailure::NeverConnected => {
                proto::DisconnectReason::ConnectionTimeout
            }
            _ => proto::DisconnectReason::MediaFailure,
        };
        self.ask_to_reconnect(key, reason);
    }
}
