//! `POST /api/v1/meetings/{meeting_id}/start`: a meeting begins.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{MeetingView, meeting_id};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::routes::problems::{Conflict, Problems};
use crate::services::meetings::lifecycle;

/// Start a meeting, or the next time of a series if it is at most a day away; one that runs goes on.
#[utoipa::path(post, path = "/meetings/{meeting_id}/start", tag = "meetings", operation_id = "start_meeting",
    params(("meeting_id" = String, Path, description = "Id")),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = MeetingView), Problems, Conflict))]
pub(crate) async fn start(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(name): Segment,
) -> Result<Json<MeetingView>, ApiError> {
    let meeting = lifecycle::start(&app, &who, meeting_id(&name)?).await?;
    Ok(Json(MeetingView::of(&meeting, Some(who.user.id))))
}
