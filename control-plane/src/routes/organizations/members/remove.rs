//! `DELETE /api/v1/organizations/{org_id}/members/{user_id}`: somebody is removed, or leaves.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, SignedIn};
use crate::routes::problems::{Conflict, Problems};
use crate::services::members;
use crate::store::organizations::OrgName;

/// Remove a member and their channel memberships; admins may, and everybody themselves.
///
/// Problems: 403 `forbidden`, 404 `organization_not_found`, `member_not_found`, 409 `last_owner`.
#[utoipa::path(delete, path = "/organizations/{org_id}/members/{user_id}", tag = "organizations", operation_id = "remove_organization_member",
    params(("org_id" = Uuid, Path), ("user_id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])),
    responses((status = 204), Problems, Conflict))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<2>,
) -> Result<StatusCode, ApiError> {
    let [id, user_id] = ids;
    members::remove(&app, &who, &OrgName::Id(id), user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
