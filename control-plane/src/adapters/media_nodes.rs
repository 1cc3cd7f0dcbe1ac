//! RoomService of the media nodes: one client per node, each call bounded in time.
//!
//! In: a node as stored and a request. Out: the node's answer. Must not touch the database.

use std::time::Duration;

use signaling_proto::call::{RoomServiceClient, RoomServiceError};
use signaling_proto::proto;

use crate::config::{InternalKey, MediaConnection};
use crate::model::node::MediaNode;

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
