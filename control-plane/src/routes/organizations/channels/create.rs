//! `POST /api/v1/organizations/{org_id}/channels`: a new channel.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Ids, SignedIn};
use crate::http::validate;
use crate::model::organization::Visibility;
use crate::routes::channels::ChannelView;
use crate::routes::problems::{Conflict, Problems};
use crate::services::channels::{self, ChannelForm};
use crate::store::organizations::OrgName;

/// What the channel is to be.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct CreateChannelRequest {
    #[garde(custom(validate::name))]
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    #[garde(custom(validate::optional_text))]
    #[schema(max_length = 2000)]
    description: Option<String>,
    /// `public` unless given.
    visibility: Option<Visibility>,
}

/// Make a channel; members of the organization may, viewers not. The caller is its admin.
///
/// Problems: 403 `forbidden`, 404 `organization_not_found`, 409 `channel_name_taken`, `too_many_channels`.
#[utoipa::path(post, path = "/organizations/{org_id}/channels", tag = "channels", operation_id = "create_channel",
    params(("org_id" = Uuid, Path)), request_body = CreateChannelRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 201, body = ChannelView), Problems, Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Body(request): Body<CreateChannelRequest>,
) -> Result<(StatusCode, Json<ChannelView>), ApiError> {
    let [id] = ids;
    let form = ChannelForm {
        name: request.name.trim().to_owned(),
        description: request.description.unwrap_or_default(),
        visibility: request.visibility.unwrap_or(Visibility::Public),
    };
    Ok((StatusCode::CREATED, Json(channels::create(&app, &who, &OrgName::Id(id), form).await?.into())))
}
