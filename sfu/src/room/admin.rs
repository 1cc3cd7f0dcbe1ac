//! What the server API may do in a room.

use signaling_proto::limits;
use signaling_proto::proto;
use signaling_proto::proto::signal_response::Message as Response;

use super::ParticipantKey;
use super::Room;
use super::permissions::DescriptionChange;

/// Why a call of the server API changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AdminError {
    #[error("participant does not exist")]
    NoSuchParticipant,
    #[error("remote unmute not enabled")]
    UnmuteDisabled,
    #[error("name, metadata or attributes are too long")]
    TooLong,
}

impl Room {
    fn by_identity(&self, identity: &str) -> Result<ParticipantKey, AdminError> {
        self.find_by_identity(identity).ok_or(AdminError::NoSuchParticipant)
    }

    fn info_of(&self, key: ParticipantKey) -> Result<proto::ParticipantInfo, AdminError> {
        self.participant(key).map(|p| self.participant_info(p)).ok_or(AdminError::NoSuchParticipant)
    }

    pub(crate) fn list_participants(&self) -> Vec<proto::ParticipantInfo> {
        self.participants.values().map(|participant| self.participant_info(participant)).collect()
    }

    pub(crate) fn get_participant(&self, identity: &str) -> Result<proto::ParticipantInfo, AdminError> {
        self.info_of(self.by_identity(identity)?)
    }

    pub(crate) fn kick(&mut self, identity: &str) -> Result<(), AdminError> {
        let key = self.by_identity(identity)?;
        self.remove_participant(key, proto::DisconnectReason::ParticipantRemoved, true);
        Ok(())
    }

    /// `None`: the participant has no such track.
    pub(crate) fn mute_track(
        &mut self,
        request: &proto::MuteRoomTrackRequest,
    ) -> Result<Option<proto::TrackInfo>, AdminError> {
        let key = self.by_identity(&request.identity)?;
        let Some(id) = self.find_track(&request.track_sid) else { return Ok(None) };
        let Some(publication) = self.publications.get(&id).filter(|publication| publication.publisher == key) else {
            return Ok(None);
        };
        if !request.muted && publication.info.muted && !self.shared.config.remote_unmute {
            return Err(AdminError::UnmuteDisabled);
        }
        if publication.info.muted != request.muted {
            if let Some(participant) = self.participant(key) {
                let mute = proto::MuteTrackRequest { sid: request.track_sid.clone(), muted: request.muted };
                participant.send(Response::Mute(mute));
            }
            self.set_muted(id, request.muted);
        }
        Ok(self.publications.get(&id).map(|publication| publication.info.clone()))
    }

    pub(crate) fn update_participant(
        &mut self,
        request: proto::UpdateParticipantRequest,
    ) -> Result<proto::ParticipantInfo, AdminError> {
        let key = self.by_identity(&request.identity)?;
        let change =
            DescriptionChange { name: request.name, metadata: request.metadata, attributes: request.attributes };
        self.change_description(key, change).map_err(|_| AdminError::TooLong)?;
        if let Some(permission) = request.permission {
            self.change_permission(key, permission);
        }
        self.refresh_token(key);
        self.flush_participant_updates(tokio::time::Instant::now());
        self.info_of(key)
    }

    pub(crate) fn update_subscriptions(
        &mut self,
        request: proto::UpdateSubscriptionsRequest,
    ) -> Result<(), AdminError> {
        let key = self.by_identity(&request.identity)?;
        let update = proto::UpdateSubscription {
            track_sids: request.track_sids,
            subscribe: request.subscribe,
            participant_tracks: request.participant_tracks,
        };
        self.handle_subscription(key, &update);
        Ok(())
    }

    pub(crate) fn update_metadata(&mut self, metadata: String) -> Result<proto::Room, AdminError> {
        if metadata.len() > limits::METADATA_BYTES {
            return Err(AdminError::TooLong);
        }
        self.info.metadata = metadata;
        self.mark_room_now();
        Ok(self.room_snapshot())
    }

    /// Who is inside stays, however few places are left.
    pub(crate) fn set_max_participants(&mut self, places: u32) -> proto::Room {
        self.info.max_participants = places;
        self.mark_room_now();
        self.room_snapshot()
    }

    pub(crate) fn send_data(&self, request: proto::SendDataRequest) {
        self.send_server_data(request);
    }

    /// Ends the room after this call.
    pub(crate) fn close(&mut self, reason: proto::RoomEndReason) {
        self.closing = Some(reason);
    }
}
