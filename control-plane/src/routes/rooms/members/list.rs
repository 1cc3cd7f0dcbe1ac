//! `GET /api/v1/rooms/{room}/members`: the members, by pages.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::RoomMemberView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Params, Segment, SignedIn};
use crate::routes::page::{self, PageQuery};
use crate::routes::problems::{Forbidden, Problems};
use crate::routes::rooms::room_name;
use crate::services::room_members;

/// A page of members.
#[derive(Serialize, ToSchema)]
pub(crate) struct RoomMemberPage {
    items: Vec<RoomMemberView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// The members of a room, for its members.
#[utoipa::path(get, path = "/rooms/{room}/members", tag = "rooms", operation_id = "list_room_members",
    params(("room" = String, Path, description = "Id or code"), PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = RoomMemberPage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(room): Segment,
    Params(query): Params<PageQuery>,
) -> Result<Json<RoomMemberPage>, ApiError> {
    let after = query.after()?.unwrap_or(Uuid::nil());
    let rows = room_members::list(&app, &who, &room_name(&room)?, after, query.fetch()).await?;
    let (rows, next_cursor) = page::cut(rows, query.limit(), |member| member.user_id);
    Ok(Json(RoomMemberPage { items: rows.into_iter().map(Into::into).collect(), next_cursor }))
}
