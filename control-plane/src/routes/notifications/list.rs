//! `GET /api/v1/notifications`: one's inbox.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Params, SignedIn};
use crate::model::notification::{Notification, NotificationKind};
use crate::routes::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::Problems;
use crate::services::notifications::inbox;
use crate::store::notifications::NotificationFilter;

/// Which notifications, and how many.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(crate) struct ListNotificationsQuery {
    /// Only what was not read yet.
    unread: Option<bool>,
    /// Only this kind.
    kind: Option<NotificationKind>,
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    cursor: Option<String>,
}

/// A page of notifications, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotificationPage {
    items: Vec<Notification>,
    /// Everything unread, of any kind; 1000 means 1000 or more.
    unread_count: i64,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// The caller's notifications, the newest first, and how many are unread.
#[utoipa::path(get, path = "/notifications", tag = "notifications", operation_id = "list_notifications",
    params(ListNotificationsQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = NotificationPage), Problems))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Params(query): Params<ListNotificationsQuery>,
) -> Result<Json<NotificationPage>, ApiError> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let filter = NotificationFilter {
        kind: query.kind,
        unread_only: query.unread.unwrap_or(false),
        after: page::read_cursor(query.cursor.as_deref())?,
        limit: i64::from(limit) + 1,
    };
    let inbox = inbox::list(&app, who.user.id, filter).await?;
    let (items, next_cursor) = page::cut(inbox.rows, limit, |entry| entry.id);
    Ok(Json(NotificationPage { items, unread_count: inbox.unread, next_cursor }))
}
