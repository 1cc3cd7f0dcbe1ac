//! RoomService, as the control plane calls it on a media node.
//!
//! Each call carries a fresh token that allows just this call: `roomCreate`, `roomList`, or `roomAdmin` of one room.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use livekit_protocol as proto;
use prost::Message;

use super::{CallError, HttpCall};
use crate::limits;
use crate::server_api::{BodyFormat, ROOM_SERVICE_PATH, TwirpCode, TwirpError};
use crate::token::{AccessToken, VideoGrant};

/// Calls one media node's RoomService.
#[derive(Clone)]
pub struct RoomServiceClient {
    http: Arc<dyn HttpCall>,
    base_url: String,
    key: String,
    secret: String,
}

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoomServiceError {
    /// No such room or participant.
    #[error("not found: {0}")]
    NotFound(String),
    /// The node answered with another error.
    #[error("the media node refused ({}): {msg}", code.as_str())]
    Refused {
        /// Twirp's code.
        code: TwirpCode,
        /// The node's text.
        msg: String,
    },
    /// No answer, or not in time. The call may have had its effect all the same.
    #[error(transparent)]
    Unreachable(#[from] CallError),
    /// An answer, but none of RoomService's.
    #[error("the media node's answer makes no sense: {0}")]
    BadAnswer(String),
    /// The request could not be made: a bad base URL, or a token that could not be signed.
    #[error("cannot make the request: {0}")]
    BadRequest(String),
}

impl RoomServiceClient {
    /// A client for the node at `base_url` (`http://host:port`, no path; any host in one process).
    #[must_use]
    pub fn new(
        http: Arc<dyn HttpCall>,
        base_url: impl Into<String>,
        key: impl Into<String>,
        secret: impl Into<String>,
    ) -> Self {
        let base_url = base_url.into().trim_end_matches('/').to_owned();
        Self { http, base_url, key: key.into(), secret: secret.into() }
    }

    /// Creates a room, or returns the one of that name.
    ///
    /// # Errors
    /// See [`RoomServiceError`].
    pub async fn create_room(
        &self,
        request: proto::CreateRoomRequest,
        timeout: Duration,
    ) -> Result<proto::Room, RoomServiceError> {
        self.call("CreateRoom", may_create(), &request, timeout).await
    }

    /// Ends a room, removes everybody and revokes their tokens.
    ///
    /// # Errors
    /// See [`RoomServiceError`].
    pub async fn delete_room(&self, room: &str, timeout: Duration) -> Result<(), RoomServiceError> {
        let request = proto::DeleteRoomRequest { room: room.to_owned() };
        self.call::<proto::DeleteRoomResponse>("DeleteRoom", may_create(), &request, timeout).await.map(drop)
    }

    /// The open rooms among `names`, or all if that is empty.
    ///
    /// # Errors
    /// See [`RoomServiceError`].
    pub async fn list_rooms(
        &self,
        names: Vec<String>,
        timeout: Duration,
    ) -> Result<Vec<proto::Room>, RoomServiceError> {
        let grant = VideoGrant { room_list: true, ..VideoGrant::default() };
        let request = proto::ListRoomsRequest { names };
        let answer: proto::ListRoomsResponse = self.call("ListRooms", grant, &request, timeout).await?;
        Ok(answer.rooms)
    }

    /// Everybody in a room; empty if there is no such room.
    ///
    /// # Errors
    /// See [`RoomServiceError`].
    pub async fn list_participants(
        &self,
        room: &str,
        timeout: Duration,
    ) -> Result<Vec<proto::ParticipantInfo>, RoomServiceError> {
        let request = proto::ListParticipantsRequest { room: room.to_owned() };
        let answer: proto::ListParticipantsResponse =
            self.call("ListParticipants", may_administer(room), &request, timeout).await?;
        Ok(answer.participants)
    }

    /// One participant.
    ///
    /// # Errors
    /// See [`RoomServiceError`].
    pub async fn get_participant(
        &self,
        room: &str,
        identity: &str,
        timeout: Duration,
    ) -> Result<proto::ParticipantInfo, RoomServiceError> {
        self.call("GetParticipant", may_administer(room), &participant(room, identity), timeout).await
    }

    /// Removes a participant and revokes its tokens issued until now.
    ///
    /// # Errors
    /// See [`RoomServiceError`].
    pub async fn remove_participant(
        &self,
        room: &str,
        identity: &str,
        timeout: Duration,
    ) -> Result<(), RoomServiceError> {
        let request = participant(room, identity);
        self.call::<proto::RemoveParticipantResponse>("RemoveParticipant", may_administer(room), &request, timeout)
            .await
            .map(drop)
    }

    /// Mutes a track (`muted` false is refused unless the node allows remote unmute). `None` if there is no such track.
    ///
    /// # Errors
    /// See [`RoomServiceError`].
    pub async fn mute_published_track(
        &self,
        request: proto::MuteRoomTrackRequest,
        timeout: Duration,
    ) -> Result<Option<proto::TrackInfo>, RoomServiceError> {
        let grant = may_administer(&request.room);
        let answer: proto::MuteRoomTrackResponse = self.call("MutePublishedTrack", grant, &request, timeout).await?;
        Ok(answer.track)
    }

    /// Changes a participant's name, metadata, attributes or permission; what is empty stays.
    ///
    /// # Errors
    /// See [`RoomServiceError`].
    pub async fn update_participant(
        &self,
        request: proto::UpdateParticipantRequest,
        timeout: Duration,
    ) -> Result<proto::ParticipantInfo, RoomServiceError> {
        let grant = may_administer(&request.room);
        self.call("UpdateParticipant", grant, &request, timeout).await
    }

    /// Sets attributes of a participant; an empty value deletes one.
    ///
    /// # Errors
    /// See [`RoomServiceError`].
    pub async fn set_attributes(
        &self,
        room: &str,
        identity: &str,
        attributes: HashMap<String, String>,
        timeout: Duration,
    ) -> Result<proto::ParticipantInfo, RoomServiceError> {
        let request = proto::UpdateParticipantRequest {
            room: room.to_owned(),
            identity: identity.to_owned(),
            attributes,
            ..proto::UpdateParticipantRequest::default()
        };
        self.update_participant(request, timeout).await
    }

    /// Sets a room's metadata.
    ///
    /// # Errors
    /// See [`RoomServiceError`].
    pub async fn update_room_metadata(
        &self,
        room: &str,
        metadata: impl Into<String>,
        timeout: Duration,
    ) -> Result<proto::Room, RoomServiceError> {
        let request = proto::UpdateRoomMetadataRequest { room: room.to_owned(), metadata: metadata.into() };
        self.call("UpdateRoomMetadata", may_administer(room), &request, timeout).await
    }

    /// Sends data to a room, or to the request's `destination_identities`.
    ///
    /// # Errors
    /// See [`RoomServiceError`].
    pub async fn send_data(&self, request: proto::SendDataRequest, timeout: Duration) -> Result<(), RoomServiceError> {
        let grant = may_administer(&request.room);
        self.call::<proto::SendDataResponse>("SendData", grant, &request, timeout).await.map(drop)
    }

    async fn call<A: Message + Default>(
        &self,
        method: &str,
        grant: VideoGrant,
        request: &impl Message,
        timeout: Duration,
    ) -> Result<A, RoomServiceError> {
        let token = AccessToken::new(&self.key, &self.secret)
            .grant(grant)
            .ttl(limits::CALL_TOKEN_TTL)
            .to_jwt()
            .map_err(|error| RoomServiceError::BadRequest(error.to_string()))?;
        let request = http::Request::post(format!("{}{ROOM_SERVICE_PATH}{method}", self.base_url))
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, BodyFormat::Protobuf.content_type())
            .body(Bytes::from(request.encode_to_vec()))
            .map_err(|error| RoomServiceError::BadRequest(error.to_string()))?;
        let answer = tokio::time::timeout(timeout, self.http.call(request))
            .await
            .map_err(|_| RoomServiceError::Unreachable(CallError::TimedOut(timeout)))??;
        read_answer(&answer)
    }
}

fn read_answer<A: Message + Default>(answer: &http::Response<Bytes>) -> Result<A, RoomServiceError> {
    if answer.status().is_success() {
        return A::decode(answer.body().as_ref()).map_err(|error| RoomServiceError::BadAnswer(error.to_string()));
    }
    let error: TwirpError = serde_json::from_slice(answer.body())
        .map_err(|_| RoomServiceError::BadAnswer(format!("HTTP status {}", answer.status())))?;
    match error.code {
        TwirpCode::NotFound => Err(RoomServiceError::NotFound(error.msg)),
        code => Err(RoomServiceError::Refused { code, msg: error.msg }),
    }
}

fn may_create() -> VideoGrant {
    VideoGrant { room_create: true, ..VideoGrant::default() }
}

fn may_administer(room: &str) -> VideoGrant {
    VideoGrant { room_admin: true, room: room.to_owned(), ..VideoGrant::default() }
}

fn participant(room: &str, identity: &str) -> proto::RoomParticipantIdentity {
    proto::RoomParticipantIdentity { room: room.to_owned(), identity: identity.to_owned(), revoke_token_ts: 0 }
}

#[cfg(test)]
mod tests;
