//! `POST /api/v1/calls/{call_id}/lower-hands`: every question is answered.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::call_id;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment};
use crate::routes::problems::{Conflict, Problems};
use crate::services::hosting_media;

/// Whose hands went down.
#[derive(Serialize, ToSchema)]
pub(crate) struct HandsLowered {
    /// Hands that were raised.
    lowered: usize,
}

/// Lower every raised hand; hosts and cohosts may.
#[utoipa::path(post, path = "/calls/{call_id}/lower-hands", tag = "calls", operation_id = "lower_hands",
    params(("call_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = HandsLowered), Problems, Conflict))]
pub(crate) async fn lower_hands(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
) -> Result<Json<HandsLowered>, ApiError> {
    let lowered = hosting_media::lower_hands(&app, &caller, call_id(&id)?).await?;
    Ok(Json(HandsLowered { lowered }))
}
