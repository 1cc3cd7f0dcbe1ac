//! `POST /api/v1/rooms/{room}/join`: what a client needs to connect to the room's call.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{RoomView, room_name};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Body, Segment};
use crate::http::validate;
use crate::model::call::is_tab;
use crate::model::node::MediaRegion;
use crate::model::room::RoomName;
use crate::model::secret::Secret;
use crate::routes::problems::{Conflict, Problems};
use crate::services::joins::{self, JoinForm, JoinGrant};

/// Who joins, beyond what the session says.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct JoinRequest {
    /// A guest's name; signed-in people join under their own.
    #[garde(custom(validate::optional_name))]
    #[schema(min_length = 1, max_length = 80)]
    display_name: Option<String>,
    /// What tells this tab or device from the person's others: joining again with the same one replaces it.
    #[garde(inner(custom(check_client_id)))]
    #[schema(pattern = "^[a-z0-9]{8,32}$")]
    client_id: Option<String>,
    /// Where the client is: a name of the operator's media regions. A hint, for a call that has no node yet.
    region: Option<MediaRegion>,
}

/// The name of a tab, in any request that joins something.
pub(crate) fn check_client_id<C>(value: &str, _: &C) -> garde::Result {
    if is_tab(value) { Ok(()) } else { Err(garde::Error::new("must be 8 to 32 of a-z and 0-9")) }
}

/// What a client needs to connect.
#[derive(Serialize, ToSchema)]
pub(crate) struct JoinAnswer {
    /// Where the LiveKit SDK connects.
    url: String,
    /// A LiveKit access token, good for 60 seconds.
    token: String,
    /// STUN and TURN servers beyond what the media node offers itself.
    ice_servers: Vec<IceServer>,
    /// Who one is in the call.
    identity: String,
    room: RoomView,
    /// Who joins without an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    guest: Option<GuestAnswer>,
}

impl JoinAnswer {
    /// What the bearer of a grant gets for a room found as `by`.
    pub(crate) fn of(grant: JoinGrant, by: &RoomName) -> Self {
        let guest = grant.guest.map(|(guest, secret)| GuestAnswer {
            id: guest.id,
            display_name: guest.name,
            access_token: secret.as_ref().map(Secret::text),
        });
        Self {
            url: grant.url,
            token: grant.token,
            ice_servers: Vec::new(),
            identity: grant.identity,
            room: RoomView::inside(grant.room, by),
            guest,
        }
    }
}

/// A STUN or TURN server, as `RTCPeerConnection` takes it.
#[derive(Serialize, ToSchema)]
pub(crate) struct IceServer {
    urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
}

/// A guest's pass for this room.
#[derive(Serialize, ToSchema)]
pub(crate) struct GuestAnswer {
    pub id: Uuid,
    pub display_name: String,
    /// Goes into `Authorization: Bearer …`; absent when the guest came with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
}

/// Join a room's call. Guests join public rooms by their code, with a name.
#[utoipa::path(post, path = "/rooms/{room}/join", tag = "rooms", operation_id = "join_room",
    params(("room" = String, Path, description = "Id or code")), request_body = Option<JoinRequest>,
    security((), ("bearer" = []), ("cookie" = [])), responses((status = 200, body = JoinAnswer), Problems, Conflict))]
pub(crate) async fn join(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(room): Segment,
    body: Option<Body<JoinRequest>>,
) -> Result<Json<JoinAnswer>, ApiError> {
    let name: RoomName = room_name(&room)?;
    let request = body.map(|Body(request)| request).unwrap_or_default();
    let form = JoinForm {
        display_name: request.display_name.map(|name| name.trim().to_owned()),
        client_id: request.client_id,
        region: request.region.map(MediaRegion::into_string),
    };
    let grant = joins::join(&app, &caller, &name, form).await?;
    Ok(Json(JoinAnswer::of(grant, &name)))
}
