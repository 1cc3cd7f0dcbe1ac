//! `GET /api/v1/organizations/{org_id}/invites`: who has not answered yet.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, Params, SignedIn};
use crate::routes::organization_invites::{ListOrgInvitesQuery, OrgInvitePage};
use crate::routes::page::{self, DEFAULT_LIMIT};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::OrgAction;
use crate::services::{organization_invites as invites, organizations};
use crate::store::organizations::OrgName;

/// Invites of an organization that wait for an answer, the newest first; for its owners and admins.
///
/// Problems: 403 `forbidden`, 404 `organization_not_found`.
#[utoipa::path(get, path = "/organizations/{org_id}/invites", tag = "organizations",
    operation_id = "list_organization_invites", params(("org_id" = Uuid, Path), ListOrgInvitesQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = OrgInvitePage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Params(query): Params<ListOrgInvitesQuery>,
) -> Result<Json<OrgInvitePage>, ApiError> {
    let [id] = ids;
    let org = organizations::find(&app, &who, &OrgName::Id(id), OrgAction::Manage).await?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let before = page::read_cursor(query.cursor.as_deref())?.unwrap_or(Uuid::max());
    let rows = invites::list(&app, &org, before, i64::from(limit) + 1).await?;
    Ok(Json(OrgInvitePage::of(rows, limit)))
}
