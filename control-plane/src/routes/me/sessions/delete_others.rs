//! `DELETE /api/v1/me/sessions`: the end of every other session.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::SignedIn;
use crate::routes::problems::Problems;
use crate::services::sessions;

/// End every session of one's own but the one this request came with.
#[utoipa::path(delete, path = "/me/sessions", tag = "me", operation_id = "delete_other_sessions",
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems))]
pub(crate) async fn delete_others(State(app): State<Arc<App>>, who: SignedIn) -> Result<StatusCode, ApiError> {
    sessions::revoke_others(&app, &who).await?;
    Ok(StatusCode::NO_CONTENT)
}
