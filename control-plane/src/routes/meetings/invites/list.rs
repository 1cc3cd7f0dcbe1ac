//! `GET /api/v1/meetings/{meeting_id}/invites`: who is invited, and what they answered.

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
use crate::http::extract::{Params, Segment, SignedIn};
use crate::routes::meetings::meeting_id;
use crate::routes::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::authorize::{MeetingAction, authorize_meeting};
use crate::services::meetings::invites;

/// How many, and from where.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListInvitesQuery {
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    cursor: Option<String>,
}

/// A page of invitations.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitePage {
    items: Vec<InviteView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Who is invited to a meeting; addresses are shown to its organizers.
#[utoipa::path(get, path = "/meetings/{meeting_id}/invites", tag = "meetings", operation_id = "list_meeting_invites",
    params(("meeting_id" = String, Path, description = "Id"), ListInvitesQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = InvitePage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(name): Segment,
    Params(query): Params<ListInvitesQuery>,
) -> Result<Json<InvitePage>, ApiError> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let after = page::read_cursor(query.cursor.as_deref())?.unwrap_or(Uuid::nil());
    let (meeting, rows) = invites::list(&app, &who.caller, meeting_id(&name)?, after, i64::from(limit) + 1).await?;
    let (rows, next_cursor) = page::cut(rows, limit, |invite| invite.id);
    let all = authorize_meeting(&who.caller.actor, MeetingAction::Edit, &meeting).is_ok();
    let view = |invite: crate::model::meeting::Invite| {
        let own = invite.user_id == Some(who.user.id);
        let shows_email = own || all && invite.shows_email;
        InviteView::of(if own { invite } else { invite.for_others() }, shows_email, None)
    };
    Ok(Json(InvitePage { items: rows.into_iter().map(view).collect(), next_cursor }))
}
