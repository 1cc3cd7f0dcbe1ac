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
use crate::routes::problems::Problems;
use crate::services::joins;

/// Where to begin a call.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct StartCallRequest {
    room_id: Uuid,
}

/// Start the call of a room, or find the one that is open. Whoever may join without waiting may.
#[utoipa::path(post, path = "/calls", tag = "calls", operation_id = "start_call", request_body = StartCallRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 201, body = CallDetails),
    (status = 200, description = "Open already", body = CallDetails), Problems))]
pub(crate) async fn start(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Body(request): Body<StartCallRequest>,
) -> Result<(StatusCode, Json<CallDetails>), ApiError> {
    let (call, _, was_open) = joins::start(&app, &who.caller, &RoomName::Id(request.room_id)).await?;
    let status = if was_open { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(CallDetails::of(call, app.clock.now()))))
}
