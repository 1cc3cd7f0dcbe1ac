//! `GET /api/v1/jobs/{job_id}`: how work that a request caused is getting on.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::problems::Problems;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::model::clock::Micros;
use crate::model::job::JobState;
use crate::store::jobs::{self, JobRow};

/// The routes below `/jobs`.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get))
}

/// A job, without what it carries.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobView {
    id: Uuid,
    kind: String,
    state: JobState,
    /// Tries so far.
    attempts: i64,
    /// Tries before it is given up.
    max_attempts: i64,
    /// When it is tried next, while it waits.
    run_at: Micros,
    created_at: Micros,
    finished_at: Option<Micros>,
}

impl From<JobRow> for JobView {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            state: row.state,
            attempts: row.attempts,
            max_attempts: row.max_attempts,
            run_at: row.run_at,
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}

/// 404: no such job, or somebody else's.
pub(super) fn not_found() -> ApiError {
    ApiError::not_found("job_not_found", "There is no such job, or it is not yours.")
}

/// A job that a request of one's own caused; every 202 that names a `job_id` can be followed here.
#[utoipa::path(get, path = "/jobs/{job_id}", tag = "server", operation_id = "get_job",
    params(("job_id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = JobView), Problems))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(id): Segment,
) -> Result<Json<JobView>, ApiError> {
    let id = Uuid::try_parse(&id).map_err(|_| not_found())?;
    let job = jobs::find_of_user(&app.db, id, who.user.id).await?.ok_or_else(not_found)?;
    Ok(Json(job.into()))
}
