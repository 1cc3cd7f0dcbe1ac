//! `POST /api/v1/organizations/{org_id}/members`: somebody is added.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::MemberView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Ids, SignedIn};
use crate::model::organization::OrgRole;
use crate::routes::problems::{Conflict, Problems};
use crate::services::members;
use crate::store::organizations::OrgName;

/// Who, and as what.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct AddMemberRequest {
    /// Whose id one does not know is invited by address instead.
    user_id: Uuid,
    /// `member` unless given; not above the caller's own.
    role: Option<OrgRole>,
}

/// Add a member; owners and admins may.
///
/// Problems: 403 `forbidden`, 404 `organization_not_found`, `user_not_found`, 409 `already_member`, `too_many_members`.
#[utoipa::path(post, path = "/organizations/{org_id}/members", tag = "organizations",
    operation_id = "add_organization_member", params(("org_id" = Uuid, Path)), request_body = AddMemberRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 201, body = MemberView), Problems, Conflict))]
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Body(request): Body<AddMemberRequest>,
) -> Result<(StatusCode, Json<MemberView>), ApiError> {
    let [id] = ids;
    let role = request.role.unwrap_or(OrgRole::Member);
    let member = members::add(&app, &who, &OrgName::Id(id), request.user_id, role).await?;
    Ok((StatusCode::CREATED, Json(MemberView::of(member, true))))
}
