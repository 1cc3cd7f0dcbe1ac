//! `GET /api/v1/calls/{call_id}/breakouts`: where people are sent.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::BreakoutList;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment};
use crate::routes::calls::call_id;
use crate::routes::problems::{Forbidden, Problems};
use crate::services::breakouts;

/// The breakouts of a call: all of them for hosts and cohosts, one's own for everybody else.
#[utoipa::path(get, path = "/calls/{call_id}/breakouts", tag = "calls", operation_id = "list_breakouts",
    params(("call_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = BreakoutList), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
) -> Result<Json<BreakoutList>, ApiError> {
    Ok(Json(breakouts::list(&app, &caller, call_id(&id)?).await?.into()))
}
