//! `POST /api/v1/calls/{call_id}/lock`: nobody new gets in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{CallDetails, call_id};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment};
use crate::routes::problems::{Conflict, Problems};
use crate::services::hosting;

/// Lock a call: only hosts, and who was in it within the last two minutes, get in.
#[utoipa::path(post, path = "/calls/{call_id}/lock", tag = "calls", operation_id = "lock_call",
    params(("call_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = CallDetails), Problems, Conflict))]
pub(crate) async fn lock(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
) -> Result<Json<CallDetails>, ApiError> {
    let call = hosting::set_lock(&app, &caller, call_id(&id)?, true).await?.call;
    Ok(Json(CallDetails::of(call, app.clock.now())))
}
