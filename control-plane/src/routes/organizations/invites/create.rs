//! `POST /api/v1/organizations/{org_id}/invites`: somebody is asked to join.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Ids, SignedIn};
use crate::http::validate;
use crate::model::organization::OrgRole;
use crate::routes::organization_invites::OrgInviteView;
use crate::routes::problems::{Conflict, Problems};
use crate::services::organization_invites as invites;

/// Whom, and as what.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct CreateOrgInviteRequest {
    #[garde(custom(validate::email))]
    #[schema(max_length = 254)]
    email: String,
    /// `member` unless given; not above the caller's own.
    role: Option<OrgRole>,
}

/// An invite, with the token that this answer alone shows.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewOrgInvite {
    #[serde(flatten)]
    invite: OrgInviteView,
    /// Who has the invited address and holds it can accept.
    token: String,
    /// A page of the web app to pass on: an address of this server, or its path when nobody said where it is reached.
    url: String,
}

/// Invite an address; owners and admins may. An invite that waits for the same address is replaced.
///
/// The link goes out by mail where mail is on. Problems: 403 `forbidden`, 404 `organization_not_found`, 409
/// `already_member`, `too_many_invites`.
#[utoipa::path(post, path = "/organizations/{org_id}/invites", tag = "organizations",
    operation_id = "create_organization_invite", params(("org_id" = uuid::Uuid, Path)),
    request_body = CreateOrgInviteRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 201, body = NewOrgInvite), Problems, Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Body(request): Body<CreateOrgInviteRequest>,
) -> Result<(StatusCode, Json<NewOrgInvite>), ApiError> {
    let [id] = ids;
    let email = validate::fold_email(&request.email);
    let role = request.role.unwrap_or(OrgRole::Member);
    let (invite, secret) = invites::create(&app, &who, id, &email, role).await?;
    let path = invites::path_of(&secret);
    let url = app.public_url.as_ref().and_then(|url| url.join(&path).ok()).map_or(path, String::from);
    Ok((StatusCode::CREATED, Json(NewOrgInvite { invite: invite.into(), token: secret.text(), url })))
}
