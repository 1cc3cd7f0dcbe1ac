//! `GET /api/v1/meetings/{meeting_id}`: one meeting, as JSON or, with `.ics` appended, for calendars.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::{MeetingView, OccurrenceView, ics, meeting_id};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::http::version::Tagged;
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::MeetingAction;
use crate::services::meetings;
use crate::store::meeting_occurrences;

/// A meeting with its next occurrence.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeetingDetail {
    #[serde(flatten)]
    meeting: MeetingView,
    /// The occurrence that runs, or the next one; null when none is left.
    next_occurrence: Option<OccurrenceView>,
}

/// One meeting; with `.ics` after the id, as iCalendar data.
#[utoipa::path(get, path = "/meetings/{meeting_id}", tag = "meetings", operation_id = "get_meeting",
    params(("meeting_id" = String, Path, description = "Id; followed by `.ics` for calendar data")),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, content(
    (MeetingDetail = "application/json"), (String = "text/calendar"))), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(name): Segment,
) -> Result<Response, ApiError> {
    if let Some(id) = name.strip_suffix(".ics") {
        return ics::answer(&app, &who.caller, id).await;
    }
    let meeting = meetings::find(&app, &who.caller, meeting_id(&name)?, MeetingAction::See).await?;
    let next = meeting_occurrences::find_next(&app.db, meeting.id, app.clock.now()).await?;
    let next_occurrence = next.map(|next| OccurrenceView::of(next, &meeting));
    let version = meeting.updated_at;
    let meeting = MeetingView::of(&meeting, Some(who.user.id));
    Ok(Tagged(MeetingDetail { meeting, next_occurrence }, version).into_response())
}
