//! `DELETE /api/v1/me/push-subscriptions/{subscription_id}`.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use super::not_found;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::routes::problems::Problems;
use crate::services::notifications::push;

/// No more pushes to one of one's browsers.
#[utoipa::path(delete, path = "/me/push-subscriptions/{subscription_id}", tag = "notifications",
    operation_id = "delete_push_subscription", params(("subscription_id" = Uuid, Path)),
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(subscription): Segment,
) -> Result<StatusCode, ApiError> {
    let id = Uuid::try_parse(&subscription).map_err(|_| not_found())?;
    match push::unsubscribe(&app, who.user.id, id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(not_found()),
    }
}
