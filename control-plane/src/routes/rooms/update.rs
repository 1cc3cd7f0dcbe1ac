//! `PATCH /api/v1/rooms/{room}`: changes of a room.

use std::sync::Arc;

use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{RoomView, room_name};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Segment, SignedIn, present};
use crate::http::validate;
use crate::http::version::Tagged;
use crate::model::clock::Micros;
use crate::model::room::{AccessLevel, RoomConfig};
use crate::routes::problems::Problems;
use crate::services::rooms::{self, RoomChange};

/// What is to change; what is left out stays.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct UpdateRoomRequest {
    #[garde(custom(validate::optional_name))]
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
    #[garde(custom(validate::optional_text))]
    #[schema(max_length = 2000)]
    description: Option<String>,
    access_level: Option<AccessLevel>,
    config: Option<RoomConfig>,
    /// null = unlimited.
    #[garde(custom(check_capacity))]
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 100_000)]
    capacity: Option<Option<i64>>,
    /// `false` closes the room: whoever is inside is removed, nobody gets in.
    is_active: Option<bool>,
    /// null = never.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Micros>)]
    expires_at: Option<Option<Micros>>,
}

fn check_capacity<C>(value: &Option<Option<i64>>, context: &C) -> garde::Result {
    super::check_capacity(&value.flatten(), context)
}

/// Change a room; its owner and its admins may.
#[utoipa::path(patch, path = "/rooms/{room}", tag = "rooms", operation_id = "update_room",
    params(("room" = String, Path, description = "Id or code")), request_body = UpdateRoomRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = RoomView), Problems))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(room): Segment,
    Body(request): Body<UpdateRoomRequest>,
) -> Result<Tagged<RoomView>, ApiError> {
    let name = room_name(&room)?;
    let change = RoomChange {
        name: request.name.map(|name| name.trim().to_owned()),
        description: request.description,
        access_level: request.access_level,
        config: request.config,
        capacity: request.capacity,
        is_active: request.is_active,
        expires_at: request.expires_at,
    };
    let room = rooms::update(&app, &who, &name, change).await?;
    let version = room.updated_at;
    Ok(Tagged(RoomView::of(room, &name), version))
}
