//! `/api/v1/rooms/{room}/members`: who belongs to a room.

pub(crate) mod add;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod update;

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::model::clock::Micros;
use crate::model::member::Member;
use crate::model::room::RoomRole;
use crate::services::room_members::MemberError;

/// A member of a room.
#[derive(Serialize, ToSchema)]
pub(crate) struct RoomMemberView {
    user_id: Uuid,
    display_name: String,
    role: RoomRole,
    /// When they became one.
    joined_at: Micros,
}

impl From<Member> for RoomMemberView {
    fn from(member: Member) -> Self {
        Self {
            user_id: member.user_id,
            display_name: member.display_name,
            role: member.role,
            joined_at: member.joined_at,
        }
    }
}

/// Reads the member's id in a path; what is no id is no member.
fn member_id(text: &str) -> Result<Uuid, ApiError> {
    Uuid::try_parse(text).map_err(|_| MemberError::MemberNotFound.into())
}

impl From<MemberError> for ApiError {
    fn from(error: MemberError) -> Self {
        let conflict = |code, detail| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            MemberError::Room(error) => error.into(),
            MemberError::UserNotFound => user_not_found(),
            MemberError::MemberNotFound => Self::not_found("member_not_found", "This person is no member of the room."),
            MemberError::InvitationNotFound => {
                Self::not_found("invitation_not_found", "There is no such invitation, or it was used.")
            }
            MemberError::LastOwner => conflict("last_owner", "A room needs an owner. Make somebody else owner first."),
            MemberError::Banned => conflict("banned", "This person is banned from the room. Lift the ban first."),
            MemberError::TooMany => conflict("too_many_members", "The room has as many people as it can have."),
            MemberError::Store(error) => error.into(),
        }
    }
}

/// 404 about a person: not there, or a stranger to the caller.
pub(crate) fn user_not_found() -> ApiError {
    ApiError::not_found("user_not_found", "There is no such person among those you share something with.")
}
