//! `POST /api/v1/notifications/read-all`: the badge back to zero.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, SignedIn};
use crate::routes::problems::Problems;
use crate::services::notifications::inbox;

/// How far one has read.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct ReadAllRequest {
    /// The newest notification one has seen: what came after it stays unread. Everything unless given.
    up_to: Option<Uuid>,
}

/// What was done.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReadAllAnswer {
    /// Notifications that were unread; at 10000 there may be more, ask again.
    updated: u64,
}

/// Mark all of one's notifications read.
#[utoipa::path(post, path = "/notifications/read-all", tag = "notifications",
    operation_id = "mark_all_notifications_read", request_body = Option<ReadAllRequest>,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = ReadAllAnswer), Problems))]
pub(crate) async fn read_all(
    State(app): State<Arc<App>>,
    who: SignedIn,
    body: Option<Body<ReadAllRequest>>,
) -> Result<Json<ReadAllAnswer>, ApiError> {
    let up_to = body.and_then(|Body(request)| request.up_to);
    Ok(Json(ReadAllAnswer { updated: inbox::read_all(&app, who.user.id, up_to).await? }))
}
