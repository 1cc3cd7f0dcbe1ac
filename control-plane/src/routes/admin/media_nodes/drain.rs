//! `POST /api/v1/admin/media-nodes/{id}/drain`: no new rooms on a node, and an end of those it has.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{MediaNodeView, operator};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, Segment, SignedIn};
use crate::routes::problems::{Conflict, Problems};
use crate::services::nodes::{self, NodeError};

/// Longest drain: a week.
const MAX_DEADLINE_S: u64 = 604_800;
/// Longest id of a node, in bytes.
const MAX_ID_BYTES: usize = 64;

/// How a node drains.
#[derive(Default, Deserialize, Validate, ToSchema)]
pub(crate) struct DrainRequest {
    /// Seconds until rooms that still run are ended, their people sent elsewhere; 7200 unless given, 0 = at once.
    #[garde(inner(range(max = MAX_DEADLINE_S)))]
    #[schema(maximum = 604_800)]
    deadline_s: Option<u64>,
}

impl DrainRequest {
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.deadline_s.map(Duration::from_secs)
    }
}

/// An id that a node could have; others are not looked up.
pub(crate) fn node_id(text: &str) -> Result<&str, NodeError> {
    let fine = text.starts_with("ND_") && text.len() <= MAX_ID_BYTES && !text.chars().any(char::is_control);
    if fine { Ok(text) } else { Err(NodeError::NotFound) }
}

/// Let a media node run out. Rooms on it go on until the deadline, then their people join again, elsewhere. Asked again,
/// the later wish counts.
#[utoipa::path(post, path = "/admin/media-nodes/{id}/drain", tag = "admin", operation_id = "drain_media_node",
    params(("id" = String, Path, description = "The node's id, ND_…")), request_body = Option<DrainRequest>,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = MediaNodeView), Problems, Conflict))]
pub(crate) async fn drain(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Segment(id): Segment,
    body: Option<Body<DrainRequest>>,
) -> Result<Json<MediaNodeView>, ApiError> {
    let operator = operator(&who)?;
    let request = body.map(|Body(request)| request).unwrap_or_default();
    let id = node_id(&id)?;
    Ok(Json(nodes::drain(&app, &operator, id, request.deadline()).await?.into()))
}
