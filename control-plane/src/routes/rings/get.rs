//! `GET /api/v1/calls/direct/{ring_id}`: what became of a ring.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{RingView, ring_id};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::routes::problems::Problems;
use crate::services::rings;

/// One ring, for its two sides.
#[utoipa::path(get, path = "/calls/direct/{ring_id}", tag = "calls", operation_id = "get_ring",
    params(("ring_id" = String, Path, description = "Id of the ring")),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = RingView), Problems))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(name): Segment,
) -> Result<Json<RingView>, ApiError> {
    Ok(Json(rings::find(&app, &who, ring_id(&name)?).await?.into()))
}
