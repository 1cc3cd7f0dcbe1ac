//! `POST /api/v1/rooms/{room}/members`: a new member, or an invitation.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::RoomMemberView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Segment, SignedIn};
use crate::http::validate;
use crate::model::room::RoomRole;
use crate::routes::problems::{Conflict, Problems};
use crate::routes::rooms::room_name;
use crate::services::room_members::{self, Added, Wanted};

/// Whom to add: by id or by address.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct AddRoomMemberRequest {
    /// Somebody the caller shares a room with, or who came to this one.
    user_id: Option<Uuid>,
    #[garde(inner(custom(validate::email)))]
    #[schema(max_length = 254)]
    email: Option<String>,
    /// `member` unless given.
    role: Option<RoomRole>,
}

/// An address was invited; whether anybody has it is not told.
#[derive(Serialize, ToSchema)]
pub(crate) struct RoomInvited {
    /// Always true.
    invited: bool,
}

/// Add a member; owners any role, admins members. An address that is no acquaintance's is invited: 202.
#[utoipa::path(post, path = "/rooms/{room}/members", tag = "rooms", operation_id = "add_room_member",
    params(("room" = String, Path, description = "Id or code")), request_body = AddRoomMemberRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 201, body = RoomMemberView),
    (status = 200, description = "A member already", body = RoomMemberView),
    (status = 202, description = "Invited", body = RoomInvited), Problems, Conflict))]
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(room): Segment,
    Body(request): Body<AddRoomMemberRequest>,
) -> Result<Response, ApiError> {
    let wanted = match (request.user_id, request.email) {
        (Some(id), None) => Wanted::User(id),
        (None, Some(email)) => Wanted::Email(validate::fold_email(&email)),
        _ => return Err(ApiError::field("user_id", "give either user_id or email")),
    };
    let role = request.role.unwrap_or(RoomRole::Member);
    let answer = match room_members::add(&app, &who, &room_name(&room)?, wanted, role).await? {
        Added::New(member) => (StatusCode::CREATED, Json(RoomMemberView::from(member))).into_response(),
        Added::Already(member) => Json(RoomMemberView::from(member)).into_response(),
        Added::Invited => (StatusCode::ACCEPTED, Json(RoomInvited { invited: true })).into_response(),
    };
    Ok(answer)
}
