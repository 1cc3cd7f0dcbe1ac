//! `GET /api/v1/admin/media-nodes/{id}`: one media node and the calls on it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{MediaNodeView, NodeCallView, operator};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::routes::problems::{Forbidden, Problems};
use crate::services::nodes;

/// A media node and what runs on it.
#[derive(Serialize, ToSchema)]
pub(crate) struct MediaNodeDetail {
    #[serde(flatten)]
    node: MediaNodeView,
    /// Its open calls, the oldest first, at most 100.
    calls: Vec<NodeCallView>,
}

/// One media node and its open calls.
#[utoipa::path(get, path = "/admin/media-nodes/{id}", tag = "admin", operation_id = "get_media_node",
    params(("id" = String, Path, description = "The node's id, ND_…")), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = MediaNodeDetail), Problems, Forbidden))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(id): Segment,
) -> Result<Json<MediaNodeDetail>, ApiError> {
    operator(&who)?;
    let (node, calls) = nodes::get(&app, super::drain::node_id(&id)?).await?;
    Ok(Json(MediaNodeDetail { node: node.into(), calls: calls.into_iter().map(NodeCallView::from).collect() }))
}
