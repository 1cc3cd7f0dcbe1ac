//! `GET /api/v1/channels/{channel_id}`: one channel.

use std::sync::Arc;

use axum::extract::State;

use super::ChannelView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, SignedIn};
use crate::http::version::Tagged;
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::ChannelAction;
use crate::services::channels;

/// A channel: a public one for members of the organization, a private one for its own. Problems: 404 `channel_not_found`.
#[utoipa::path(get, path = "/channels/{channel_id}", tag = "channels", operation_id = "get_channel",
    params(("channel_id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = ChannelView), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
) -> Result<Tagged<ChannelView>, ApiError> {
    let [id] = ids;
    let channel = channels::find(&app, &who, id, ChannelAction::See).await?;
    let version = channel.updated_at;
    Ok(Tagged(channel.into(), version))
}
