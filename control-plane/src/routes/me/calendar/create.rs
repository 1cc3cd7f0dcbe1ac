//! `POST /api/v1/me/calendar`: a calendar feed, new or in place of the old one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::SignedIn;
use crate::routes::problems::Problems;
use crate::services::meetings::calendar;

/// A new calendar feed.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewCalendarFeed {
    /// What a calendar subscribes to; told this once. Whoever has it can read the calendar.
    url: String,
}

/// Make one's calendar feed, or replace it: the address before opens nothing any more.
#[utoipa::path(post, path = "/me/calendar", tag = "me", operation_id = "create_my_calendar",
    security(("bearer" = []), ("cookie" = [])), responses((status = 201, body = NewCalendarFeed), Problems))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    who: SignedIn,
) -> Result<(StatusCode, Json<NewCalendarFeed>), ApiError> {
    Ok((StatusCode::CREATED, Json(NewCalendarFeed { url: calendar::make_feed(&app, &who).await? })))
}
