//! `PUT /api/v1/conversations/{id}/read`: how far the caller has read.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Ids, SignedIn};
use crate::routes::problems::{Conflict, Problems};
use crate::services::conversations;

/// Up to which message.
#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct ReadRequest {
    /// Number of the last message read.
    #[garde(range(min = 0))]
    #[schema(minimum = 0)]
    seq: i64,
}

/// Where the marker is.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReadAnswer {
    last_read_seq: i64,
    /// Messages after it.
    unread: i64,
}

/// Mark a conversation read up to a message. The marker never moves back. Problems: 404 `conversation_not_found`.
#[utoipa::path(put, path = "/conversations/{conversation_id}/read", tag = "conversations",
    operation_id = "read_conversation", params(("conversation_id" = uuid::Uuid, Path)), request_body = ReadRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = ReadAnswer), Problems, Conflict))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Body(request): Body<ReadRequest>,
) -> Result<Json<ReadAnswer>, ApiError> {
    let [id] = ids;
    let conversation = conversations::read(&app, &who, id, request.seq).await?;
    let last_read_seq = conversation.last_read_seq;
    Ok(Json(ReadAnswer { last_read_seq, unread: conversation.last_seq.saturating_sub(last_read_seq).max(0) }))
}
