//! `POST /api/v1/rooms/{room}/lobby/{entry_id}/deny`: somebody is turned away.

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

/// Turn somebody away; for ten minutes they cannot ask again as the same person.
#[utoipa::path(post, path = "/rooms/{room}/lobby/{entry_id}/deny", tag = "rooms", operation_id = "deny_from_lobby",
    params(("room" = String, Path, description = "Id or code"), ("entry_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = LobbyEntryView), Problems, Conflict))]
pub(crate) async fn deny(
    State(app): State<Arc<App>>,
    who: SignedIn,
    TwoSegments(room, id): TwoSegments,
) -> Result<Json<LobbyEntryView>, ApiError> {
    Ok(Json(lobby::decide(&app, &who, &room_name(&room)?, entry_id(&id)?, false).await?.into()))
}
