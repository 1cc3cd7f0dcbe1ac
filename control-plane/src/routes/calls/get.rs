//! `GET /api/v1/calls/{call_id}`: one call.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{CallDetails, call_id};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::CallAction;
use crate::services::{call_access, quality};

/// A call, for who may see it.
#[utoipa::path(get, path = "/calls/{call_id}", tag = "calls", operation_id = "get_call",
    params(("call_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = CallDetails), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
) -> Result<Json<CallDetails>, ApiError> {
    let call = call_access::find(&app, &caller, call_id(&id)?, CallAction::See).await?.call;
    let quality = quality::of_call(&app, call.id).await?;
    Ok(Json(CallDetails { quality: quality.map(Into::into), ..CallDetails::of(call, app.clock.now()) }))
}
