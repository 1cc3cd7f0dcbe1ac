//! `/internal/nodes`: media nodes say that they are there; whoever holds the internal key lists and drains them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use signaling_proto::heartbeat::{self, HeartbeatAnswer};
use signaling_proto::operator;

use super::{authorization, refused};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::Segment;
use crate::routes::admin::media_nodes::MediaNodeView;
use crate::routes::admin::media_nodes::drain::{DrainRequest, node_id};
use crate::services::nodes::{self, Operator};

/// Nodes listed on the command line.
const MAX_LISTED: i64 = 1_000;
/// Who asks, in the audit log: the key names nobody.
const KEY_HOLDER: Operator<'static> = Operator { user_id: None, session_id: None, ip: "" };

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
    if node_id(&id).is_err() {
        return Err(refused(400, &"a node id begins with ND_"));
    }
    Ok(Json(nodes::take_heartbeat(&app, &id, &beat).await?))
}

/// Refuses whoever does not hold the internal key.
fn key_holder(app: &App, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<(), ApiError> {
    let now = signaling_proto::unix_now();
    operator::verify(method.as_str(), uri.path(), authorization(headers), body, &app.internal_keys, now)
        .map_err(|error| refused(401, &error))
}

/// Lists the nodes heard of last.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Vec<MediaNodeView>>, ApiError> {
    key_holder(&app, &method, &uri, &headers, &[])?;
    let rows = nodes::list_newest(&app, MAX_LISTED).await?;
    Ok(Json(rows.into_iter().map(MediaNodeView::from).collect()))
}

/// Drains a node.
pub(crate) async fn drain(
    State(app): State<Arc<App>>,
    Segment(id): Segment,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<MediaNodeView>, ApiError> {
    key_holder(&app, &method, &uri, &headers, &body)?;
    let request = match body.is_empty() {
        true => DrainRequest::default(),
        false => serde_json::from_slice(&body).map_err(|error| refused(400, &error))?,
    };
    garde::Validate::validate(&request).map_err(|error| refused(422, &error))?;
    Ok(Json(nodes::drain(&app, &KEY_HOLDER, node_id(&id)?, request.deadline()).await?.into()))
}

/// Takes a drain back.
pub(crate) async fn undrain(
    State(app): State<Arc<App>>,
    Segment(id): Segment,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<MediaNodeView>, ApiError> {
    key_holder(&app, &method, &uri, &headers, &body)?;
    Ok(Json(nodes::undrain(&app, &KEY_HOLDER, node_id(&id)?).await?.into()))
}
