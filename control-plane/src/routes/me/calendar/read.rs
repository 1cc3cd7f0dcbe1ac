//! `GET /api/v1/me/calendar/{feed}`: a calendar feed, for programs that cannot sign in.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{AnyoneAtAll, Segment};
use crate::routes::meetings::ics;
use crate::routes::problems::Problems;
use crate::services::meetings::calendar;

/// A calendar feed: the meetings of its owner as iCalendar data.
#[utoipa::path(get, path = "/me/calendar/{feed}", tag = "me", operation_id = "read_calendar_feed",
    params(("feed" = String, Path, description = "The token of the feed followed by `.ics`")),
    security(()), responses((status = 200, content((String = "text/calendar"))), Problems))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    AnyoneAtAll(caller): AnyoneAtAll,
    Segment(feed): Segment,
) -> Result<Response, ApiError> {
    let token = feed.strip_suffix(".ics").unwrap_or(&feed);
    Ok(ics::answered(calendar::read_feed(&app, &caller.facts, token).await?))
}
