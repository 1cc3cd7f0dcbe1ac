//! `DELETE /api/v1/rooms/{room}`: the end of a room.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use super::room_name;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::routes::problems::Problems;
use crate::services::rooms;

/// Delete a room; its owner may. Whoever is in its call is removed, and meetings still to come in it are cancelled.
#[utoipa::path(delete, path = "/rooms/{room}", tag = "rooms", operation_id = "delete_room",
    params(("room" = String, Path, description = "Id or code")),
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(room): Segment,
) -> Result<StatusCode, ApiError> {
    rooms::delete(&app, &who, &room_name(&room)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
