//! `POST /api/v1/calls/{call_id}/participants/{pid}/hand`: a raised hand.

use std::sync::Arc;

use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Body, TwoSegments};
use crate::routes::calls::call_id;
use crate::routes::problems::{Conflict, Problems};
use crate::services::hosting_media;

/// Up or down.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct HandRequest {
    raised: bool,
}

/// Raise or lower one's own hand; hosts and cohosts lower others'.
#[utoipa::path(post, path = "/calls/{call_id}/participants/{pid}/hand", tag = "calls", operation_id = "set_participant_hand",
    params(("call_id" = uuid::Uuid, Path), ("pid" = String, Path, description = "Id of the stay or LiveKit identity")), request_body = HandRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems, Conflict))]
pub(crate) async fn set_hand(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    TwoSegments(id, pid): TwoSegments,
    Body(request): Body<HandRequest>,
) -> Result<StatusCode, ApiError> {
    hosting_media::set_hand(&app, &caller, call_id(&id)?, &pid, request.raised).await?;
    Ok(StatusCode::NO_CONTENT)
}
