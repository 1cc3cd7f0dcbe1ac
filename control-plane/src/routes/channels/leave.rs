//! `POST /api/v1/channels/{channel_id}/leave`: one leaves a channel.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, SignedIn};
use crate::routes::problems::{Conflict, Problems};
use crate::services::channels;

/// Leave a channel. Problems: 404 `channel_not_found`.
#[utoipa::path(post, path = "/channels/{channel_id}/leave", tag = "channels", operation_id = "leave_channel",
    params(("channel_id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])),
    responses((status = 204), Problems, Conflict))]
pub(crate) async fn leave(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
) -> Result<StatusCode, ApiError> {
    let [id] = ids;
    channels::remove(&app, &who, id, who.user.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
