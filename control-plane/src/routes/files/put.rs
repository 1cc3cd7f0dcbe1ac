//! `PUT /api/v1/files/{file_id}/content`: the content of an announced file.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};

use super::{content_length, file_id, incoming};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment};
use crate::model::file::FileView;
use crate::routes::problems::{Conflict, Problems};
use crate::services::files::{self, FileError};

/// Send the content of an announced file; may be tried again until the file is ready.
///
/// 409 `file_not_pending`, `upload_in_progress`; 413 `file_too_large`; 422 `file_rejected`; 507 `storage_full`.
#[utoipa::path(put, path = "/files/{file_id}/content", tag = "files", operation_id = "put_file_content",
    params(("file_id" = uuid::Uuid, Path)),
    request_body(content = String, content_type = "application/octet-stream"),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = FileView), Problems, Conflict))]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
    request: Request,
) -> Result<Json<FileView>, ApiError> {
    let limit = app.live().files.max_bytes;
    if content_length(request.headers()).is_some_and(|length| length > limit) {
        return Err(FileError::TooLarge(limit).into());
    }
    let file = files::upload::put(&app, &caller, file_id(&id)?, incoming(request.into_body())).await?;
    Ok(Json(file.into()))
}
