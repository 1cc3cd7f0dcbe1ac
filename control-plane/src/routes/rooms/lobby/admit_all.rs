//! `POST /api/v1/rooms/{room}/lobby/admit-all`: the door is opened.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::routes::problems::{Conflict, Problems};
use crate::routes::rooms::room_name;
use crate::services::lobby;

/// Who was let in.
#[derive(Serialize, ToSchema)]
pub(crate) struct AdmittedAll {
    /// People who waited.
    admitted: u64,
}

/// Let everybody in who waits now.
#[utoipa::path(post, path = "/rooms/{room}/lobby/admit-all", tag = "rooms", operation_id = "admit_all_from_lobby",
    params(("room" = String, Path, description = "Id or code")),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = AdmittedAll), Problems, Conflict))]
pub(crate) async fn admit_all(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(room): Segment,
) -> Result<Json<AdmittedAll>, ApiError> {
    let admitted = lobby::admit_all(&app, &who, &room_name(&room)?).await?;
    Ok(Json(AdmittedAll { admitted }))
}
