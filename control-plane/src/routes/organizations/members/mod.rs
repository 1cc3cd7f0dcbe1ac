//! `/api/v1/organizations/{org_id}/members`: who belongs to an organization.

pub(crate) mod add;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod update;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::clock::Micros;
use crate::model::organization::{OrgMember, OrgRole};

/// A member of an organization.
#[derive(Serialize, ToSchema)]
pub(crate) struct MemberView {
    user_id: Uuid,
    display_name: String,
    /// For owners and admins alone, unless a stranger added them by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    role: OrgRole,
    joined_at: Micros,
}

impl MemberView {
    /// What the caller may see of a member.
    fn of(member: OrgMember, with_email: bool) -> Self {
        Self {
            user_id: member.user_id,
            display_name: member.display_name,
            email: (with_email && member.shows_email).then_some(member.email),
            role: member.role,
            joined_at: member.joined_at,
        }
    }
}
