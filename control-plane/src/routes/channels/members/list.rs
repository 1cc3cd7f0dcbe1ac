//! `GET /api/v1/channels/{channel_id}/members`: who is in a channel.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ChannelMemberView;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Ids, Params, SignedIn};
use crate::routes::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::channels;

/// How many, and from where.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListChannelMembersQuery {
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    cursor: Option<String>,
}

/// A page of channel members.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChannelMemberPage {
    items: Vec<ChannelMemberView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Who is in a channel, for who sees it. Problems: 404 `channel_not_found`.
#[utoipa::path(get, path = "/channels/{channel_id}/members", tag = "channels", operation_id = "list_channel_members",
    params(("channel_id" = Uuid, Path), ListChannelMembersQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = ChannelMemberPage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Ids(ids): Ids<1>,
    Params(query): Params<ListChannelMembersQuery>,
) -> Result<Json<ChannelMemberPage>, ApiError> {
    let [id] = ids;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let after = page::read_cursor(query.cursor.as_deref())?.unwrap_or(Uuid::nil());
    let rows = channels::members(&app, &who, id, after, i64::from(limit) + 1).await?;
    let (rows, next_cursor) = page::cut(rows, limit, |member| member.user_id);
    Ok(Json(ChannelMemberPage { items: rows.into_iter().map(ChannelMemberView::from).collect(), next_cursor }))
}
