//! `DELETE /api/v1/rooms/{room}/bans/{ban_id}`: a ban lifted.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{SignedIn, TwoSegments};
use crate::routes::problems::Problems;
use crate::routes::rooms::room_name;
use crate::services::bans::{self, BanError};

/// Lift a ban; owners and admins may.
#[utoipa::path(delete, path = "/rooms/{room}/bans/{ban_id}", tag = "rooms", operation_id = "lift_room_ban",
    params(("room" = String, Path, description = "Id or code"), ("ban_id" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems))]
pub(crate) async fn lift(
    State(app): State<Arc<App>>,
    who: SignedIn,
    TwoSegments(room, id): TwoSegments,
) -> Result<StatusCode, ApiError> {
    let name = room_name(&room)?;
    let id = Uuid::try_parse(&id).map_err(|_| ApiError::from(BanError::BanNotFound))?;
    bans::unban(&app, &who, &name, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
