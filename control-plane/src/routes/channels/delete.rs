//! `DELETE /api/v1/channels/{channel_id}`: the end of a channel.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, SignedIn};
use crate::routes::problems::Problems;
use crate::services::channels;

/// Delete a channel; its admins may, and of a public one the organization's.
///
/// Problems: 403 `forbidden`, 404 `channel_not_found`.
#[utoipa::path(delete, path = "/channels/{channel_id}", tag = "channels", operation_id = "delete_channel",
    params(("channel_id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])),
    responses((status = 204), Problems))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
) -> Result<StatusCode, ApiError> {
    let [id] = ids;
    channels::delete(&app, &who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
