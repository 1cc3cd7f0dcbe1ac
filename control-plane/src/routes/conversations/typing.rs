//! `POST /api/v1/conversations/{id}/typing`: somebody types.

use std::sync::Arc;

use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Body, Ids};
use crate::routes::problems::{Conflict, Problems};
use crate::services::conversations;

/// Whether the caller types.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct TypingRequest {
    /// `false` when they stopped; `true` unless given.
    active: Option<bool>,
}

/// Tell who listens now that one types. Problems: 403 `forbidden`, 404 `conversation_not_found`, 409 `channel_archived`.
#[utoipa::path(post, path = "/conversations/{conversation_id}/typing", tag = "conversations",
    operation_id = "type_in_conversation", params(("conversation_id" = uuid::Uuid, Path)),
    request_body = Option<TypingRequest>, security(("bearer" = []), ("cookie" = [])),
    responses((status = 204), Problems, Conflict))]
pub(crate) async fn typing(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Ids(ids): Ids<1>,
    body: Option<Body<TypingRequest>>,
) -> Result<StatusCode, ApiError> {
    let [id] = ids;
    let active = body.and_then(|Body(request)| request.active).unwrap_or(true);
    conversations::typing(&app, &caller.actor, id, active).await?;
    Ok(StatusCode::NO_CONTENT)
}
