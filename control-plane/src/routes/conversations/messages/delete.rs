//! `DELETE /api/v1/conversations/{id}/messages/{message_id}`: a message is taken back.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Ids};
use crate::routes::problems::Problems;
use crate::services::messages;

/// Delete a message; its author and moderators may. Its number stays, its text goes.
///
/// Problems: 403 `forbidden`, 404 `conversation_not_found`, `message_not_found`.
#[utoipa::path(delete, path = "/conversations/{conversation_id}/messages/{message_id}", tag = "conversations",
    operation_id = "delete_message", params(("conversation_id" = uuid::Uuid, Path), ("message_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Ids(ids): Ids<2>,
) -> Result<StatusCode, ApiError> {
    let [conversation_id, id] = ids;
    messages::delete(&app, &caller, conversation_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
