//! `GET /api/v1/rooms`: the caller's rooms.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::RoomView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Params, SignedIn};
use crate::model::room::{RoomName, RoomType};
use crate::model::text_enum::text_enum;
use crate::routes::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::Problems;
use crate::services::rooms;
use crate::store::rooms::RoomFilter;

text_enum! {
    /// In which order entries come, by when they were made.
    pub(crate) enum Order { Newest = "desc", Oldest = "asc" }
}

/// Which rooms, and how many.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(crate) struct ListRoomsQuery {
    /// Part of the name.
    #[garde(inner(length(chars, max = 80)), inner(custom(no_nul)))]
    #[param(max_length = 80)]
    q: Option<String>,
    #[serde(rename = "type")]
    room_type: Option<RoomType>,
    #[param(inline)]
    order: Option<Order>,
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    cursor: Option<String>,
}

fn no_nul<C>(value: &str, _: &C) -> garde::Result {
    if value.contains('\0') { Err(garde::Error::new("must not contain control characters")) } else { Ok(()) }
}

/// A page of rooms.
#[derive(Serialize, ToSchema)]
pub(crate) struct RoomPage {
    items: Vec<RoomView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// The rooms the caller belongs to.
#[utoipa::path(get, path = "/rooms", tag = "rooms", operation_id = "list_rooms", params(ListRoomsQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = RoomPage), Problems))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Params(query): Params<ListRoomsQuery>,
) -> Result<Json<RoomPage>, ApiError> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let filter = RoomFilter {
        room_type: query.room_type,
        q: query.q.as_deref().unwrap_or_default().trim(),
        after: page::read_cursor(query.cursor.as_deref())?,
        oldest_first: query.order == Some(Order::Oldest),
        limit: i64::from(limit) + 1,
    };
    let rows = rooms::list(&app, who.user.id, filter).await?;
    let (rows, next_cursor) = page::cut(rows, limit, |room| room.id);
    let view = |room: crate::model::room::Room| {
        let by = RoomName::Id(room.id);
        RoomView::of(room, &by)
    };
    Ok(Json(RoomPage { items: rows.into_iter().map(view).collect(), next_cursor }))
}
