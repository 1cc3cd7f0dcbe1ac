//! `GET /api/v1/me/sessions`: where one is signed in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Params, SignedIn};
use crate::model::clock::Micros;
use crate::model::user::SessionTransport;
use crate::routes::page::{self, PageQuery};
use crate::routes::problems::Problems;
use crate::store::sessions;

/// A live session.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionEntry {
    id: Uuid,
    /// Whether it is the one this request came with.
    current: bool,
    transport: SessionTransport,
    /// What the client called itself.
    user_agent: String,
    ip: String,
    last_seen_at: Micros,
    created_at: Micros,
    /// When it ends unless it is used.
    expires_at: Micros,
}

/// A page of sessions.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionPage {
    items: Vec<SessionEntry>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// One's live sessions, newest first.
#[utoipa::path(get, path = "/me/sessions", tag = "me", operation_id = "list_sessions", params(PageQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = SessionPage), Problems))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Params(query): Params<PageQuery>,
) -> Result<Json<SessionPage>, ApiError> {
    let limit = query.limit();
    let after = page::read_cursor(query.cursor.as_deref())?;
    let rows = sessions::list(&app.db, who.user.id, after, i64::from(limit) + 1, app.clock.now()).await?;
    let (rows, next_cursor) = page::cut(rows, limit, |row| row.id);
    let entry = |row: sessions::SessionRow| SessionEntry {
        id: row.id,
        current: row.id == who.session.id,
        transport: row.transport,
        user_agent: row.user_agent,
        ip: row.ip,
        last_seen_at: row.last_seen_at,
        created_at: row.created_at,
        expires_at: row.expires_at,
    };
    Ok(Json(SessionPage { items: rows.into_iter().map(entry).collect(), next_cursor }))
}
