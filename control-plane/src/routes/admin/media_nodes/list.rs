//! `GET /api/v1/admin/media-nodes`: every media node heard of in the last days.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{MediaNodeView, operator};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Params, SignedIn};
use crate::model::node::{MediaRegion, NodeState};
use crate::routes::page::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::nodes;
use crate::store::nodes::NodeFilter;

/// Which nodes, and how many.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(crate) struct ListMediaNodesQuery {
    state: Option<NodeState>,
    /// Name of a region.
    #[param(value_type = Option<String>, max_length = 64)]
    region: Option<MediaRegion>,
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 200)))]
    cursor: Option<String>,
}

/// A page of media nodes.
#[derive(Serialize, ToSchema)]
pub(crate) struct MediaNodePage {
    items: Vec<MediaNodeView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// The last node of the page before.
fn read_cursor(cursor: Option<&str>) -> Result<String, ApiError> {
    let Some(cursor) = cursor else { return Ok(String::new()) };
    let id = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    id.filter(|id| id.starts_with("ND_") && !id.contains('\0'))
        .ok_or_else(|| ApiError::field("cursor", "is not a cursor of this list"))
}

/// The media nodes, by id; those that went down are listed for a week.
#[utoipa::path(get, path = "/admin/media-nodes", tag = "admin", operation_id = "list_media_nodes",
    params(ListMediaNodesQuery), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = MediaNodePage), Problems, Forbidden))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Params(query): Params<ListMediaNodesQuery>,
) -> Result<Json<MediaNodePage>, ApiError> {
    operator(&who)?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let after = read_cursor(query.cursor.as_deref())?;
    let filter = NodeFilter {
        state: query.state,
        region: query.region.as_ref().map(MediaRegion::as_str),
        after: &after,
        limit: i64::from(limit) + 1,
    };
    let mut rows = nodes::list(&app, filter).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| more).map(|node| URL_SAFE_NO_PAD.encode(&node.id));
    Ok(Json(MediaNodePage { items: rows.into_iter().map(MediaNodeView::from).collect(), next_cursor }))
}
