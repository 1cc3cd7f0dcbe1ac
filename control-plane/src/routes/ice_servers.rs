//! `GET /api/v1/ice-servers`: STUN and TURN servers beyond what the media nodes offer themselves.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::Anyone;
use crate::model::user::Actor;
use crate::routes::problems::Problems;
use crate::routes::rooms::join::IceServer;

/// STUN and TURN servers.
#[derive(Serialize, ToSchema)]
pub(crate) struct IceServers {
    /// Empty while this server has none of its own; a media node's own addresses need no help.
    ice_servers: Vec<IceServer>,
}

/// The STUN and TURN servers to use, for signed-in people and guests.
#[utoipa::path(get, path = "/ice-servers", tag = "calls", operation_id = "get_ice_servers",
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = IceServers), Problems))]
pub(crate) async fn ice_servers(
    State(_app): State<Arc<App>>,
    Anyone(caller): Anyone,
) -> Result<Json<IceServers>, ApiError> {
    match caller.actor {
        Actor::Anonymous => Err(ApiError::sign_in_required()),
        Actor::User { .. } | Actor::Guest(_) => Ok(Json(IceServers { ice_servers: Vec::new() })),
    }
}
