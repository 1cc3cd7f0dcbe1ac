//! `/api/v1/channels`: threads of an organization.

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod join;
pub(crate) mod leave;
pub(crate) mod members;
pub(crate) mod update;

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::organizations::refused;
use crate::app::App;
use crate::error::ApiError;
use crate::model::clock::Micros;
use crate::model::organization::{Channel, ChannelRole, Visibility};
use crate::services::authorize::Refusal;
use crate::services::channels::ChannelError;

/// Every route of channels but those below organizations.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get::get, update::update, delete::delete))
        .routes(routes!(join::join))
        .routes(routes!(leave::leave))
        .routes(routes!(members::list::list, members::add::add))
        .routes(routes!(members::remove::remove))
}

/// A channel.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChannelView {
    id: Uuid,
    org_id: Uuid,
    name: String,
    description: String,
    visibility: Visibility,
    conversation_id: Uuid,
    /// The caller's role in it; null for who is not in it.
    role: Option<ChannelRole>,
    /// People in it.
    members: i64,
    created_at: Micros,
    updated_at: Micros,
    /// Since when nobody writes there any more.
    archived_at: Option<Micros>,
}

impl From<Channel> for ChannelView {
    fn from(channel: Channel) -> Self {
        Self {
            id: channel.id,
            org_id: channel.org_id,
            name: channel.name,
            description: channel.description,
            visibility: channel.visibility,
            conversation_id: channel.conversation_id,
            role: channel.role,
            members: channel.members,
            created_at: channel.created_at,
            updated_at: channel.updated_at,
            archived_at: channel.archived_at,
        }
    }
}

impl From<ChannelError> for ApiError {
    fn from(error: ChannelError) -> Self {
        let conflict = |code, detail: &str| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            ChannelError::Refused(Refusal::NotFound) => {
                Self::not_found("channel_not_found", "There is no such channel.")
            }
            ChannelError::Refused(refusal) | ChannelError::NoOrganization(refusal) => refused(refusal),
            ChannelError::NameTaken => {
                conflict("channel_name_taken", "The organization has a channel of this name. Choose a different one.")
            }
            ChannelError::TooMany => conflict("too_many_channels", "The organization has as many channels as allowed."),
            ChannelError::TooManyMembers => conflict("too_many_members", "The channel has as many members as allowed."),
            ChannelError::NotInOrganization => Self::field("user_id", "is no member of the organization"),
            ChannelError::NoSuchMember => Self::not_found("member_not_found", "There is no such member."),
            ChannelError::Store(error) => error.into(),
        }
    }
}
