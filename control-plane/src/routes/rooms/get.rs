//! `GET /api/v1/rooms/{room}`: one room, by id or code.

use std::sync::Arc;

use axum::extract::State;

use super::{RoomView, room_name};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment};
use crate::http::version::Tagged;
use crate::routes::problems::{Forbidden, Problems};
use crate::services::rooms;

/// A room, by its code with who is in its call for who may see that. By id for signed-in people, by code for anybody.
#[utoipa::path(get, path = "/rooms/{room}", tag = "rooms", operation_id = "get_room",
    params(("room" = String, Path, description = "Id or code")),
    security((), ("bearer" = []), ("cookie" = [])), responses((status = 200, body = RoomView), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(room): Segment,
) -> Result<Tagged<RoomView>, ApiError> {
    let name = room_name(&room)?;
    let (room, people) = rooms::look(&app, &caller, &name).await?;
    let version = room.updated_at;
    Ok(Tagged(RoomView::of(room, &name).with_people(people), version))
}
