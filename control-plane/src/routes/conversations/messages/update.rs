//! `PATCH /api/v1/conversations/{id}/messages/{message_id}`: an author thinks better of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::check_body;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Body, Ids};
use crate::model::conversation::MessageView;
use crate::routes::problems::{Conflict, Problems};
use crate::services::messages;

/// What it says from now on.
#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct UpdateMessageRequest {
    /// At most 8,192 bytes of text.
    #[garde(custom(check_body))]
    #[schema(min_length = 1, max_length = 8192)]
    body: String,
}

/// Change a message; its author may.
///
/// Problems: 403 `forbidden`, 404 `conversation_not_found`, `message_not_found`, 409 `message_deleted`,
/// `channel_archived`.
#[utoipa::path(patch, path = "/conversations/{conversation_id}/messages/{message_id}", tag = "conversations",
    operation_id = "update_message", params(("conversation_id" = uuid::Uuid, Path), ("message_id" = uuid::Uuid, Path)),
    request_body = UpdateMessageRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = MessageView), Problems, Conflict))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Ids(ids): Ids<2>,
    Body(request): Body<UpdateMessageRequest>,
) -> Result<Json<MessageView>, ApiError> {
    let [conversation_id, id] = ids;
    Ok(Json(messages::update(&app, &caller.actor, conversation_id, id, request.body).await?.into()))
}
