//! `POST /api/v1/organizations`: a new organization.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{OrganizationView, check_slug};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, SignedIn};
use crate::http::validate;
use crate::routes::problems::{Conflict, Problems};
use crate::services::organizations::{self, OrgForm};

/// What the organization is to be.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct CreateOrganizationRequest {
    #[garde(custom(validate::name))]
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    /// Made from the name unless given.
    #[garde(inner(custom(check_slug)))]
    #[schema(min_length = 2, max_length = 40, pattern = "^[a-z0-9][a-z0-9-]*[a-z0-9]$")]
    slug: Option<String>,
    #[garde(custom(validate::optional_text))]
    #[schema(max_length = 2000)]
    description: Option<String>,
}

/// Make an organization; the caller owns it. Problems: 409 `slug_taken`, `too_many_organizations`.
#[utoipa::path(post, path = "/organizations", tag = "organizations", operation_id = "create_organization",
    request_body = CreateOrganizationRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 201, body = OrganizationView), Problems, Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Body(request): Body<CreateOrganizationRequest>,
) -> Result<(StatusCode, Json<OrganizationView>), ApiError> {
    let form = OrgForm {
        name: request.name.trim().to_owned(),
        slug: request.slug,
        description: request.description.unwrap_or_default(),
    };
    Ok((StatusCode::CREATED, Json(organizations::create(&app, &who, form).await?.into())))
}
