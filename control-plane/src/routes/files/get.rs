//! `GET /api/v1/files/{file_id}`: what a file is, and how far its upload is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::file_id;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment};
use crate::model::file::FileView;
use crate::routes::problems::{Forbidden, Problems};
use crate::services::files;

/// A file: its state, and while it is uploaded how much of it has come.
#[utoipa::path(get, path = "/files/{file_id}", tag = "files", operation_id = "get_file",
    params(("file_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = FileView), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
) -> Result<Json<FileView>, ApiError> {
    Ok(Json(files::find(&app, &caller.actor, file_id(&id)?).await?.into()))
}
