//! `GET /api/v1/invites/{invite}`: what one is invited to, before one answers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AnsweredInvite;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment};
use crate::model::meeting::MeetingStatus;
use crate::routes::meetings::OccurrenceView;
use crate::routes::problems::Problems;
use crate::services::meetings::invites;

/// What an invitation is to, also when that is over.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitationDetail {
    #[serde(flatten)]
    answered: AnsweredInvite,
    description: String,
    /// RFC 5545, without `RRULE:`; null for a meeting that happens once.
    rrule: Option<String>,
    status: MeetingStatus,
    /// The time that runs, or the next one; null when none is left.
    next_occurrence: Option<OccurrenceView>,
}

/// What one is invited to. Problems: 404 `invite_not_found`.
#[utoipa::path(get, path = "/invites/{invite}", tag = "meetings", operation_id = "get_meeting_invite",
    params(("invite" = String, Path, description = "Token of the invitation; its id for who is signed in as the invited")),
    security((), ("bearer" = []), ("cookie" = [])), responses((status = 200, body = InvitationDetail), Problems))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(name): Segment,
) -> Result<Json<InvitationDetail>, ApiError> {
    let (meeting, invite, next) = invites::see(&app, &caller, &name).await?;
    Ok(Json(InvitationDetail {
        description: meeting.description.clone(),
        rrule: meeting.rrule.clone(),
        status: meeting.status,
        next_occurrence: next.map(|next| OccurrenceView::of(next, &meeting)),
        answered: AnsweredInvite::of(meeting, invite),
    }))
}
