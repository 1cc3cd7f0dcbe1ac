//! `GET /api/v1/conversations`: the caller's conversations, the most lively first.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ConversationView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Params, SignedIn};
use crate::model::conversation::ConversationKind;
use crate::routes::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::Problems;
use crate::services::conversations;

/// Which conversations, and how many.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(crate) struct ListConversationsQuery {
    #[param(inline)]
    kind: Option<ConversationKind>,
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    cursor: Option<String>,
}

/// A page of conversations.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConversationPage {
    items: Vec<ConversationView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// The conversations of rooms and channels the caller is a member of, and direct ones, with their last messages.
#[utoipa::path(get, path = "/conversations", tag = "conversations", operation_id = "list_conversations",
    params(ListConversationsQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = ConversationPage), Problems))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Params(query): Params<ListConversationsQuery>,
) -> Result<Json<ConversationPage>, ApiError> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let before = page::read_place(query.cursor.as_deref())?.unwrap_or((i64::MAX, Uuid::max()));
    let rows = conversations::list(&app, who.user.id, query.kind, before, i64::from(limit) + 1).await?;
    let (rows, next_cursor) = page::cut_at(rows, limit, |row| (row.active_at.0, row.id));
    Ok(Json(ConversationPage { items: rows.into_iter().map(ConversationView::from).collect(), next_cursor }))
}
