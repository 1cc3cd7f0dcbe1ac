//! `PUT /api/v1/organizations/{org_id}`: as PATCH, for clients that know no PATCH.

use std::sync::Arc;

use axum::extract::State;

use super::OrganizationView;
use super::update::{UpdateOrganizationRequest, apply};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Ids, SignedIn};
use crate::http::version::Tagged;
use crate::routes::problems::{Conflict, Problems};

/// Change an organization, exactly as with PATCH.
///
/// Problems: 403 `forbidden`, 404 `organization_not_found`, 409 `slug_taken`.
#[utoipa::path(put, path = "/organizations/{org_id}", tag = "organizations", operation_id = "replace_organization",
    params(("org_id" = Uuid, Path)), request_body = UpdateOrganizationRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = OrganizationView), Problems, Conflict))]
pub(crate) async fn replace(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Body(request): Body<UpdateOrganizationRequest>,
) -> Result<Tagged<OrganizationView>, ApiError> {
    let [id] = ids;
    apply(&app, &who, id, request).await
}
