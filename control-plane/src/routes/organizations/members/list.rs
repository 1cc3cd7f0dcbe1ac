//! `GET /api/v1/organizations/{org_id}/members`: who belongs to an organization.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::MemberView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, Params, SignedIn};
use crate::http::validate;
use crate::model::organization::OrgRole;
use crate::routes::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::{OrgAction, authorize_organization};
use crate::services::{members, organizations};
use crate::store::organizations::OrgName;

/// Which members, and how many.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(crate) struct ListMembersQuery {
    /// Part of the name, in any case.
    #[garde(inner(custom(validate::search)))]
    #[param(max_length = 80)]
    q: Option<String>,
    #[param(inline)]
    role: Option<OrgRole>,
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    cursor: Option<String>,
}

/// A page of members.
#[derive(Serialize, ToSchema)]
pub(crate) struct MemberPage {
    items: Vec<MemberView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// The members of an organization, for its members. Problems: 404 `organization_not_found`.
#[utoipa::path(get, path = "/organizations/{org_id}/members", tag = "organizations",
    operation_id = "list_organization_members", params(("org_id" = Uuid, Path), ListMembersQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = MemberPage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Params(query): Params<ListMembersQuery>,
) -> Result<Json<MemberPage>, ApiError> {
    let [id] = ids;
    let org = organizations::find(&app, &who, &OrgName::Id(id), OrgAction::See).await?;
    let with_email = authorize_organization(&who.caller.actor, OrgAction::Manage, &org).is_ok();
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let after = page::read_cursor(query.cursor.as_deref())?.unwrap_or(Uuid::nil());
    let q = query.q.as_deref().unwrap_or_default().trim();
    let rows = members::list(&app, org.id, query.role, q, after, i64::from(limit) + 1).await?;
    let (rows, next_cursor) = page::cut(rows, limit, |member| member.user_id);
    let items = rows.into_iter().map(|member| MemberView::of(member, with_email)).collect();
    Ok(Json(MemberPage { items, next_cursor }))
}
