//! `POST /api/v1/meetings/{meeting_id}/cancel`: a meeting does not take place.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{MeetingView, meeting_id};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::routes::problems::{Conflict, Problems};
use crate::services::meetings::lifecycle;

/// Call a meeting off, with all that is still to come of it.
#[utoipa::path(post, path = "/meetings/{meeting_id}/cancel", tag = "meetings", operation_id = "cancel_meeting",
    params(("meeting_id" = String, Path, description = "Id")),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = MeetingView), Problems, Conflict))]
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(name): Segment,
) -> Result<Json<MeetingView>, ApiError> {
    let meeting = lifecycle::cancel(&app, &who, meeting_id(&name)?).await?;
    Ok(Json(MeetingView::of(&meeting, Some(who.user.id))))
}
