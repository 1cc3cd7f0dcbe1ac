//! `POST /api/v1/calls`: a call begins, or is there already.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::CallDetails;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, SignedIn};
use crate::model::room::RoomName;
use crate::routes::problems::{Conflict, NotFound, Problems};
use crate::services::joins;
use crate::services::meetings::lifecycle;

/// Where to begin a call.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct StartCallRequest {
    /// A room, unless a meeting is named.
    room_id: Option<Uuid>,
    /// A meeting: the call is that of its room.
    meeting_id: Option<Uuid>,
}

/// The room of a request that names exactly one thing.
async fn room_of(app: &App, who: &SignedIn, request: &StartCallRequest) -> Result<RoomName, ApiError> {
    match (request.room_id, request.meeting_id) {
        (Some(id), None) => Ok(RoomName::Id(id)),
        (None, Some(id)) => Ok(RoomName::Id(lifecycle::room_to_call(app, who, id).await?)),
        (None, None) => Err(ApiError::field("room_id", "is required, or meeting_id")),
        (Some(_), Some(_)) => Err(ApiError::field("meeting_id", "cannot go with room_id")),
    }
}

/// Start the call of a room or of a meeting, or find the one that is open. Whoever may join without waiting may.
///
/// Exactly one of `room_id` and `meeting_id`. The call counts as the meeting when that is due.
/// Problems: as joining; 404 `meeting_not_found`, 409 `meeting_over` (cancelled).
#[utoipa::path(post, path = "/calls", tag = "calls", operation_id = "start_call", request_body = StartCallRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 201, body = CallDetails),
    (status = 200, description = "Open already", body = CallDetails), Problems, NotFound, Conflict))]
pub(crate) async fn start(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Body(request): Body<StartCallRequest>,
) -> Result<(StatusCode, Json<CallDetails>), ApiError> {
    let room = room_of(&app, &who, &request).await?;
    let (call, _, was_open) = joins::start(&app, &who.caller, &room).await?;
    let status = if was_open { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(CallDetails::of(call, app.clock.now()))))
}
