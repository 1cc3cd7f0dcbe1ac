//! `GET /api/v1/me/push-subscriptions`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::PushSubscriptionView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::SignedIn;
use crate::routes::problems::Problems;
use crate::services::notifications::push;

/// All of one's browsers; there are 20 at most.
#[derive(Serialize, ToSchema)]
pub(crate) struct PushSubscriptionList {
    items: Vec<PushSubscriptionView>,
}

/// One's browsers that take pushes, the newest first.
#[utoipa::path(get, path = "/me/push-subscriptions", tag = "notifications", operation_id = "list_push_subscriptions",
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = PushSubscriptionList), Problems))]
pub(crate) async fn list(State(app): State<Arc<App>>, who: SignedIn) -> Result<Json<PushSubscriptionList>, ApiError> {
    let rows = push::list(&app, who.user.id).await?;
    Ok(Json(PushSubscriptionList { items: rows.into_iter().map(Into::into).collect() }))
}
