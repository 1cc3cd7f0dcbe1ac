//! `GET /api/v1/rooms/{room}/bans`: who is kept out, by pages.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::BanView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Params, Segment, SignedIn};
use crate::routes::page::{self, PageQuery};
use crate::routes::problems::{Forbidden, Problems};
use crate::routes::rooms::room_name;
use crate::services::bans;

/// A page of bans.
#[derive(Serialize, ToSchema)]
pub(crate) struct BanPage {
    items: Vec<BanView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Bans in force, the newest first; for owners and admins.
#[utoipa::path(get, path = "/rooms/{room}/bans", tag = "rooms", operation_id = "list_room_bans",
    params(("room" = String, Path, description = "Id or code"), PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = BanPage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(room): Segment,
    Params(query): Params<PageQuery>,
) -> Result<Json<BanPage>, ApiError> {
    let before = query.after()?.unwrap_or(Uuid::max());
    let rows = bans::list(&app, &who, &room_name(&room)?, before, query.fetch()).await?;
    let (rows, next_cursor) = page::cut(rows, query.limit(), |ban| ban.id);
    Ok(Json(BanPage { items: rows.into_iter().map(Into::into).collect(), next_cursor }))
}
