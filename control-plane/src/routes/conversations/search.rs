//! `GET /api/v1/conversations/search`: what was said in any conversation of the caller.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use uuid::Uuid;

use super::MessagePage;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Params, SignedIn};
use crate::http::validate;
use crate::model::conversation::MessageView;
use crate::routes::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::Problems;
use crate::services::conversations;

/// What to look for.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(crate) struct SearchQuery {
    /// Part of what was said, in any case.
    #[garde(custom(check_q))]
    #[param(min_length = 1, max_length = 80)]
    q: String,
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    cursor: Option<String>,
}

fn check_q<C>(value: &str, context: &C) -> garde::Result {
    if value.trim().is_empty() {
        return Err(garde::Error::new("must not be empty"));
    }
    validate::search(value, context)
}

/// Search the messages of the caller's conversations, the newest first, among the newest 20,000 before the cursor.
#[utoipa::path(get, path = "/conversations/search", tag = "conversations", operation_id = "search_messages",
    params(SearchQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = MessagePage), Problems))]
pub(crate) async fn search(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Params(query): Params<SearchQuery>,
) -> Result<Json<MessagePage>, ApiError> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let before = page::read_cursor(query.cursor.as_deref())?.unwrap_or(Uuid::max());
    let rows = conversations::search(&app, who.user.id, query.q.trim(), before, i64::from(limit) + 1).await?;
    let (rows, next_cursor) = page::cut(rows, limit, |message| message.id);
    Ok(Json(MessagePage { items: rows.into_iter().map(MessageView::from).collect(), next_cursor }))
}
