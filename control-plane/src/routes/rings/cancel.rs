//! `POST /api/v1/calls/direct/{ring_id}/cancel`: who rings gives up.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{RingView, ring_id};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::model::ring::RingState;
use crate::routes::problems::{Conflict, Problems};
use crate::services::rings;

/// Give up ringing; the other finds a missed call.
#[utoipa::path(post, path = "/calls/direct/{ring_id}/cancel", tag = "calls", operation_id = "cancel_ring",
    params(("ring_id" = String, Path, description = "Id of the ring")),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = RingView), Problems, Conflict))]
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(name): Segment,
) -> Result<Json<RingView>, ApiError> {
    Ok(Json(rings::respond(&app, &who, ring_id(&name)?, RingState::Cancelled).await?.into()))
}
