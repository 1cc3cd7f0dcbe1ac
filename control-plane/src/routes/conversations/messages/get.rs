//! `GET /api/v1/conversations/{id}/messages/{message_id}`: one message.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Ids};
use crate::model::conversation::MessageView;
use crate::routes::problems::{Forbidden, Problems};
use crate::services::messages;

/// One message. Problems: 404 `conversation_not_found`, `message_not_found`.
#[utoipa::path(get, path = "/conversations/{conversation_id}/messages/{message_id}", tag = "conversations",
    operation_id = "get_message", params(("conversation_id" = uuid::Uuid, Path), ("message_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = MessageView), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Ids(ids): Ids<2>,
) -> Result<Json<MessageView>, ApiError> {
    let [conversation_id, id] = ids;
    Ok(Json(messages::find(&app, &caller.actor, conversation_id, id).await?.into()))
}
