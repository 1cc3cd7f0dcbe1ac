//! `POST /api/v1/notifications/{notification_id}/unread`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::id;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::model::notification::Notification;
use crate::routes::problems::Problems;
use crate::services::notifications::inbox;

/// Mark a notification unread. Again is no change.
#[utoipa::path(post, path = "/notifications/{notification_id}/unread", tag = "notifications",
    operation_id = "mark_notification_unread", params(("notification_id" = uuid::Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = Notification), Problems))]
pub(crate) async fn unread(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(notification): Segment,
) -> Result<Json<Notification>, ApiError> {
    Ok(Json(inbox::mark(&app, who.user.id, id(&notification)?, false).await?))
}
