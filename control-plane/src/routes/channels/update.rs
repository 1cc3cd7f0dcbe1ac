//! `PATCH /api/v1/channels/{channel_id}`: changes of a channel.

use std::sync::Arc;

use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::ChannelView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Ids, SignedIn};
use crate::http::validate;
use crate::http::version::Tagged;
use crate::model::organization::Visibility;
use crate::routes::problems::{Conflict, Problems};
use crate::services::channels::{self, ChannelChange};

/// What is to change; what is left out stays.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct UpdateChannelRequest {
    #[garde(custom(validate::optional_name))]
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
    #[garde(custom(validate::optional_text))]
    #[schema(max_length = 2000)]
    description: Option<String>,
    visibility: Option<Visibility>,
    /// Nobody writes in an archived channel.
    archived: Option<bool>,
}

/// Change or archive a channel; its admins may, and of a public one the organization's.
///
/// Problems: 403 `forbidden`, 404 `channel_not_found`, 409 `channel_name_taken`.
#[utoipa::path(patch, path = "/channels/{channel_id}", tag = "channels", operation_id = "update_channel",
    params(("channel_id" = Uuid, Path)), request_body = UpdateChannelRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = ChannelView), Problems, Conflict))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Body(request): Body<UpdateChannelRequest>,
) -> Result<Tagged<ChannelView>, ApiError> {
    let [id] = ids;
    let change = ChannelChange {
        name: request.name.map(|name| name.trim().to_owned()),
        description: request.description,
        visibility: request.visibility,
        archived: request.archived,
    };
    let channel = channels::update(&app, &who, id, change).await?;
    let version = channel.updated_at;
    Ok(Tagged(channel.into(), version))
}
