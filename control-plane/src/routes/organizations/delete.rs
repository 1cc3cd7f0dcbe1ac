//! `DELETE /api/v1/organizations/{org_id}`: the end of an organization.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, SignedIn};
use crate::routes::problems::Problems;
use crate::services::organizations;
use crate::store::organizations::OrgName;

/// Delete an organization with its channels; its owners may.
///
/// Problems: 403 `forbidden`, 404 `organization_not_found`.
#[utoipa::path(delete, path = "/organizations/{org_id}", tag = "organizations", operation_id = "delete_organization",
    params(("org_id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])),
    responses((status = 204), Problems))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
) -> Result<StatusCode, ApiError> {
    let [id] = ids;
    organizations::delete(&app, &who, &OrgName::Id(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
