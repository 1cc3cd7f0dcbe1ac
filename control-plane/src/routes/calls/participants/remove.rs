//! `POST /api/v1/calls/{call_id}/participants/{pid}/remove`: somebody is taken out.

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
use crate::services::hosting;

/// How to remove.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct RemoveRequest {
    /// Keep them out of the room as well. `false` unless given.
    ban: Option<bool>,
}

/// Remove somebody with all their tabs; with `ban` they are kept out of the room from now on.
#[utoipa::path(post, path = "/calls/{call_id}/participants/{pid}/remove", tag = "calls", operation_id = "remove_participant",
    params(("call_id" = uuid::Uuid, Path), ("pid" = String, Path, description = "Id of the stay or LiveKit identity")), request_body = Option<RemoveRequest>,
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems, Conflict))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    TwoSegments(id, pid): TwoSegments,
    body: Option<Body<RemoveRequest>>,
) -> Result<StatusCode, ApiError> {
    let request = body.map(|Body(request)| request).unwrap_or_default();
    hosting::remove(&app, &caller, call_id(&id)?, &pid, request.ban.unwrap_or(false)).await?;
    Ok(StatusCode::NO_CONTENT)
}
