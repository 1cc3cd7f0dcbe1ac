//! `POST /api/v1/calls/{call_id}/end`: the end of a call for everybody.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{CallDetails, call_id};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment};
use crate::routes::problems::{Conflict, Problems};
use crate::services::hosting;

/// End a call for everybody; hosts may. Ending it twice is fine.
#[utoipa::path(post, path = "/calls/{call_id}/end", tag = "calls", operation_id = "end_call",
    params(("call_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = CallDetails), Problems, Conflict))]
pub(crate) async fn end(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
) -> Result<Json<CallDetails>, ApiError> {
    let call = hosting::end(&app, &caller, call_id(&id)?).await?;
    Ok(Json(CallDetails::of(call, app.clock.now())))
}
