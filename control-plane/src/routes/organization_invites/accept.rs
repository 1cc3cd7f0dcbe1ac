//! `POST /api/v1/organization-invites/{invite}/accept`: somebody joins an organization.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::invite_name;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::routes::organizations::OrganizationView;
use crate::routes::problems::{Conflict, Problems};
use crate::services::organization_invites as invites;

/// Accept an invite sent to one's own address: by its token, or by its id once the address is verified.
///
/// Problems: 404 `invite_not_found`, 409 `too_many_members`.
#[utoipa::path(post, path = "/organization-invites/{invite}/accept", tag = "organizations",
    operation_id = "accept_organization_invite", params(("invite" = String, Path, description = "Token or id")), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = OrganizationView), Problems, Conflict))]
pub(crate) async fn accept(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(name): Segment,
) -> Result<Json<OrganizationView>, ApiError> {
    Ok(Json(invites::accept(&app, &who, &invite_name(&name)?).await?.into()))
}
