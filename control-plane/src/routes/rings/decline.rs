//! `POST /api/v1/calls/direct/{ring_id}/decline`: who is rung does not want to talk.

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

/// Decline a ring.
#[utoipa::path(post, path = "/calls/direct/{ring_id}/decline", tag = "calls", operation_id = "decline_ring",
    params(("ring_id" = String, Path, description = "Id of the ring")),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = RingView), Problems, Conflict))]
pub(crate) async fn decline(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(name): Segment,
) -> Result<Json<RingView>, ApiError> {
    Ok(Json(rings::respond(&app, &who, ring_id(&name)?, RingState::Declined).await?.into()))
}
