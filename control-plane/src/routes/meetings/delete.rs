//! `DELETE /api/v1/meetings/{meeting_id}`: the end of a meeting and of its own room.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use super::meeting_id;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::routes::problems::Problems;
use crate::services::meetings;

/// Delete a meeting; its organizer may. The room that was made for it goes with it.
#[utoipa::path(delete, path = "/meetings/{meeting_id}", tag = "meetings", operation_id = "delete_meeting",
    params(("meeting_id" = String, Path, description = "Id")),
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(name): Segment,
) -> Result<StatusCode, ApiError> {
    meetings::delete(&app, &who, meeting_id(&name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
