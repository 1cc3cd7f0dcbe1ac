//! `DELETE /api/v1/me/sessions/{session_id}`: the end of one session.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::routes::problems::Problems;
use crate::services::sessions;

/// End one of one's sessions: both its tokens are dead from now on.
#[utoipa::path(delete, path = "/me/sessions/{session_id}", tag = "me", operation_id = "delete_session",
    params(("session_id" = Uuid, Path, description = "Id of the session")),
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(session_id): Segment,
) -> Result<StatusCode, ApiError> {
    let ended = match Uuid::try_parse(&session_id) {
        Ok(id) => sessions::revoke_own(&app, &who, id).await?,
        Err(_) => false,
    };
    if !ended {
        return Err(ApiError::not_found("session_not_found", "You have no such session, or it has ended."));
    }
    Ok(StatusCode::NO_CONTENT)
}
