//! `POST /api/v1/calls/{call_id}/breakouts/close`: everybody back.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::BreakoutList;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Body, Segment};
use crate::routes::calls::call_id;
use crate::routes::problems::{Conflict, Problems};
use crate::services::breakouts;

/// Longest grace, in seconds.
const MAX_GRACE_S: u64 = 300;
/// Grace nobody gave, in seconds.
const DEFAULT_GRACE_S: u64 = 60;

/// How to call back.
#[derive(Default, Deserialize, Validate, ToSchema)]
pub(crate) struct CloseBreakoutsRequest {
    /// Seconds people may stay on: 0 to 300, 60 unless given.
    #[garde(inner(range(max = MAX_GRACE_S)))]
    #[schema(minimum = 0, maximum = 300)]
    grace_s: Option<u64>,
}

/// Call everybody back; after the grace the breakouts close and whoever is still there is removed.
#[utoipa::path(post, path = "/calls/{call_id}/breakouts/close", tag = "calls", operation_id = "close_breakouts",
    params(("call_id" = uuid::Uuid, Path)), request_body = Option<CloseBreakoutsRequest>,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = BreakoutList), Problems, Conflict))]
pub(crate) async fn close(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
    body: Option<Body<CloseBreakoutsRequest>>,
) -> Result<Json<BreakoutList>, ApiError> {
    let request = body.map(|Body(request)| request).unwrap_or_default();
    let grace = Duration::from_secs(request.grace_s.unwrap_or(DEFAULT_GRACE_S));
    Ok(Json(breakouts::close(&app, &caller, call_id(&id)?, grace).await?.into()))
}
