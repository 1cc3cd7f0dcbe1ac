//! `GET /api/v1/organizations/{org_id}`: one organization, by id or slug.

use std::sync::Arc;

use axum::extract::State;
use uuid::Uuid;

use super::{OrganizationView, check_slug, organization_not_found};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::http::version::Tagged;
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::OrgAction;
use crate::services::organizations;
use crate::store::organizations::OrgName;

/// An organization, for its members. Problems: 404 `organization_not_found`.
#[utoipa::path(get, path = "/organizations/{org_id}", tag = "organizations", operation_id = "get_organization",
    params(("org_id" = String, Path, description = "Id or slug")), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = OrganizationView), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(name): Segment,
) -> Result<Tagged<OrganizationView>, ApiError> {
    let name = match Uuid::try_parse(&name) {
        Ok(id) => OrgName::Id(id),
        Err(_) if check_slug(&name, &()).is_ok() => OrgName::Slug(name),
        Err(_) => return Err(organization_not_found()),
    };
    let org = organizations::find(&app, &who, &name, OrgAction::See).await?;
    let version = org.updated_at;
    Ok(Tagged(org.into(), version))
}
