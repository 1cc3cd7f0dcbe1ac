//! `POST /api/v1/organization-invites/{invite}/decline`: somebody would rather not.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use super::invite_name;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Segment};
use crate::routes::problems::{Conflict, Problems};
use crate::services::organization_invites as invites;

/// Decline an invite: by its token, also without a session, or by its id for who owns the verified address.
///
/// Problems: 404 `invite_not_found`.
#[utoipa::path(post, path = "/organization-invites/{invite}/decline", tag = "organizations",
    operation_id = "decline_organization_invite", params(("invite" = String, Path, description = "Token or id")),
    security((), ("bearer" = []), ("cookie" = [])), responses((status = 204), Problems, Conflict))]
pub(crate) async fn decline(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(name): Segment,
) -> Result<StatusCode, ApiError> {
    invites::decline(&app, &caller, &invite_name(&name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
