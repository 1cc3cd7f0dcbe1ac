//! `GET /api/v1/admin/stats`: how much there is of everything.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::Admin;
use crate::app::App;
use crate::error::ApiError;
use crate::routes::problems::{Forbidden, Problems};
use crate::services::administration;
use crate::store::admin::AdminCounts;

/// How much there is of everything, counted now.
#[utoipa::path(get, path = "/admin/stats", tag = "admin", operation_id = "admin_stats",
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = AdminCounts), Problems, Forbidden))]
pub(crate) async fn stats(State(app): State<Arc<App>>, _: Admin) -> Result<Json<AdminCounts>, ApiError> {
    Ok(Json(administration::count(&app).await?))
}
