//! `DELETE /api/v1/me/calendar`: the end of one's calendar feed.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::SignedIn;
use crate::routes::problems::{NotFound, Problems};
use crate::services::meetings::calendar;

/// End one's calendar feed.
#[utoipa::path(delete, path = "/me/calendar", tag = "me", operation_id = "delete_my_calendar",
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems, NotFound))]
pub(crate) async fn delete(State(app): State<Arc<App>>, who: SignedIn) -> Result<StatusCode, ApiError> {
    calendar::end_feed(&app, &who).await?;
    Ok(StatusCode::NO_CONTENT)
}
