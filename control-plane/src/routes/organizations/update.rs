//! `PATCH /api/v1/organizations/{org_id}`: changes of an organization.

use std::sync::Arc;

use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{OrganizationView, check_settings, check_slug};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Ids, SignedIn};
use crate::http::validate;
use crate::http::version::Tagged;
use crate::routes::problems::{Conflict, Problems};
use crate::services::organizations::{self, OrgChange};
use crate::store::organizations::OrgName;

/// What is to change; what is left out stays.
#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct UpdateOrganizationRequest {
    #[garde(custom(validate::optional_name))]
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
    #[garde(inner(custom(check_slug)))]
    #[schema(min_length = 2, max_length = 40, pattern = "^[a-z0-9][a-z0-9-]*[a-z0-9]$")]
    slug: Option<String>,
    #[garde(custom(validate::optional_text))]
    #[schema(max_length = 2000)]
    description: Option<String>,
    /// Replaces all of them; at most 8,192 bytes. `media_region` says where calls of its rooms run.
    #[garde(custom(check_settings))]
    #[schema(value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
}

/// Change an organization; its owners and admins may.
///
/// Problems: 403 `forbidden`, 404 `organization_not_found`, 409 `slug_taken`.
#[utoipa::path(patch, path = "/organizations/{org_id}", tag = "organizations", operation_id = "update_organization",
    params(("org_id" = Uuid, Path)), request_body = UpdateOrganizationRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = OrganizationView), Problems, Conflict))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Body(request): Body<UpdateOrganizationRequest>,
) -> Result<Tagged<OrganizationView>, ApiError> {
    let [id] = ids;
    apply(&app, &who, id, request).await
}

/// Changes what is given.
pub(super) async fn apply(
    app: &App,
    who: &SignedIn,
    id: Uuid,
    request: UpdateOrganizationRequest,
) -> Result<Tagged<OrganizationView>, ApiError> {
    let change = OrgChange {
        name: request.name.map(|name| name.trim().to_owned()),
        slug: request.slug,
        description: request.description,
        settings: request.settings,
    };
    let org = organizations::update(app, who, &OrgName::Id(id), change).await?;
    let version = org.updated_at;
    Ok(Tagged(org.into(), version))
}
