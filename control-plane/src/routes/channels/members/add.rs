//! `POST /api/v1/channels/{channel_id}/members`: somebody is added.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ChannelMemberView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Ids, SignedIn};
use crate::model::organization::ChannelRole;
use crate::routes::problems::{Conflict, Problems};
use crate::services::channels;

/// Who, and as what.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct AddChannelMemberRequest {
    /// A member of the organization.
    user_id: Uuid,
    /// `member` unless given.
    role: Option<ChannelRole>,
}

/// Add a member of the organization to a channel; who may change the channel may.
///
/// Problems: 403 `forbidden`, 404 `channel_not_found`, 409 `too_many_members`.
#[utoipa::path(post, path = "/channels/{channel_id}/members", tag = "channels", operation_id = "add_channel_member",
    params(("channel_id" = Uuid, Path)), request_body = AddChannelMemberRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "They were in it", body = ChannelMemberView),
        (status = 201, description = "They are in it now", body = ChannelMemberView), Problems, Conflict))]
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Body(request): Body<AddChannelMemberRequest>,
) -> Result<(StatusCode, Json<ChannelMemberView>), ApiError> {
    let [id] = ids;
    let role = request.role.unwrap_or(ChannelRole::Member);
    let (member, fresh) = channels::add(&app, &who, id, request.user_id, role).await?;
    let status = if fresh { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(member.into())))
}
