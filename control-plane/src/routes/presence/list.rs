//! `GET /api/v1/organizations/{org_id}/presence`: who of an organization is there.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, Params, SignedIn};
use crate::model::clock::Micros;
use crate::routes::page::{self, PageQuery};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::presence::{self, Status};

/// Whether somebody is there.
#[derive(Serialize, ToSchema)]
pub(crate) struct PresenceView {
    user_id: Uuid,
    status: Status,
    /// To the minute; null for who never was.
    last_seen_at: Option<Micros>,
}

/// A page of people.
#[derive(Serialize, ToSchema)]
pub(crate) struct PresencePage {
    items: Vec<PresenceView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// The members of an organization and whether they are there. Problems: 404 `organization_not_found`.
#[utoipa::path(get, path = "/organizations/{org_id}/presence", tag = "events", operation_id = "list_presence",
    params(("org_id" = Uuid, Path), PageQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = PresencePage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Params(query): Params<PageQuery>,
) -> Result<Json<PresencePage>, ApiError> {
    let [organization] = ids;
    let limit = query.limit();
    let after = page::read_cursor(query.cursor.as_deref())?.unwrap_or(Uuid::nil());
    let found = presence::list(&app, who.user.id, organization, after, i64::from(limit) + 1).await?;
    let people = found.ok_or_else(|| {
        ApiError::not_found("organization_not_found", "There is no such organization, or you do not belong to it.")
    })?;
    let (people, next_cursor) = page::cut(people, limit, |(seen, _)| seen.id);
    let view = |(seen, status): (crate::store::presence::Seen, Status)| PresenceView {
        user_id: seen.id,
        status,
        last_seen_at: seen.last_seen_at,
    };
    Ok(Json(PresencePage { items: people.into_iter().map(view).collect(), next_cursor }))
}
