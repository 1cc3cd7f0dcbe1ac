//! `POST /api/v1/admin/jobs/{job_id}/retry`: a dead job gets another chance.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use uuid::Uuid;

use super::Admin;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::Segment;
use crate::routes::jobs::{JobView, not_found};
use crate::routes::problems::{Conflict, Problems};
use crate::services::administration;

/// Put a dead job back into the queue. 409 `job_not_dead` or `already_queued`.
#[utoipa::path(post, path = "/admin/jobs/{job_id}/retry", tag = "admin", operation_id = "admin_retry_job",
    params(("job_id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = JobView), Problems, Conflict))]
pub(crate) async fn retry(
    State(app): State<Arc<App>>,
    Admin(who): Admin,
    Segment(id): Segment,
) -> Result<Json<JobView>, ApiError> {
    let id = Uuid::try_parse(&id).map_err(|_| not_found())?;
    Ok(Json(administration::retry_job(&app, &who, id).await?.into()))
}
