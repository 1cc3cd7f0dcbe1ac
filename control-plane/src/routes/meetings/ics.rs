//! `GET /api/v1/meetings/{meeting_id}/calendar.ics`: one meeting for calendars.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::meeting_id;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Caller, Segment, SignedIn};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::meetings::calendar;

/// iCalendar data as an answer.
pub(crate) fn answered(text: String) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/calendar; charset=utf-8"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"meeting.ics\""));
    response
}

/// Answers the meeting named `name` as iCalendar data.
pub(super) async fn answer(app: &App, caller: &Caller, name: &str) -> Result<Response, ApiError> {
    Ok(answered(calendar::export(app, caller, meeting_id(name)?).await?))
}

/// One meeting as iCalendar data.
#[utoipa::path(get, path = "/meetings/{meeting_id}/calendar.ics", tag = "meetings", operation_id = "get_meeting_calendar",
    params(("meeting_id" = String, Path, description = "Id")), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, content((String = "text/calendar"))), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(name): Segment,
) -> Result<Response, ApiError> {
    answer(&app, &who.caller, &name).await
}
