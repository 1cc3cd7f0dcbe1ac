//! `POST /api/v1/rooms/{room}/lobby/{entry_id}/admit`: somebody is let in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{LobbyEntryView, entry_id};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{SignedIn, TwoSegments};
use crate::routes::problems::{Conflict, Problems};
use crate::routes::rooms::room_name;
use crate::services::lobby;

/// Let somebody in, for the call that runs or the next one.
#[utoipa::path(post, path = "/rooms/{room}/lobby/{entry_id}/admit", tag = "rooms", operation_id = "admit_from_lobby",
    params(("room" = String, Path, description = "Id or code"), ("entry_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = LobbyEntryView), Problems, Conflict))]
pub(crate) async fn admit(
    State(app): State<Arc<App>>,
    who: SignedIn,
    TwoSegments(room, id): TwoSegments,
) -> Result<Json<LobbyEntryView>, ApiError> {
    Ok(Json(lobby::decide(&app, &who, &room_name(&room)?, entry_id(&id)?, true).await?.into()))
}
