//! `GET /api/v1/conversations/{id}`: one conversation.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::ConversationView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Ids};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::Talk;
use crate::services::conversations;

/// A conversation, for who may read it. Problems: 404 `conversation_not_found`.
#[utoipa::path(get, path = "/conversations/{conversation_id}", tag = "conversations",
    operation_id = "get_conversation", params(("conversation_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = ConversationView), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Ids(ids): Ids<1>,
) -> Result<Json<ConversationView>, ApiError> {
    let [id] = ids;
    Ok(Json(conversations::find(&app, &caller.actor, id, Talk::Read).await?.into()))
}
