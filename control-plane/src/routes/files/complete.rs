//! `POST /api/v1/files/{file_id}/complete`: a presigned upload is done.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::file_id;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment};
use crate::model::file::FileView;
use crate::routes::problems::{Conflict, Problems};
use crate::services::files::presigned;

/// A file that is being checked.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckingFile {
    /// As it is now; `file.ready` tells when it can be read.
    file: FileView,
    /// To be followed at `/jobs/{id}`; null for guests, or when the check is under way already.
    job_id: Option<Uuid>,
}

/// Say that a presigned upload is done; its content is checked by a job.
///
/// 409 `upload_incomplete` when nothing has arrived, `file_not_pending`.
#[utoipa::path(post, path = "/files/{file_id}/complete", tag = "files", operation_id = "complete_file",
    params(("file_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 202, body = CheckingFile), Problems, Conflict))]
pub(crate) async fn complete(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
) -> Result<(StatusCode, Json<CheckingFile>), ApiError> {
    let (file, job_id) = presigned::complete(&app, &caller, file_id(&id)?).await?;
    Ok((StatusCode::ACCEPTED, Json(CheckingFile { file: file.into(), job_id })))
}
