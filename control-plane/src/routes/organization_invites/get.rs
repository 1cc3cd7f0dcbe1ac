//! `GET /api/v1/organization-invites/{token}`: what a link invites to.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{OrgInviteView, invite_name, invite_not_found};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment};
use crate::routes::problems::Problems;
use crate::services::organization_invites::{self as invites, InviteName};

/// What a token invites to, for whoever holds it. Problems: 404 `invite_not_found`.
#[utoipa::path(get, path = "/organization-invites/{invite}", tag = "organizations",
    operation_id = "get_organization_invite", params(("invite" = String, Path, description = "The token")),
    security((), ("bearer" = []), ("cookie" = [])), responses((status = 200, body = OrgInviteView), Problems))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    _caller: Anyone,
    Segment(name): Segment,
) -> Result<Json<OrgInviteView>, ApiError> {
    match invite_name(&name)? {
        InviteName::Token(secret) => Ok(Json(invites::find(&app, &secret).await?.into())),
        InviteName::Id(_) => Err(invite_not_found()),
    }
}
