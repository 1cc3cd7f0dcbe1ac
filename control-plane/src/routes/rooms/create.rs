//! `POST /api/v1/rooms`: a new room.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{RoomView, check_capacity};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, SignedIn};
use crate::http::validate;
use crate::model::clock::Micros;
use crate::model::room::{AccessLevel, RoomConfig, RoomName, RoomType};
use crate::routes::problems::{Conflict, NotFound, Problems};
use crate::services::rooms::{self, RoomForm};

/// What the room is to be.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct CreateRoomRequest {
    #[garde(custom(validate::name))]
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    #[garde(custom(validate::optional_text))]
    #[schema(max_length = 2000)]
    description: Option<String>,
    /// `video` unless given.
    #[serde(rename = "type")]
    room_type: Option<RoomType>,
    /// The caller's default unless given.
    access_level: Option<AccessLevel>,
    config: Option<RoomConfig>,
    /// People at once; unlimited unless given.
    #[garde(custom(check_capacity))]
    #[schema(minimum = 1, maximum = 100_000)]
    capacity: Option<i64>,
    /// `true` unless given.
    is_active: Option<bool>,
    /// In the future; never unless given.
    expires_at: Option<Micros>,
    /// An organization of the caller's, whose members are members of the room.
    org_id: Option<uuid::Uuid>,
}

/// Make a room; the caller owns it.
#[utoipa::path(post, path = "/rooms", tag = "rooms", operation_id = "create_room", request_body = CreateRoomRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 201, body = RoomView), Problems, NotFound, Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Body(request): Body<CreateRoomRequest>,
) -> Result<(StatusCode, Json<RoomView>), ApiError> {
    if request.expires_at.is_some_and(|at| at <= app.clock.now()) {
        return Err(ApiError::field("expires_at", "must lie in the future"));
    }
    let form = RoomForm {
        name: request.name.trim().to_owned(),
        description: request.description.unwrap_or_default(),
        room_type: request.room_type.unwrap_or(RoomType::Video),
        access_level: request.access_level.unwrap_or(who.user.default_room_access),
        config: request.config.unwrap_or_default(),
        capacity: request.capacity,
        is_active: request.is_active.unwrap_or(true),
        expires_at: request.expires_at,
        org_id: request.org_id,
    };
    let room = rooms::create(&app, &who, form).await?;
    let by = RoomName::Id(room.id);
    Ok((StatusCode::CREATED, Json(RoomView::of(room, &by))))
}
