//! `GET /api/v1/auth/session`: whether one is signed in.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::extract::SignedIn;
use crate::model::user::{SessionTransport, User};
use crate::routes::problems::Problems;

/// The session a request came with.
#[derive(Serialize, ToSchema)]
pub(crate) struct CurrentSession {
    session_id: Uuid,
    transport: SessionTransport,
    user: User,
}

/// The current session, or 401.
#[utoipa::path(get, path = "/auth/session", tag = "auth", operation_id = "get_session",
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = CurrentSession), Problems))]
pub(crate) async fn session(who: SignedIn) -> Json<CurrentSession> {
    Json(CurrentSession { session_id: who.session.id, transport: who.session.transport, user: who.user })
}
