//! `GET /api/v1/conversations/{conversation_id}/files`: what people have put into a conversation.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::conversation_id;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Params, Segment};
use crate::model::file::FileView;
use crate::routes::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::files;

/// How many files.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(crate) struct ListFilesQuery {
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    #[param(max_length = 100)]
    cursor: Option<String>,
}

/// A page of files.
#[derive(Serialize, ToSchema)]
pub(crate) struct FilePage {
    items: Vec<FileView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// The ready files of a conversation, the newest first.
#[utoipa::path(get, path = "/conversations/{conversation_id}/files", tag = "files", operation_id = "list_files",
    params(("conversation_id" = uuid::Uuid, Path), ListFilesQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = FilePage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(conversation): Segment,
    Params(query): Params<ListFilesQuery>,
) -> Result<Json<FilePage>, ApiError> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let before = page::read_cursor(query.cursor.as_deref())?;
    let id = conversation_id(&conversation)?;
    let rows = files::list(&app, &caller.actor, id, before, i64::from(limit) + 1).await?;
    let (rows, next_cursor) = page::cut(rows, limit, |file| file.id);
    Ok(Json(FilePage { items: rows.into_iter().map(FileView::from).collect(), next_cursor }))
}
