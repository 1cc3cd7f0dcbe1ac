//! `GET /api/v1/rooms/{room}/lobby`: who waits, by pages.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::LobbyEntryView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Params, Segment, SignedIn};
use crate::routes::page::{self, PageQuery};
use crate::routes::problems::{Forbidden, Problems};
use crate::routes::rooms::room_name;
use crate::services::lobby;

/// A page of people who wait.
#[derive(Serialize, ToSchema)]
pub(crate) struct LobbyPage {
    items: Vec<LobbyEntryView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Who waits, the longest first; for owners, admins and cohosts.
#[utoipa::path(get, path = "/rooms/{room}/lobby", tag = "rooms", operation_id = "list_lobby",
    params(("room" = String, Path, description = "Id or code"), PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = LobbyPage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(room): Segment,
    Params(query): Params<PageQuery>,
) -> Result<Json<LobbyPage>, ApiError> {
    let after = query.after()?.unwrap_or(Uuid::nil());
    let rows = lobby::list(&app, &who, &room_name(&room)?, after, query.fetch()).await?;
    let (rows, next_cursor) = page::cut(rows, query.limit(), |entry| entry.id);
    Ok(Json(LobbyPage { items: rows.into_iter().map(Into::into).collect(), next_cursor }))
}
