//! `PUT /api/v1/calls/{call_id}/breakouts/assignments`: who goes where.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::BreakoutList;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Body, Segment};
use crate::routes::calls::call_id;
use crate::routes::problems::{Conflict, Problems};
use crate::services::breakouts::{self, Move};

/// Assignments of one request.
const MAX_MOVES: usize = 500;

/// Who goes where; whoever is left out stays where they are.
#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct AssignRequest {
    #[garde(length(max = MAX_MOVES), dive)]
    #[schema(max_items = 500)]
    assignments: Vec<MoveRequest>,
}

/// One person's way.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct MoveRequest {
    /// Id of the stay or LiveKit identity, in the main call or in a breakout.
    #[garde(length(chars, max = 120))]
    #[schema(max_length = 120)]
    participant: String,
    /// null = the main call.
    breakout_id: Option<Uuid>,
}

/// Send people to breakouts or back; while they are open, people are told at once.
#[utoipa::path(put, path = "/calls/{call_id}/breakouts/assignments", tag = "calls", operation_id = "assign_breakouts",
    params(("call_id" = uuid::Uuid, Path)), request_body = AssignRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = BreakoutList), Problems, Conflict))]
pub(crate) async fn assign(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
    Body(request): Body<AssignRequest>,
) -> Result<Json<BreakoutList>, ApiError> {
    let moves = request.assignments.into_iter();
    let moves: Vec<Move> =
        moves.map(|wanted| Move { pid: wanted.participant, breakout_id: wanted.breakout_id }).collect();
    Ok(Json(breakouts::assign(&app, &caller, call_id(&id)?, &moves).await?.into()))
}
