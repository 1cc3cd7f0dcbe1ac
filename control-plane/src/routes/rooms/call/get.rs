//! `GET /api/v1/rooms/{room}/call`: the open call and who is in it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment};
use crate::model::call::{CallParticipant, CallRole, CallState};
use crate::model::clock::Micros;
use crate::routes::problems::{Forbidden, Problems};
use crate::routes::rooms::room_name;
use crate::services::authorize::Action;
use crate::services::calls::MAX_PRESENT;
use crate::services::rooms;
use crate::store::calls;

/// An open call.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenCall {
    id: Uuid,
    room_id: Uuid,
    state: CallState,
    started_at: Option<Micros>,
    /// Most people at once so far.
    peak_participants: i64,
    participants: Vec<Present>,
}

/// Somebody in a call.
#[derive(Serialize, ToSchema)]
pub(crate) struct Present {
    id: Uuid,
    /// Absent for guests.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guest_id: Option<Uuid>,
    name: String,
    /// The LiveKit identity.
    identity: String,
    role: CallRole,
    joined_at: Micros,
}

impl From<CallParticipant> for Present {
    fn from(stay: CallParticipant) -> Self {
        Self {
            id: stay.id,
            user_id: stay.user_id,
            guest_id: stay.guest_id,
            name: stay.name,
            identity: stay.identity,
            role: stay.role,
            joined_at: stay.joined_at,
        }
    }
}

/// The open call of a room and who is in it; 404 `no_open_call` when there is none.
#[utoipa::path(get, path = "/rooms/{room}/call", tag = "rooms", operation_id = "get_room_call",
    params(("room" = String, Path, description = "Id or code")),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = OpenCall), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(room): Segment,
) -> Result<Json<OpenCall>, ApiError> {
    let room = rooms::find(&app, &caller, &room_name(&room)?, Action::SeeCall).await?;
    let call = calls::find_open(&app.db, room.id).await?.filter(|call| call.state == CallState::Active);
    let call = call.ok_or_else(|| ApiError::not_found("no_open_call", "Nobody is in a call in this room."))?;
    let present = calls::list_present(&app.db, call.id, MAX_PRESENT).await?;
    Ok(Json(OpenCall {
        id: call.id,
        room_id: call.room_id,
        state: call.state,
        started_at: call.started_at,
        peak_participants: call.peak_participants,
        participants: present.into_iter().map(Present::from).collect(),
    }))
}
