//! `DELETE /api/v1/organizations/{org_id}/invites/{invite_id}`: an invite is taken back.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, SignedIn};
use crate::routes::problems::Problems;
use crate::services::organization_invites as invites;

/// Take an invite back; owners and admins may.
///
/// Problems: 403 `forbidden`, 404 `organization_not_found`, `invite_not_found`.
#[utoipa::path(delete, path = "/organizations/{org_id}/invites/{invite_id}", tag = "organizations",
    operation_id = "revoke_organization_invite",
    params(("org_id" = uuid::Uuid, Path), ("invite_id" = uuid::Uuid, Path)), security(("bearer" = []), ("cookie" = [])),
    responses((status = 204), Problems))]
pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<2>,
) -> Result<StatusCode, ApiError> {
    let [org_id, id] = ids;
    invites::revoke(&app, &who, org_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
