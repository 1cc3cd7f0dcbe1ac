//! `GET /api/v1/me/calendar`: whether one has a calendar feed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::SignedIn;
use crate::model::clock::Micros;
use crate::routes::problems::Problems;
use crate::services::meetings::calendar;

/// One's calendar feed.
#[derive(Serialize, ToSchema)]
pub(crate) struct CalendarFeed {
    /// Since when there is one; null when there is none.
    created_at: Option<Micros>,
}

/// Whether one has a calendar feed; its address was told when it was made.
#[utoipa::path(get, path = "/me/calendar", tag = "me", operation_id = "get_my_calendar",
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = CalendarFeed), Problems))]
pub(crate) async fn get(State(app): State<Arc<App>>, who: SignedIn) -> Result<Json<CalendarFeed>, ApiError> {
    Ok(Json(CalendarFeed { created_at: calendar::find_feed(&app, who.user.id).await? }))
}
