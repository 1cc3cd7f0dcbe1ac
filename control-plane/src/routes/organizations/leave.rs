//! `POST /api/v1/organizations/{org_id}/leave`: one leaves an organization.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, SignedIn};
use crate::routes::problems::{Conflict, Problems};
use crate::services::members;
use crate::store::organizations::OrgName;

/// Leave an organization and its channels. Problems: 404 `organization_not_found`, 409 `last_owner`.
#[utoipa::path(post, path = "/organizations/{org_id}/leave", tag = "organizations", operation_id = "leave_organization",
    params(("org_id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])),
    responses((status = 204), Problems, Conflict))]
pub(crate) async fn leave(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
) -> Result<StatusCode, ApiError> {
    let [id] = ids;
    members::remove(&app, &who, &OrgName::Id(id), who.user.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
