//! RoomService over Twirp: `POST /twirp/livekit.RoomService/<Method>`, JSON or protobuf.
//!
//! Statuses and texts are LiveKit's where its SDKs may look at them. Every call needs a token; what the token must grant
//! is written beside each method.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header;
use http::request::Parts;
use serde::de::DeserializeOwned;
use signaling_proto::Message;
use signaling_proto::error::JoinRefusal;
use signaling_proto::error::ROOM_NOT_FOUND;
use signaling_proto::limits;
use signaling_proto::proto;
use signaling_proto::server_api::BodyFormat;
use signaling_proto::server_api::ROOM_SERVICE_PATH;
use signaling_proto::server_api::TwirpCode;
use signaling_proto::server_api::TwirpError;
use signaling_proto::server_api::TwirpJson;
use signaling_proto::server_api::decode_request;
use signaling_proto::server_api::encode_answer;
use signaling_proto::token;
use signaling_proto::token::Claims;

use crate::node::Shared;
use crate::room::AdminError;
use crate::room::Room;
use crate::room::RoomHandle;
use crate::room::RoomSettings;

type Shareds = State<Arc<Shared>>;

/// The Twirp routes, with one slash in front or two.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new().route("/twirp/{*rest}", any(serve)).route("//twirp/{*rest}", any(serve)).with_state(shared)
}

async fn serve(State(shared): Shareds, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match answer(&shared, &parts, body).await {
        Ok((format, bytes)) => respond(StatusCode::OK, format.content_type(), bytes),
        Err(error) => {
            metrics::counter!("plenum_server_api_errors_total", "code" => error.code.as_str()).increment(1);
            let status = StatusCode::from_u16(error.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            respond(status, BodyFormat::Json.content_type(), error.to_json().into())
        }
    }
}

fn respond(status: StatusCode, content_type: &'static str, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Methods that exist.
const METHODS: [&str; 13] = [
    "CreateRoom",
    "ListRooms",
    "DeleteRoom",
    "ListParticipants",
    "GetParticipant",
    "RemoveParticipant",
    "MutePublishedTrack",
    "UpdateParticipant",
    "UpdateSubscriptions",
    "UpdateRoomMetadata",
    "SendData",
    "ForwardParticipant",
    "MoveParticipant",
];

async fn answer(shared: &Arc<Shared>, parts: &Parts, body: Body) -> Result<(BodyFormat, Bytes), TwirpError> {
    let path = format!("/{}", parts.uri.path().trim_start_matches('/'));
    let http_method = parts.method.as_str();
    if parts.method != Method::POST {
        return Err(TwirpError::wrong_method(http_method, &path));
    }
    let method = path.strip_prefix(ROOM_SERVICE_PATH).filter(|method| METHODS.contains(method));
    let Some(method) = method else { return Err(TwirpError::no_such_path(http_method, &path)) };
    let content_type =
        parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(format) = BodyFormat::from_content_type(content_type) else {
        return Err(TwirpError::wrong_content_type(content_type, http_method, &path));
    };
    let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let bearer = bearer.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let bearer = bearer.map_or("", |(_, token)| token.trim());
    let claims = token::verify(bearer, &shared.keys, signaling_proto::unix_now())?;
    let body = axum::body::to_bytes(body, limits::TWIRP_BODY_BYTES)
        .await
        .map_err(|_| TwirpError::new(TwirpCode::ResourceExhausted, "the request body is too long or broke off"))?;
    let call = Call { shared, claims, format, body };
    let answer = call.dispatch(method).await?;
    Ok((format, answer))
}

/// One call whose token is genuine.
struct Call<'a> {
    shared: &'a Arc<Shared>,
    claims: Claims,
    format: BodyFormat,
    body: Bytes,
}

fn no_such_room() -> TwirpError {
    TwirpError::not_found(ROOM_NOT_FOUND)
}

impl From<AdminError> for TwirpError {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::NoSuchParticipant => Self::not_found(error.to_string()),
            AdminError::UnmuteDisabled => Self::failed_precondition(error.to_string()),
            AdminError::TooLong => Self::invalid_argument("metadata", error.to_string()),
        }
    }
}

impl Call<'_> {
    async fn dispatch(&self, method: &str) -> Result<Bytes, TwirpError> {
        match method {
            "CreateRoom" => self.encode(&self.create_room(self.decode()?).await?),
            "ListRooms" => self.encode(&self.list_rooms(&self.decode()?)?),
            "DeleteRoom" => self.encode(&self.delete_room(self.decode()?).await?),
            "ListParticipants" => self.encode(&self.list_participants(self.decode()?).await?),
            "GetParticipant" => self.encode(&self.get_participant(self.decode()?).await?),
            "RemoveParticipant" => self.encode(&self.remove_participant(self.decode()?).await?),
            "MutePublishedTrack" => self.encode(&self.mute_track(self.decode()?).await?),
            "UpdateParticipant" => self.encode(&self.update_participant(self.decode()?).await?),
            "UpdateSubscriptions" => self.encode(&self.update_subscriptions(self.decode()?).await?),
            "UpdateRoomMetadata" => self.encode(&self.update_room_metadata(self.decode()?).await?),
            "SendData" => self.encode(&self.send_data(self.decode()?).await?),
            // Only LiveKit's cloud has these.
            _ => Err(TwirpError::new(TwirpCode::Unimplemented, "not implemented")),
        }
    }

    fn decode<M: Message + Default + DeserializeOwned>(&self) -> Result<M, TwirpError> {
        decode_request(self.format, &self.body)
    }

    fn encode<M: Message + TwirpJson>(&self, answer: &M) -> Result<Bytes, TwirpError> {
        encode_answer(self.format, answer)
    }

    /// `roomAdmin` for exactly this room, then the room itself.
    fn admin(&self, room: &str) -> Result<Option<RoomHandle>, TwirpError> {
        self.claims.require_admin(room)?;
        Ok(self.shared.room(room))
    }

    /// Runs `call` in a room that the token may administer.
    async fn in_room<T: Send + 'static>(
        &self,
        room: &str,
        call: impl FnOnce(&mut Room) -> T + Send + 'static,
    ) -> Result<T, TwirpError> {
        let handle = self.admin(room)?.ok_or_else(no_such_room)?;
        handle.call(call).await.ok_or_else(no_such_room)
    }

    /// `roomCreate`. An existing room is answered as it is. Only the control plane, which creates its rooms alone and again
    /// at every join, gives one another number of places.
    async fn create_room(&self, request: proto::CreateRoomRequest) -> Result<proto::Room, TwirpError> {
        self.claims.require_create()?;
        if request.name.is_empty() {
            return Err(TwirpError::invalid_argument("name", "a room needs a name"));
        }
        if request.name.chars().any(char::is_control) {
            return Err(TwirpError::invalid_argument("name", "a room's name holds no control characters"));
        }
        if request.name.len() > limits::NAME_BYTES || request.metadata.len() > limits::METADATA_BYTES {
            return Err(TwirpError::invalid_argument("name", "name or metadata is too long"));
        }
        let places = request.max_participants;
        let seconds = |value: u32| (value > 0).then(|| Duration::from_secs(u64::from(value)));
        let settings = RoomSettings {
            name: request.name,
            metadata: request.metadata,
            max_participants: request.max_participants,
            empty_timeout: seconds(request.empty_timeout),
            departure_timeout: seconds(request.departure_timeout),
        };
        let room = self.shared.room_or_open(settings).map_err(|refusal| match refusal {
            JoinRefusal::NodeFull { .. } => TwirpError::new(TwirpCode::Unavailable, refusal.to_string()),
            other => TwirpError::new(TwirpCode::Internal, other.to_string()),
        })?;
        let summary = room.summary();
        let may_change = !self.shared.may_auto_create(&self.claims.iss);
        if !may_change || places == 0 || places == summary.max_participants {
            return Ok(summary);
        }
        room.call(move |room| room.set_max_participants(places)).await.ok_or_else(no_such_room)
    }

    /// `roomList`.
    fn list_rooms(&self, request: &proto::ListRoomsRequest) -> Result<proto::ListRoomsResponse, TwirpError> {
        self.claims.require_list()?;
        let mut rooms: Vec<proto::Room> = match request.names.as_slice() {
            [] => self.shared.rooms().iter().map(RoomHandle::summary).collect(),
            names => names.iter().filter_map(|name| self.shared.room(name)).map(|room| room.summary()).collect(),
        };
        rooms.sort_by(|a, b| a.creation_time_ms.cmp(&b.creation_time_ms).then_with(|| a.name.cmp(&b.name)));
        Ok(proto::ListRoomsResponse { rooms })
    }

    /// `roomCreate`. Everybody in it is out, and nobody comes back with an old token.
    async fn delete_room(&self, request: proto::DeleteRoomRequest) -> Result<proto::DeleteRoomResponse, TwirpError> {
        self.claims.require_create()?;
        let room = self.shared.room(&request.room).ok_or_else(no_such_room)?;
        self.shared.revoke(&request.room, None, None);
        self.shared.forget_room(&room.name, &room.sid);
        room.call(|room| room.close(proto::RoomEndReason::RoomEndApiDelete)).await.ok_or_else(no_such_room)?;
        Ok(proto::DeleteRoomResponse {})
    }

    /// `roomAdmin`. An unknown room is empty.
    async fn list_participants(
        &self,
        request: proto::ListParticipantsRequest,
    ) -> Result<proto::ListParticipantsResponse, TwirpError> {
        let participants = match self.admin(&request.room)? {
            Some(room) => room.call(|room| room.list_participants()).await.unwrap_or_default(),
            None => Vec::new(),
        };
        Ok(proto::ListParticipantsResponse { participants })
    }

    /// `roomAdmin`.
    async fn get_participant(
        &self,
        request: proto::RoomParticipantIdentity,
    ) -> Result<proto::ParticipantInfo, TwirpError> {
        let found = self.in_room(&request.room, move |room| room.get_participant(&request.identity)).await;
        Ok(participant_or_not_found(found)??)
    }

    /// `roomAdmin`. Tokens made before now (or before `revoke_token_ts`) are withdrawn, also of somebody who just left.
    async fn remove_participant(
        &self,
        request: proto::RoomParticipantIdentity,
    ) -> Result<proto::RemoveParticipantResponse, TwirpError> {
        self.claims.require_admin(&request.room)?;
        let until = u64::try_from(request.revoke_token_ts).ok().filter(|until| *until > 0);
        self.shared.revoke(&request.room, Some(&request.identity), until);
        let removed = self.in_room(&request.room, move |room| room.kick(&request.identity)).await;
        participant_or_not_found(removed)??;
        Ok(proto::RemoveParticipantResponse {})
    }

    /// `roomAdmin`. An unknown track is answered with none.
    async fn mute_track(
        &self,
        request: proto::MuteRoomTrackRequest,
    ) -> Result<proto::MuteRoomTrackResponse, TwirpError> {
        let room = request.room.clone();
        let muted = self.in_room(&room, move |room| room.mute_track(&request)).await;
        Ok(proto::MuteRoomTrackResponse { track: participant_or_not_found(muted)?? })
    }

    /// `roomAdmin`.
    async fn update_participant(
        &self,
        request: proto::UpdateParticipantRequest,
    ) -> Result<proto::ParticipantInfo, TwirpError> {
        let room = request.room.clone();
        let updated = self.in_room(&room, move |room| room.update_participant(request)).await;
        Ok(participant_or_not_found(updated)??)
    }

    /// `roomAdmin`.
    async fn update_subscriptions(
        &self,
        request: proto::UpdateSubscriptionsRequest,
    ) -> Result<proto::UpdateSubscriptionsResponse, TwirpError> {
        let room = request.room.clone();
        let updated = self.in_room(&room, move |room| room.update_subscriptions(request)).await;
        participant_or_not_found(updated)??;
        Ok(proto::UpdateSubscriptionsResponse {})
    }

    /// `roomAdmin`.
    async fn update_room_metadata(&self, request: proto::UpdateRoomMetadataRequest) -> Result<proto::Room, TwirpError> {
        Ok(self.in_room(&request.room, move |room| room.update_metadata(request.metadata)).await??)
    }

    /// `roomAdmin`.
    async fn send_data(&self, request: proto::SendDataRequest) -> Result<proto::SendDataResponse, TwirpError> {
        if request.data.len() > limits::DATA_PACKET_BYTES {
            return Err(TwirpError::invalid_argument("data", "the data is too long"));
        }
        let room = request.room.clone();
        self.in_room(&room, move |room| room.send_data(request)).await?;
        Ok(proto::SendDataResponse {})
    }
}

/// In a room that does not exist there is no participant either, and the reference says so.
fn participant_or_not_found<T>(result: Result<T, TwirpError>) -> Result<T, TwirpError> {
    result.map_err(|error| match error.code {
        TwirpCode::NotFound => AdminError::NoSuchParticipant.into(),
        _ => error,
    })
}
