//! `/api/v1/invites/{invite}`: answers to invitations to meetings.

pub(crate) mod accept;
pub(crate) mod decline;
pub(crate) mod get;
pub(crate) mod tentative;

use std::sync::Arc;

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::meetings::invites::InviteView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::Caller;
use crate::model::clock::Micros;
use crate::model::meeting::{Invite, InviteStatus, Meeting};
use crate::services::meetings::invites;

/// The routes of this noun.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get::get))
        .routes(routes!(accept::accept))
        .routes(routes!(decline::decline))
        .routes(routes!(tentative::tentative))
}

/// An answered invitation, and what it is to: enough for who has no account.
#[derive(Serialize, ToSchema)]
pub(crate) struct AnsweredInvite {
    invite: InviteView,
    meeting_id: Uuid,
    title: String,
    organizer_name: String,
    starts_at: Micros,
    timezone: String,
    duration_min: i64,
    room_code: String,
}

impl AnsweredInvite {
    fn of(meeting: Meeting, invite: Invite) -> Self {
        Self {
            invite: InviteView::of(invite, true, None),
            meeting_id: meeting.id,
            title: meeting.title,
            organizer_name: meeting.organizer_name,
            starts_at: meeting.starts_at,
            timezone: meeting.timezone,
            duration_min: meeting.duration_min,
            room_code: meeting.room_code,
        }
    }
}

async fn answer(
    app: &App,
    caller: &Caller,
    name: &str,
    status: InviteStatus,
) -> Result<Json<AnsweredInvite>, ApiError> {
    let (meeting, invite) = invites::answer(app, caller, name, status).await?;
    Ok(Json(AnsweredInvite::of(meeting, invite)))
}
