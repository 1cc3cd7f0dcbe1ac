//! `DELETE /api/v1/rooms/{room}/invitations/{invitation_id}`: an invitation taken back.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{SignedIn, TwoSegments};
use crate::routes::problems::Problems;
use crate::routes::rooms::room_name;
use crate::services::room_members::{self, MemberError};

/// Take an invitation back; owners and admins may.
#[utoipa::path(delete, path = "/rooms/{room}/invitations/{invitation_id}", tag = "rooms",
    operation_id = "withdraw_room_invitation",
    params(("room" = String, Path, description = "Id or code"), ("invitation_id" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems))]
pub(crate) async fn withdraw(
    State(app): State<Arc<App>>,
    who: SignedIn,
    TwoSegments(room, id): TwoSegments,
) -> Result<StatusCode, ApiError> {
    let name = room_name(&room)?;
    let id = Uuid::try_parse(&id).map_err(|_| ApiError::from(MemberError::InvitationNotFound))?;
    room_members::withdraw(&app, &who, &name, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
