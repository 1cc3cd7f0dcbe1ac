//! `POST /api/v1/invites/{invite}/decline`: somebody does not come.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{AnsweredInvite, answer};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment};
use crate::model::meeting::InviteStatus;
use crate::routes::problems::{Conflict, Problems};

/// Decline an invitation to a meeting.
#[utoipa::path(post, path = "/invites/{invite}/decline", tag = "meetings", operation_id = "decline_meeting_invite",
    params(("invite" = String, Path, description = "Token of the invitation; its id for who is signed in as the invited")),
    security((), ("bearer" = []), ("cookie" = [])), responses((status = 200, body = AnsweredInvite), Problems, Conflict))]
pub(crate) async fn decline(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(name): Segment,
) -> Result<Json<AnsweredInvite>, ApiError> {
    answer(&app, &caller, &name, InviteStatus::Declined).await
}
