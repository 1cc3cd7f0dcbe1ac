//! `POST /api/v1/admin/media-nodes/{id}/undrain`: a draining node takes rooms again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::drain::node_id;
use super::{MediaNodeView, operator};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Segment, SignedIn};
use crate::routes::problems::{Conflict, Problems};
use crate::services::nodes;

/// Take a drain back. A node that is not draining stays as it is.
#[utoipa::path(post, path = "/admin/media-nodes/{id}/undrain", tag = "admin", operation_id = "undrain_media_node",
    params(("id" = String, Path, description = "The node's id, ND_…")), security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = MediaNodeView), Problems, Conflict))]
pub(crate) async fn undrain(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(id): Segment,
) -> Result<Json<MediaNodeView>, ApiError> {
    let operator = operator(&who)?;
    Ok(Json(nodes::undrain(&app, &operator, node_id(&id)?).await?.into()))
}
