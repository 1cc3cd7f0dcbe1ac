//! `GET /api/v1/rooms/{room}/invitations`: who is invited, by pages.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Params, Segment, SignedIn};
use crate::model::clock::Micros;
use crate::model::member::Invitation;
use crate::model::room::RoomRole;
use crate::routes::page::{self, PageQuery};
use crate::routes::problems::{Forbidden, Problems};
use crate::routes::rooms::room_name;
use crate::services::room_members;

/// An address that was invited, as it was typed.
#[derive(Serialize, ToSchema)]
pub(crate) struct RoomInvitationView {
    id: Uuid,
    email: String,
    role: RoomRole,
    invited_by: Uuid,
    created_at: Micros,
    expires_at: Micros,
}

impl From<Invitation> for RoomInvitationView {
    fn from(invitation: Invitation) -> Self {
        let Invitation { id, email, role, invited_by, created_at, expires_at } = invitation;
        Self { id, email, role, invited_by, created_at, expires_at }
    }
}

/// A page of invitations.
#[derive(Serialize, ToSchema)]
pub(crate) struct RoomInvitationPage {
    items: Vec<RoomInvitationView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Invitations that wait, the newest first; for owners and admins.
#[utoipa::path(get, path = "/rooms/{room}/invitations", tag = "rooms", operation_id = "list_room_invitations",
    params(("room" = String, Path, description = "Id or code"), PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = RoomInvitationPage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(room): Segment,
    Params(query): Params<PageQuery>,
) -> Result<Json<RoomInvitationPage>, ApiError> {
    let before = query.after()?.unwrap_or(Uuid::max());
    let rows = room_members::list_invitations(&app, &who, &room_name(&room)?, before, query.fetch()).await?;
    let (rows, next_cursor) = page::cut(rows, query.limit(), |row| row.id);
    Ok(Json(RoomInvitationPage { items: rows.into_iter().map(Into::into).collect(), next_cursor }))
}
