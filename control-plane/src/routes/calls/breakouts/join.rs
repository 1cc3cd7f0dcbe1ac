//! `POST /api/v1/calls/{call_id}/breakouts/{breakout_id}/join`: what a client needs to connect to a breakout.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Body, TwoSegments};
use crate::model::room::RoomName;
use crate::routes::calls::call_id;
use crate::routes::problems::{Conflict, Problems};
use crate::routes::rooms::join::{JoinAnswer, check_client_id};
use crate::services::breakouts::{self, BreakoutError};

/// Which tab joins.
#[derive(Default, Deserialize, Validate, ToSchema)]
pub(crate) struct JoinBreakoutRequest {
    /// As for joining a room.
    #[garde(inner(custom(check_client_id)))]
    #[schema(pattern = "^[a-z0-9]{8,32}$")]
    client_id: Option<String>,
}

/// Join a breakout: who is sent there, and hosts and cohosts any.
#[utoipa::path(post, path = "/calls/{call_id}/breakouts/{breakout_id}/join", tag = "calls",
    operation_id = "join_breakout", params(("call_id" = uuid::Uuid, Path), ("breakout_id" = Uuid, Path)),
    request_body = Option<JoinBreakoutRequest>,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = JoinAnswer), Problems, Conflict))]
pub(crate) async fn join(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    TwoSegments(id, breakout): TwoSegments,
    body: Option<Body<JoinBreakoutRequest>>,
) -> Result<Json<JoinAnswer>, ApiError> {
    let request = body.map(|Body(request)| request).unwrap_or_default();
    let breakout_id = Uuid::try_parse(&breakout).map_err(|_| ApiError::from(BreakoutError::NotFound))?;
    let grant = breakouts::join(&app, &caller, call_id(&id)?, breakout_id, request.client_id).await?;
    Ok(Json(JoinAnswer::of(grant, &RoomName::Id(breakout_id))))
}
