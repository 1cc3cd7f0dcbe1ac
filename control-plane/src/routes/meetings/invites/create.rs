//! `POST /api/v1/meetings/{meeting_id}/invites`: addresses and people are invited.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::InviteView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Segment, SignedIn};
use crate::http::validate;
use crate::model::meeting::InviteRole;
use crate::routes::meetings::meeting_id;
use crate::routes::problems::{Conflict, Problems};
use crate::services::meetings::invites::{self, Wanted};

/// Invitations in one request.
const MAX_AT_ONCE: usize = 100;

/// Who is to be invited.
#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct CreateInvitesRequest {
    #[garde(length(min = 1, max = MAX_AT_ONCE), dive)]
    #[schema(min_items = 1, max_items = 100)]
    invites: Vec<WantedInvite>,
}

/// Somebody to be invited: by address or by account.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct WantedInvite {
    #[garde(inner(custom(validate::email)))]
    #[schema(max_length = 254)]
    email: Option<String>,
    user_id: Option<Uuid>,
    /// `participant` unless given; only the organizer makes co-organizers.
    role: Option<InviteRole>,
}

/// Invitations, each once.
#[derive(Serialize, ToSchema)]
pub(crate) struct InviteList {
    items: Vec<InviteView>,
}

/// Invite addresses and people to a meeting; who is invited already is not invited again.
#[utoipa::path(post, path = "/meetings/{meeting_id}/invites", tag = "meetings", operation_id = "create_meeting_invites",
    params(("meeting_id" = String, Path, description = "Id")), request_body = CreateInvitesRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = InviteList), Problems, Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(name): Segment,
    Body(request): Body<CreateInvitesRequest>,
) -> Result<Json<InviteList>, ApiError> {
    let mut wanted = Vec::with_capacity(request.invites.len());
    for (index, one) in request.invites.into_iter().enumerate() {
        let role = one.role.unwrap_or(InviteRole::Participant);
        wanted.push(match (one.email, one.user_id) {
            (Some(email), None) => (Wanted::Email(validate::fold_email(&email)), role),
            (None, Some(id)) => (Wanted::User(id), role),
            _ => return Err(ApiError::field(&format!("invites[{index}]"), "must have either email or user_id")),
        });
    }
    let (_, invited) = invites::invite(&app, &who, meeting_id(&name)?, wanted).await?;
    let view = |one: invites::Invited| {
        let shows_email = one.invite.shows_email;
        InviteView::of(one.invite.for_others(), shows_email, one.link)
    };
    let items = invited.into_iter().map(view).collect();
    Ok(Json(InviteList { items }))
}
