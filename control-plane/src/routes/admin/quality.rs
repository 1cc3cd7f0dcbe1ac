//! `GET /api/v1/admin/analytics/quality`: how good connections in all calls are, over time.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::Admin;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::Params;
use crate::routes::organizations::analytics::quality::QualityPerDay;
use crate::routes::organizations::analytics::{DEFAULT_DAYS, DaysQuery};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::quality;

/// How good connections were, day by day, in all calls of this server.
#[utoipa::path(get, path = "/admin/analytics/quality", tag = "admin", operation_id = "admin_quality_per_day",
    params(DaysQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = QualityPerDay), Problems, Forbidden))]
pub(crate) async fn per_day(
    State(app): State<Arc<App>>,
    _: Admin,
    Params(query): Params<DaysQuery>,
) -> Result<Json<QualityPerDay>, ApiError> {
    Ok(Json(quality::per_day(&app, None, query.days.unwrap_or(DEFAULT_DAYS)).await?.into()))
}
