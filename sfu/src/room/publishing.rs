//! Publishing: announced tracks meet media sections and become publications; they are muted and end.

use sfu_engine::api::Command;
use sfu_engine::api::PublicationId;
use sfu_engine::sdp::EndedPublication;
use sfu_engine::sdp::NegotiatedPublication;
use signaling_proto::limits;
use signaling_proto::proto;
use signaling_proto::proto::request_response::Reason;
use signaling_proto::proto::signal_response::Message as Response;
use signaling_proto::webhook::event;

use super::Room;
use super::participant::Participant;
use super::participant::ParticipantKey;
use super::permissions::may_publish;
use super::reports::unix_ms;
use super::track::PendingTrack;
use super::track::Publication;

/// Longest track name, stream name or client id, in bytes.
const MAX_TRACK_TEXT: usize = 256;

/// Layers and codecs that one announcement may list.
const MAX_TRACK_LISTS: usize = 8;

/// Announcements of one client id that may wait for its predecessor to end.
const MAX_QUEUED: usize = 8;

fn acceptable(request: &proto::AddTrackRequest) -> bool {
    let texts = [&request.cid, &request.name, &request.stream, &request.sid];
    !request.cid.is_empty()
        && texts.iter().all(|text| text.len() <= MAX_TRACK_TEXT)
        && request.layers.len() <= MAX_TRACK_LISTS
        && request.simulcast_codecs.len() <= MAX_TRACK_LISTS
        && request.audio_features.len() <= MAX_TRACK_LISTS
        && request.packet_trailer_features.len() <= MAX_TRACK_LISTS
        && request.simulcast_codecs.iter().all(|codec| {
            codec.cid.len() <= MAX_TRACK_TEXT
                && codec.codec.len() <= MAX_TRACK_TEXT
                && codec.layers.len() <= MAX_TRACK_LISTS
        })
}

impl Room {
    /// A client announces a track. The answer leaves at once; the others hear of it when its media section is there.
    pub(super) fn handle_add_track(&mut self, key: ParticipantKey, request: proto::AddTrackRequest) {
        let limit = self.shared.config.limits.tracks_per_participant;
        let Some(participant) = self.participants.get(&key) else { return };
        let refuse = |reason: Reason, message: &str| {
            participant.send(Response::RequestResponse(proto::RequestResponse {
                reason: reason as i32,
                message: message.to_owned(),
                request: Some(proto::request_response::Request::AddTrack(request.clone())),
                ..proto::RequestResponse::default()
            }));
        };
        if !may_publish(&participant.permission, request.source) {
            return refuse(Reason::NotAllowed, "the token does not allow publishing this source");
        }
        if !acceptable(&request) {
            return refuse(Reason::InvalidRequest, "the track needs a cid; a text or list of it is too long");
        }
        if !request.sid.is_empty() {
            return self.answer_additional_codec(key, &request);
        }
        if participant.pending.len() + participant.publications.len() >= limit {
            return refuse(Reason::LimitExceeded, "too many tracks");
        }
        if self.is_cid_taken(key, &request.cid) {
            let Some(participant) = self.participants.get_mut(&key) else { return };
            if participant.queued.len() >= MAX_QUEUED {
                return;
            }
            participant.send(Response::RequestResponse(proto::RequestResponse {
                reason: Reason::Queued as i32,
                request: Some(proto::request_response::Request::AddTrack(request.clone())),
                ..proto::RequestResponse::default()
            }));
            participant.queued.push(request);
            return;
        }
        self.announce_track(key, &request);
    }

    fn is_cid_taken(&self, key: ParticipantKey, cid: &str) -> bool {
        let Some(participant) = self.participants.get(&key) else { return false };
        participant.pending.iter().any(|track| track.cid == cid)
            || participant.publications.iter().any(|id| self.publications.get(id).is_some_and(|p| p.cid == cid))
    }

    /// `sid` names a track of the client that shall get a further codec. We never ask for one, so the track as it is
    /// answers it.
    fn answer_additional_codec(&self, key: ParticipantKey, request: &proto::AddTrackRequest) {
        let Some(publication) = self.find_track(&request.sid).and_then(|id| self.publications.get(&id)) else { return };
        if publication.publisher == key
            && let Some(participant) = self.participant(key)
        {
            participant.send(Response::TrackPublished(proto::TrackPublishedResponse {
                cid: request.cid.clone(),
                track: Some(publication.info.clone()),
            }));
        }
    }

    fn announce_track(&mut self, key: ParticipantKey, request: &proto::AddTrackRequest) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let track = PendingTrack::new(request, unix_ms() * 1_000);
        participant.send(Response::TrackPublished(proto::TrackPublishedResponse {
            cid: request.cid.clone(),
            track: Some(track.info.clone()),
        }));
        let section = participant.answering.answerer.match_publication(&track.pending);
        participant.pending.push(track);
        if let Some(section) = section {
            self.bind_publication(key, &section);
        }
    }

    /// What an answer says about sections on which the client sends or stopped sending.
    pub(super) fn apply_publications(
        &mut self,
        key: ParticipantKey,
        sections: &[NegotiatedPublication],
        ended: &[EndedPublication],
    ) {
        for section in ended {
            if let Some(track) = &section.track {
                self.unpublish(key, track);
            }
        }
        for section in sections {
            self.bind_publication(key, section);
        }
        self.announce_queued(key);
    }

    /// Tracks whose client id was taken get their turn when it is free.
    fn announce_queued(&mut self, key: ParticipantKey) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        for request in std::mem::take(&mut participant.queued) {
            if self.is_cid_taken(key, &request.cid) {
                if let Some(participant) = self.participants.get_mut(&key) {
                    participant.queued.push(request);
                }
            } else {
                self.announce_track(key, &request);
            }
        }
    }

    fn bind_publication(&mut self, key: ParticipantKey, section: &NegotiatedPublication) {
        let Some(track) = &section.track else { return };
        if let Some(id) = self.find_track(track) {
            return self.rebind_publication(id, section);
        }
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let Some(index) = participant.pending.iter().position(|pending| pending.info.sid == *track) else { return };
        let pending = participant.pending.remove(index);
        let id = PublicationId(self.shared.next_id());
        let publication = pending.bind(id, key, participant.answering.transport, section);
        participant.publications.push(id);
        participant.is_publisher = true;
        self.worker.send(Command::Publish(publication.spec.clone()));
        if publication.info.muted {
            self.worker.send(Command::SetMuted { publication: id, muted: true });
        }
        if let Some(participant) = self.participant(key) {
            self.report_track(event::TRACK_PUBLISHED, participant, &publication.info);
        }
        metrics::counter!("plenum_tracks_published_total").increment(1);
        self.publications.insert(id, publication);
        self.mark_participant(key);
        self.reconcile_subscribers_of(id);
    }

    /// A later offer changed the encodings of a known publication.
    fn rebind_publication(&mut self, id: PublicationId, section: &NegotiatedPublication) {
        let Some(publication) = self.publications.get_mut(&id) else { return };
        if publication.spec.mid == section.mid && publication.spec.encodings == section.encodings {
            return;
        }
        publication.spec.mid.clone_from(&section.mid);
        publication.spec.encodings.clone_from(&section.encodings);
        publication.describe();
        self.worker.send(Command::Publish(publication.spec.clone()));
        let publisher = publication.publisher;
        self.mark_participant(publisher);
    }

    /// The client stopped sending a track.
    fn unpublish(&mut self, key: ParticipantKey, track: &str) {
        let Some(id) = self.find_track(track) else { return };
        let Some(mut participant) = self.participants.remove(&key) else { return };
        if participant.publications.contains(&id) {
            participant.publications.retain(|other| *other != id);
            participant.is_publisher = !participant.publications.is_empty();
            self.end_publication(id, &participant);
        }
        self.participants.insert(key, participant);
        self.mark_participant(key);
    }

    /// The server takes a track away (its publisher lost the right to it) and says so.
    pub(super) fn revoke_publication(&mut self, key: ParticipantKey, id: PublicationId) {
        let Some(sid) = self.publications.get(&id).map(|publication| publication.info.sid.clone()) else { return };
        self.unpublish(key, &sid);
        if let Some(participant) = self.participant(key) {
            participant.send(Response::TrackUnpublished(proto::TrackUnpublishedResponse { track_sid: sid }));
        }
    }

    /// Removes a publication and everybody's subscription to it. Its publisher is not in the map at this moment.
    pub(super) fn end_publication(&mut self, id: PublicationId, publisher: &Participant) {
        let Some(publication) = self.publications.remove(&id) else { return };
        self.worker.send(Command::Unpublish { publication: id });
        self.report_track(event::TRACK_UNPUBLISHED, publisher, &publication.info);
        for key in self.participants.keys().copied().collect::<Vec<_>>() {
            self.forget_publication(key, id);
        }
    }

    pub(super) fn handle_mute(&mut self, key: ParticipantKey, request: &proto::MuteTrackRequest) {
        if let Some(participant) = self.participants.get_mut(&key)
            && let Some(pending) = participant.pending.iter_mut().find(|track| track.info.sid == request.sid)
        {
            pending.info.muted = request.muted;
            return;
        }
        if let Some(id) = self.find_track(&request.sid)
            && self.publications.get(&id).is_some_and(|publication| publication.publisher == key)
        {
            self.set_muted(id, request.muted);
        }
    }

    /// Mutes or unmutes for everybody. The publisher is told by the caller where it did not ask itself.
    pub(super) fn set_muted(&mut self, id: PublicationId, muted: bool) {
        let Some(publication) = self.publications.get_mut(&id) else { return };
        if publication.info.muted == muted {
            return;
        }
        publication.info.muted = muted;
        let publisher = publication.publisher;
        self.worker.send(Command::SetMuted { publication: id, muted });
        self.mark_participant(publisher);
    }

    pub(super) fn handle_update_audio_track(&mut self, key: ParticipantKey, request: &proto::UpdateLocalAudioTrack) {
        if request.features.len() <= MAX_TRACK_LISTS
            && let Some(publication) = self.own_publication(key, &request.track_sid)
        {
            publication.info.audio_features.clone_from(&request.features);
            self.mark_participant(key);
        }
    }

    pub(super) fn handle_update_video_track(&mut self, key: ParticipantKey, request: &proto::UpdateLocalVideoTrack) {
        if let Some(publication) = self.own_publication(key, &request.track_sid) {
            publication.info.width = request.width;
            publication.info.height = request.height;
            self.mark_participant(key);
        }
    }

    pub(super) fn handle_update_layers(&mut self, key: ParticipantKey, request: &proto::UpdateVideoLayers) {
        if request.layers.len() <= MAX_TRACK_LISTS
            && let Some(publication) = self.own_publication(key, &request.track_sid)
        {
            publication.info.layers.clone_from(&request.layers);
            publication.describe();
            self.mark_participant(key);
        }
    }

    fn own_publication(&mut self, key: ParticipantKey, sid: &str) -> Option<&mut Publication> {
        if sid.len() > limits::NAME_BYTES {
            return None;
        }
        self.publications.values_mut().find(|publication| publication.publisher == key && publication.info.sid == sid)
    }
}
