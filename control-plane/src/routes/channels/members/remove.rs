//! `DELETE /api/v1/channels/{channel_id}/members/{user_id}`: somebody is removed, or leaves.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, SignedIn};
use crate::routes::problems::Problems;
use crate::services::channels;

/// Remove a member of a channel; who may change it may, and everybody themselves.
///
/// Problems: 403 `forbidden`, 404 `channel_not_found`, `member_not_found`.
#[utoipa::path(delete, path = "/channels/{channel_id}/members/{user_id}", tag = "channels", operation_id = "remove_channel_member",
    params(("channel_id" = Uuid, Path), ("user_id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])),
    responses((status = 204), Problems))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<2>,
) -> Result<StatusCode, ApiError> {
    let [id, user_id] = ids;
    channels::remove(&app, &who, id, user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
