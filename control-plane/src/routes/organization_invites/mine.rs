//! `GET /api/v1/me/organization-invites`: where one is asked to join.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use uuid::Uuid;

use super::{ListOrgInvitesQuery, OrgInvitePage};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Params, SignedIn};
use crate::routes::page::{self, DEFAULT_LIMIT};
use crate::routes::problems::Problems;
use crate::services::organization_invites as invites;

/// Invites to one's own address, once it is verified, that wait for an answer.
#[utoipa::path(get, path = "/me/organization-invites", tag = "me", operation_id = "list_my_organization_invites",
    params(ListOrgInvitesQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = OrgInvitePage), Problems))]
pub(crate) async fn mine(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Params(query): Params<ListOrgInvitesQuery>,
) -> Result<Json<OrgInvitePage>, ApiError> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let before = page::read_cursor(query.cursor.as_deref())?.unwrap_or(Uuid::max());
    let rows = invites::mine(&app, &who, before, i64::from(limit) + 1).await?;
    Ok(Json(OrgInvitePage::of(rows, limit)))
}
