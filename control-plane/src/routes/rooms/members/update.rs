//! `PATCH /api/v1/rooms/{room}/members/{user_id}`: another role.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{RoomMemberView, member_id};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, SignedIn, TwoSegments};
use crate::model::room::RoomRole;
use crate::routes::problems::{Conflict, Problems};
use crate::routes::rooms::room_name;
use crate::services::room_members;

/// The role to give.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct UpdateRoomMemberRequest {
    role: RoomRole,
}

/// Give a member another role; owners may. The last owner stays one.
#[utoipa::path(patch, path = "/rooms/{room}/members/{user_id}", tag = "rooms", operation_id = "update_room_member",
    params(("room" = String, Path, description = "Id or code"), ("user_id" = uuid::Uuid, Path)),
    request_body = UpdateRoomMemberRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = RoomMemberView), Problems, Conflict))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    who: SignedIn,
    TwoSegments(room, user_id): TwoSegments,
    Body(request): Body<UpdateRoomMemberRequest>,
) -> Result<Json<RoomMemberView>, ApiError> {
    let member = room_members::update(&app, &who, &room_name(&room)?, member_id(&user_id)?, request.role).await?;
    Ok(Json(member.into()))
}
