//! `/api/v1/admin/media-nodes`: the processes that carry calls, for platform admins.

pub(crate) mod drain;
mod get;
mod list;
mod undrain;

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::SignedIn;
use crate::model::clock::Micros;
use crate::model::node::{NodeCall, NodeState, NodeStatus};
use crate::services::authorize::authorize_nodes;
use crate::services::nodes::{NodeError, Operator};

/// Every route about media nodes.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(get::get))
        .routes(routes!(drain::drain))
        .routes(routes!(undrain::undrain))
}

/// A process that carries calls.
#[derive(Serialize, ToSchema)]
pub(crate) struct MediaNodeView {
    /// New at every start of the process.
    id: String,
    /// Where clients connect; null = where they reach this API.
    url: Option<String>,
    /// Where its server API answers; null = in this process.
    api_url: Option<String>,
    /// Name of the place it is in, or empty.
    region: String,
    version: String,
    state: NodeState,
    /// Since when it is to take no new rooms.
    drain_requested_at: Option<Micros>,
    /// When it ends the rooms it still has.
    drain_deadline_at: Option<Micros>,
    /// Rooms it reports, those of apps included.
    rooms: i64,
    /// Participants it reports.
    participants: i64,
    /// 0 idle … 1 full, as it reports.
    load: f64,
    /// Open calls placed on it.
    open_calls: i64,
    /// When it was last heard of.
    heartbeat_at: Micros,
    /// When it was first heard of.
    created_at: Micros,
}

impl From<NodeStatus> for MediaNodeView {
    fn from(node: NodeStatus) -> Self {
        Self {
            id: node.id,
            url: node.url,
            api_url: node.api_url,
            region: node.region,
            version: node.version,
            state: node.state,
            drain_requested_at: node.drain_requested_at,
            drain_deadline_at: node.drain_deadline_at,
            rooms: node.rooms,
            participants: node.participants,
            load: node.load_ppm as f64 / 1e6,
            open_calls: node.open_calls,
            heartbeat_at: node.heartbeat_at,
            created_at: node.created_at,
        }
    }
}

/// An open call on a node.
#[derive(Serialize, ToSchema)]
pub(crate) struct NodeCallView {
    id: Uuid,
    room_id: Uuid,
    created_at: Micros,
    /// When the first person came in; null while nobody has.
    started_at: Option<Micros>,
    participants: i64,
}

impl From<NodeCall> for NodeCallView {
    fn from(call: NodeCall) -> Self {
        Self {
            id: call.id,
            room_id: call.room_id,
            created_at: call.created_at,
            started_at: call.started_at,
            participants: call.participants,
        }
    }
}

/// The admin who asks, or a refusal.
fn operator(who: &SignedIn) -> Result<Operator<'_>, ApiError> {
    authorize_nodes(&who.caller.actor)?;
    let (user_id, session_id) = who.caller.session().map(|(user, session)| (user.id, session.id)).unzip();
    Ok(Operator { user_id, session_id, ip: &who.caller.facts.ip_text })
}

impl From<NodeError> for ApiError {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::NotFound => Self::not_found("media_node_not_found", "There is no media node with this id."),
            NodeError::Down => Self::new(
                StatusCode::CONFLICT,
                "media_node_down",
                "This media node is down: it has no rooms that could run to their end.",
            ),
            NodeError::Store(error) => error.into(),
        }
    }
}
