//! `GET /api/v1/rooms/{room}/lobby/{entry_id}`: waiting, by long poll.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::Deserialize;

use super::{LobbyAnswer, entry_id};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Params, TwoSegments};
use crate::routes::problems::{Forbidden, Problems};
use crate::routes::rooms::room_name;
use crate::services::lobby;

/// Longest wait, in seconds: well within what proxies and our own time limit for requests allow.
const MAX_WAIT_S: u64 = 25;

/// How long to wait.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PollQuery {
    /// Seconds to wait for a decision: 0 to 25, 25 unless given.
    #[garde(inner(range(max = MAX_WAIT_S)))]
    #[param(minimum = 0, maximum = 25)]
    wait: Option<u64>,
}

/// How things stand for oneself at the door; answers when somebody decides, or after `wait`.
#[utoipa::path(get, path = "/rooms/{room}/lobby/{entry_id}", tag = "rooms", operation_id = "poll_lobby",
    params(("room" = String, Path, description = "Id or code"), ("entry_id" = uuid::Uuid, Path), PollQuery),
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = LobbyAnswer), Problems, Forbidden))]
pub(crate) async fn poll(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    TwoSegments(room, id): TwoSegments,
    Params(query): Params<PollQuery>,
) -> Result<Json<LobbyAnswer>, ApiError> {
    let (name, id) = (room_name(&room)?, entry_id(&id)?);
    let wait = Duration::from_secs(query.wait.unwrap_or(MAX_WAIT_S)).min(app.request_timeout.mul_f32(0.8));
    Ok(Json(lobby::poll(&app, &caller, &name, id, wait).await?.into()))
}
