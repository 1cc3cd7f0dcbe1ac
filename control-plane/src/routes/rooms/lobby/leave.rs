//! `DELETE /api/v1/rooms/{room}/lobby/{entry_id}`: giving up.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use super::entry_id;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, TwoSegments};
use crate::routes::problems::Problems;
use crate::routes::rooms::room_name;
use crate::services::lobby;

/// Stop waiting; one's own entry alone.
#[utoipa::path(delete, path = "/rooms/{room}/lobby/{entry_id}", tag = "rooms", operation_id = "leave_lobby",
    params(("room" = String, Path, description = "Id or code"), ("entry_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems))]
pub(crate) async fn leave(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    TwoSegments(room, id): TwoSegments,
) -> Result<StatusCode, ApiError> {
    lobby::leave(&app, &caller, &room_name(&room)?, entry_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
