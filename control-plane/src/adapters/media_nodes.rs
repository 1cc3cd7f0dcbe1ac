//! RoomService of the media nodes: one client per node, each call bounded in time.
//!
//! In: a node as stored and a request. Out: the node's answer. Must not touch the database.

use std::collections::HashMap;
use std::time::Duration;

use signaling_proto::call::{RoomServiceClient, RoomServiceError};
use signaling_proto::proto;

use crate::config::{InternalKey, MediaConnection};
use crate::model::call::Sending;
use crate::model::node::MediaNode;

/// How long a call that a host waits for may take.
const PROMPT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a call that nobody waits for may take.
const BACKGROUND_TIMEOUT: Duration = Duration::from_secs(5);

/// Name of a room that is never there: listing it shows that the node answers, whatever it runs.
const NO_ROOM: &str = "-";

/// Speaks to media nodes with the internal key.
#[derive(Clone)]
pub(crate) struct MediaNodes {
    connection: MediaConnection,
    key: InternalKey,
}

impl MediaNodes {
    pub(crate) fn new(connection: MediaConnection, key: InternalKey) -> Self {
        Self { connection, key }
    }

    fn client(&self, node: &MediaNode) -> RoomServiceClient {
        let base = node.api_url.as_deref().unwrap_or(&self.connection.api_url);
        RoomServiceClient::new(self.connection.call.clone(), base, &self.key.key, &self.key.secret)
    }

    /// Where clients connect to `node`, if that is known.
    pub(crate) fn client_url<'a>(&'a self, node: &'a MediaNode) -> Option<&'a str> {
        node.url.as_deref().or(self.connection.client_url.as_deref())
    }

    pub(crate) async fn create_room(
        &self,
        node: &MediaNode,
        request: proto::CreateRoomRequest,
        timeout: Duration,
    ) -> Result<proto::Room, RoomServiceError> {
        self.client(node).create_room(request, timeout).await
    }

    /// Ends a room; one that is not there is fine.
    pub(crate) async fn delete_room(&self, node: &MediaNode, room: &str) -> Result<(), RoomServiceError> {
        forgive_absence(self.client(node).delete_room(room, BACKGROUND_TIMEOUT).await)
    }

    /// Removes a participant; one who is not there is fine.
    pub(crate) async fn remove_participant(
        &self,
        node: &MediaNode,
        room: &str,
        identity: &str,
    ) -> Result<(), RoomServiceError> {
        forgive_absence(self.client(node).remove_participant(room, identity, BACKGROUND_TIMEOUT).await)
    }

    /// One participant with their tracks.
    pub(crate) async fn get_participant(
        &self,
        node: &MediaNode,
        room: &str,
        identity: &str,
    ) -> Result<proto::ParticipantInfo, RoomServiceError> {
        self.client(node).get_participant(room, identity, PROMPT_TIMEOUT).await
    }

    /// Mutes a track; `false` when it is gone.
    pub(crate) async fn mute_track(
        &self,
        node: &MediaNode,
        room: &str,
        identity: &str,
        track: &str,
    ) -> Result<bool, RoomServiceError> {
        let request = proto::MuteRoomTrackRequest {
            room: room.to_owned(),
            identity: identity.to_owned(),
            track_sid: track.to_owned(),
            muted: true,
        };
        Ok(self.client(node).mute_published_track(request, PROMPT_TIMEOUT).await?.is_some())
    }

    /// Sets attributes of a participant; an empty value deletes one.
    pub(crate) async fn set_attributes(
        &self,
        node: &MediaNode,
        room: &str,
        identity: &str,
        attributes: HashMap<String, String>,
    ) -> Result<(), RoomServiceError> {
        self.client(node).set_attributes(room, identity, attributes, PROMPT_TIMEOUT).await.map(drop)
    }

    /// As [`Self::set_attributes`], for nobody who waits; a participant who is not there is fine.
    pub(crate) async fn tell_participant(
        &self,
        node: &MediaNode,
        room: &str,
        identity: &str,
        attributes: HashMap<String, String>,
    ) -> Result<(), RoomServiceError> {
        let told = self.client(node).set_attributes(room, identity, attributes, BACKGROUND_TIMEOUT).await;
        forgive_absence(told.map(drop))
    }

    /// Sets attributes and what a participant may send; one who is not there is fine.
    pub(crate) async fn set_role(
        &self,
        node: &MediaNode,
        room: &str,
        identity: &str,
        attributes: HashMap<String, String>,
        sending: Sending,
    ) -> Result<(), RoomServiceError> {
        let permission = proto::ParticipantPermission {
            can_subscribe: true,
            can_publish: sending.anything(),
            can_publish_data: true,
            can_publish_sources: sending.permission_sources(),
            ..proto::ParticipantPermission::default()
        };
        let request = proto::UpdateParticipantRequest {
            room: room.to_owned(),
            identity: identity.to_owned(),
            attributes,
            permission: Some(permission),
            ..proto::UpdateParticipantRequest::default()
        };
        forgive_absence(self.client(node).update_participant(request, BACKGROUND_TIMEOUT).await.map(drop))
    }

    pub(crate) async fn list_rooms(&self, node: &MediaNode) -> Result<Vec<proto::Room>, RoomServiceError> {
        self.client(node).list_rooms(Vec::new(), BACKGROUND_TIMEOUT).await
    }

    /// Whether the node's server API answers us.
    pub(crate) async fn ping(&self, node: &MediaNode, timeout: Duration) -> Result<(), RoomServiceError> {
        self.client(node).list_rooms(vec![NO_ROOM.to_owned()], timeout).await.map(drop)
    }

    pub(crate) async fn list_participants(
        &self,
        node: &MediaNode,
        room: &str,
    ) -> Result<Vec<proto::ParticipantInfo>, RoomServiceError> {
        self.client(node).list_participants(room, BACKGROUND_TIMEOUT).await
    }
}

fn forgive_absence(result: Result<(), RoomServiceError>) -> Result<(), RoomServiceError> {
    match result {
        Err(RoomServiceError::NotFound(_)) => Ok(()),
        other => other,
    }
}
