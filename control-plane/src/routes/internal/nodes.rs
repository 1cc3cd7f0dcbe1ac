//! `POST /internal/nodes/{id}/heartbeat`: a media node says that it is there.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use http::HeaderMap;
use signaling_proto::heartbeat::{self, HeartbeatAnswer};

use super::{authorization, refused};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::Segment;
use crate::services::nodes;

/// Longest node id.
const NODE_ID_BYTES: usize = 64;

/// Takes a heartbeat and answers what the node should be.
pub(crate) async fn heartbeat(
    State(app): State<Arc<App>>,
    Segment(id): Segment,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<HeartbeatAnswer>, ApiError> {
    let now = signaling_proto::unix_now();
    let beat = heartbeat::verify(&id, authorization(&headers), &body, &app.internal_keys, now)
        .map_err(|error| refused(error.status(), &error))?;
    if !id.starts_with("ND_") || id.len() > NODE_ID_BYTES || id.contains('\0') {
        return Err(refused(400, &"a node id begins with ND_"));
    }
    Ok(Json(nodes::take_heartbeat(&app, &id, &beat).await?))
}
