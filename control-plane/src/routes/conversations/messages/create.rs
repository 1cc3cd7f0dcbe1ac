//! `POST /api/v1/conversations/{id}/messages`: something is said.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{check_body, check_client_id};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Body, Ids};
use crate::model::conversation::MessageView;
use crate::routes::problems::{Conflict, Problems};
use crate::services::files::MAX_ATTACHED;
use crate::services::messages::{self, Draft};

/// What is said.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct SendMessageRequest {
    /// At most 8,192 bytes of text.
    #[garde(custom(check_body))]
    #[schema(min_length = 1, max_length = 8192)]
    body: String,
    /// Sending again under the same one answers the same message; made by the server unless given.
    #[garde(inner(custom(check_client_id)))]
    #[schema(min_length = 1, max_length = 64)]
    client_id: Option<String>,
    /// A message of this conversation.
    reply_to: Option<Uuid>,
    /// Files of one's own that are ready in this conversation and belong to no message yet: at most 10.
    #[serde(default)]
    #[garde(length(max = MAX_ATTACHED))]
    #[schema(max_items = 10)]
    file_ids: Vec<Uuid>,
}

/// Send a message. Problems: 403 `forbidden`, 404 `conversation_not_found`, 409 `channel_archived`, `client_id_reused`.
#[utoipa::path(post, path = "/conversations/{conversation_id}/messages", tag = "conversations",
    operation_id = "send_message", params(("conversation_id" = uuid::Uuid, Path)), request_body = SendMessageRequest,
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "It was sent before", body = MessageView),
        (status = 201, description = "It is sent", body = MessageView), Problems, Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Ids(ids): Ids<1>,
    Body(request): Body<SendMessageRequest>,
) -> Result<(StatusCode, Json<MessageView>), ApiError> {
    let [id] = ids;
    let draft = Draft {
        body: request.body,
        client_id: request.client_id,
        reply_to: request.reply_to,
        file_ids: request.file_ids,
    };
    let (message, fresh) = messages::send(&app, &caller.actor, id, draft).await?;
    let status = if fresh { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(message.into())))
}
