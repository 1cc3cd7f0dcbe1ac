//! `DELETE /api/v1/meetings/{meeting_id}/invites/{invite_id}`: an invitation is taken back, or given back.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::SignedIn;
use crate::routes::meetings::{meeting_id, names::Names};
use crate::routes::problems::Problems;
use crate::services::meetings::{MeetingError, invites};

/// Take an invitation back, or leave a meeting by giving back one's own.
#[utoipa::path(delete, path = "/meetings/{meeting_id}/invites/{invite_id}", tag = "meetings",
    operation_id = "delete_meeting_invite", params(("meeting_id" = String, Path, description = "Id"),
    ("invite_id" = String, Path, description = "Id of the invitation")),
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems))]
pub(crate) async fn delete(State(app): State<Arc<App>>, who: SignedIn, names: Names) -> Result<StatusCode, ApiError> {
    let id = meeting_id(names.get("meeting_id"))?;
    let invite_id = Uuid::try_parse(names.get("invite_id")).map_err(|_| MeetingError::InviteNotFound)?;
    invites::remove(&app, &who, id, invite_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
