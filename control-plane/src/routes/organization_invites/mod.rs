//! `/api/v1/organization-invites`: answers of people who were asked to join an organization.

pub(crate) mod accept;
pub(crate) mod decline;
pub(crate) mod get;
pub(crate) mod mine;

use std::sync::Arc;

use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::page::{self, MAX_LIMIT};
use crate::app::App;
use crate::error::ApiError;
use crate::model::clock::Micros;
use crate::model::organization::{OrgInvite, OrgRole};
use crate::services::organization_invites::{InviteError, InviteName};

/// Every route of invites but those below organizations.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(mine::mine))
        .routes(routes!(get::get))
        .routes(routes!(accept::accept))
        .routes(routes!(decline::decline))
}

/// How many invites, and from where.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListOrgInvitesQuery {
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    pub(super) limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    pub(super) cursor: Option<String>,
}

/// An invite to an organization.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrgInviteView {
    id: Uuid,
    org_id: Uuid,
    org_name: String,
    /// The address it was sent to.
    email: String,
    role: OrgRole,
    invited_by: Uuid,
    invited_by_name: String,
    created_at: Micros,
    expires_at: Micros,
}

impl From<OrgInvite> for OrgInviteView {
    fn from(invite: OrgInvite) -> Self {
        Self {
            id: invite.id,
            org_id: invite.org_id,
            org_name: invite.org_name,
            email: invite.email,
            role: invite.role,
            invited_by: invite.invited_by,
            invited_by_name: invite.invited_by_name,
            created_at: invite.created_at,
            expires_at: invite.expires_at,
        }
    }
}

/// A page of invites.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrgInvitePage {
    items: Vec<OrgInviteView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

impl OrgInvitePage {
    /// A page out of what was fetched, one more than `limit`.
    pub(crate) fn of(rows: Vec<OrgInvite>, limit: u32) -> Self {
        let (rows, next_cursor) = page::cut(rows, limit, |invite| invite.id);
        Self { items: rows.into_iter().map(OrgInviteView::from).collect(), next_cursor }
    }
}

/// Reads the id or token in a path.
fn invite_name(text: &str) -> Result<InviteName, ApiError> {
    InviteName::parse(text).ok_or_else(invite_not_found)
}

/// 404 about an invite: none, over, or somebody else's.
fn invite_not_found() -> ApiError {
    ApiError::not_found("invite_not_found", "There is no such invitation, or it is over.")
}

impl From<InviteError> for ApiError {
    fn from(error: InviteError) -> Self {
        match error {
            InviteError::NotFound => invite_not_found(),
            InviteError::TooMany => Self::new(
                StatusCode::CONFLICT,
                "too_many_invites",
                "As many invitations wait for an answer as allowed. Take some back first.",
            ),
            InviteError::Organization(error) => error.into(),
        }
    }
}
