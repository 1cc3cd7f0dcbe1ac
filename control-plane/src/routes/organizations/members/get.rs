//! `GET /api/v1/organizations/{org_id}/members/{user_id}`: one member.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::MemberView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, SignedIn};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::{OrgAction, authorize_organization};
use crate::services::{members, organizations};
use crate::store::organizations::OrgName;

/// A member of an organization. Problems: 404 `organization_not_found`, `member_not_found`.
#[utoipa::path(get, path = "/organizations/{org_id}/members/{user_id}", tag = "organizations",
    operation_id = "get_organization_member", params(("org_id" = Uuid, Path), ("user_id" = Uuid, Path)), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = MemberView), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<2>,
) -> Result<Json<MemberView>, ApiError> {
    let [id, user_id] = ids;
    let org = organizations::find(&app, &who, &OrgName::Id(id), OrgAction::See).await?;
    let with_email = authorize_organization(&who.caller.actor, OrgAction::Manage, &org).is_ok();
    Ok(Json(MemberView::of(members::find(&app, org.id, user_id).await?, with_email)))
}
