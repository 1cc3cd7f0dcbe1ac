//! `POST /api/v1/channels/{channel_id}/join`: one enters a public channel.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::ChannelView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, SignedIn};
use crate::routes::problems::{Conflict, Problems};
use crate::services::channels;

/// Join a public channel; again is no change.
///
/// Problems: 404 `channel_not_found`, 409 `too_many_members`, 422 for who is not in the organization.
#[utoipa::path(post, path = "/channels/{channel_id}/join", tag = "channels", operation_id = "join_channel",
    params(("channel_id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = ChannelView), Problems, Conflict))]
pub(crate) async fn join(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
) -> Result<Json<ChannelView>, ApiError> {
    let [id] = ids;
    Ok(Json(channels::join(&app, &who, id).await?.into()))
}
