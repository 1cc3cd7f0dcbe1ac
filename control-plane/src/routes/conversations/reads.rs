//! `GET /api/v1/conversations/{id}/reads`: how far everybody has read.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, SignedIn};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::conversations;

/// The markers of a conversation.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReadList {
    /// The furthest first, at most 200.
    items: Vec<ReadEntry>,
}

/// How far somebody has read.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReadEntry {
    user_id: Uuid,
    last_read_seq: i64,
}

/// How far the people of a conversation have read. Problems: 404 `conversation_not_found`.
#[utoipa::path(get, path = "/conversations/{conversation_id}/reads", tag = "conversations",
    operation_id = "list_conversation_reads", params(("conversation_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = ReadList), Problems, Forbidden))]
pub(crate) async fn reads(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
) -> Result<Json<ReadList>, ApiError> {
    let [id] = ids;
    let markers = conversations::reads(&app, &who, id).await?;
    let entry = |marker: crate::model::conversation::ReadMarker| ReadEntry {
        user_id: marker.user_id,
        last_read_seq: marker.last_read_seq,
    };
    Ok(Json(ReadList { items: markers.into_iter().map(entry).collect() }))
}
