//! `DELETE /api/v1/notifications/{notification_id}`.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use super::id;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::routes::problems::Problems;
use crate::services::notifications::inbox;

/// Take a notification out of one's inbox.
#[utoipa::path(delete, path = "/notifications/{notification_id}", tag = "notifications",
    operation_id = "delete_notification", params(("notification_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(notification): Segment,
) -> Result<StatusCode, ApiError> {
    inbox::delete(&app, who.user.id, id(&notification)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
