//! `DELETE /api/v1/rooms/{room}/members/{user_id}`: the end of a membership.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use super::member_id;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{SignedIn, TwoSegments};
use crate::routes::problems::{Conflict, Problems};
use crate::routes::rooms::room_name;
use crate::services::room_members;

/// Remove a member, or leave. Owners remove anybody, admins members; the last owner stays.
#[utoipa::path(delete, path = "/rooms/{room}/members/{user_id}", tag = "rooms", operation_id = "remove_room_member",
    params(("room" = String, Path, description = "Id or code"), ("user_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems, Conflict))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    who: SignedIn,
    TwoSegments(room, user_id): TwoSegments,
) -> Result<StatusCode, ApiError> {
    room_members::remove(&app, &who, &room_name(&room)?, member_id(&user_id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
