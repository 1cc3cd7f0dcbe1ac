//! `GET /api/v1/conversations/{id}/messages`: what was said, by pages, or what contains some text.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Ids, Params};
use crate::http::validate;
use crate::model::clock::Micros;
use crate::model::conversation::MessageView;
use crate::routes::conversations::MessagePage;
use crate::routes::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::{Forbidden, Problems};
use crate::routes::rooms::list::Order;
use crate::services::messages::{self, MessageQuery};

/// Which messages, and how many.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(crate) struct ListMessagesQuery {
    /// Part of what was said, in any case; looks at the 20,000 messages next to the cursor.
    #[garde(inner(custom(validate::search)))]
    #[param(max_length = 80)]
    q: Option<String>,
    /// Newest first unless given.
    #[param(inline)]
    order: Option<Order>,
    /// Said at or after this time.
    from: Option<Micros>,
    /// Said before this time.
    to: Option<Micros>,
    /// Only messages after this number.
    #[garde(inner(range(min = 0)))]
    #[param(minimum = 0)]
    after_seq: Option<i64>,
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    cursor: Option<String>,
}

/// The messages of a conversation. Problems: 404 `conversation_not_found`.
#[utoipa::path(get, path = "/conversations/{conversation_id}/messages", tag = "conversations",
    operation_id = "list_messages", params(("conversation_id" = uuid::Uuid, Path), ListMessagesQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = MessagePage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Ids(ids): Ids<1>,
    Params(query): Params<ListMessagesQuery>,
) -> Result<Json<MessagePage>, ApiError> {
    let [id] = ids;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let asked = MessageQuery {
        q: query.q.as_deref().unwrap_or_default().trim(),
        from: query.from,
        until: query.to,
        after_seq: query.after_seq,
        cursor: page::read_place(query.cursor.as_deref())?.map(|(seq, _)| seq),
        oldest_first: query.order == Some(Order::Oldest),
        limit: i64::from(limit) + 1,
    };
    let rows = messages::list(&app, &caller.actor, id, asked).await?;
    let (rows, next_cursor) = page::cut_at(rows, limit, |message| (message.seq, Uuid::nil()));
    Ok(Json(MessagePage { items: rows.into_iter().map(MessageView::from).collect(), next_cursor }))
}
