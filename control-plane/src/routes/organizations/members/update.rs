//! `PATCH /api/v1/organizations/{org_id}/members/{user_id}`: another role.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::MemberView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Ids, SignedIn};
use crate::model::organization::OrgRole;
use crate::routes::problems::{Conflict, Problems};
use crate::services::members;
use crate::store::organizations::OrgName;

/// As what from now on.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct UpdateMemberRequest {
    /// Not above the caller's own.
    role: OrgRole,
}

/// Give a member another role; owners and admins may, up to their own.
///
/// Problems: 403 `forbidden`, 404 `organization_not_found`, `member_not_found`, 409 `last_owner`.
#[utoipa::path(patch, path = "/organizations/{org_id}/members/{user_id}", tag = "organizations",
    operation_id = "update_organization_member", params(("org_id" = Uuid, Path), ("user_id" = Uuid, Path)),
    request_body = UpdateMemberRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = MemberView), Problems, Conflict))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<2>,
    Body(request): Body<UpdateMemberRequest>,
) -> Result<Json<MemberView>, ApiError> {
    let [id, user_id] = ids;
    let member = members::change_role(&app, &who, &OrgName::Id(id), user_id, request.role).await?;
    Ok(Json(MemberView::of(member, true)))
}
