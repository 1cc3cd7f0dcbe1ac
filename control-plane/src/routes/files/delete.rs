//! `DELETE /api/v1/files/{file_id}`.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use super::file_id;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment};
use crate::routes::problems::Problems;
use crate::services::files;

/// Delete a file of one's own, or as somebody who may moderate its conversation.
#[utoipa::path(delete, path = "/files/{file_id}", tag = "files", operation_id = "delete_file",
    params(("file_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 204, description = "Gone"), Problems))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
) -> Result<StatusCode, ApiError> {
    files::delete(&app, &caller, file_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
