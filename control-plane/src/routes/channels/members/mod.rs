//! `/api/v1/channels/{channel_id}/members`: who is in a channel.

pub(crate) mod add;
pub(crate) mod list;
pub(crate) mod remove;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::clock::Micros;
use crate::model::organization::{ChannelMember, ChannelRole};

/// Somebody in a channel.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChannelMemberView {
    user_id: Uuid,
    display_name: String,
    role: ChannelRole,
    joined_at: Micros,
}

impl From<ChannelMember> for ChannelMemberView {
    fn from(member: ChannelMember) -> Self {
        Self {
            user_id: member.user_id,
            display_name: member.display_name,
            role: member.role,
            joined_at: member.joined_at,
        }
    }
}
