//! `POST /api/v1/calls/{call_id}/breakouts/open`: off they go.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::BreakoutList;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment};
use crate::routes::calls::call_id;
use crate::routes::problems::{Conflict, Problems};
use crate::services::breakouts;

/// Open the breakouts: everybody who is assigned is sent there. Opening takes a recall back.
#[utoipa::path(post, path = "/calls/{call_id}/breakouts/open", tag = "calls", operation_id = "open_breakouts",
    params(("call_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = BreakoutList), Problems, Conflict))]
pub(crate) async fn open(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
) -> Result<Json<BreakoutList>, ApiError> {
    Ok(Json(breakouts::open(&app, &caller, call_id(&id)?).await?.into()))
}
