//! `POST /api/v1/calls/{call_id}/participants/{pid}/role`: a cohost.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::SetParticipant;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Body, TwoSegments};
use crate::model::text_enum::text_enum;
use crate::routes::calls::call_id;
use crate::routes::problems::{Conflict, Problems};
use crate::services::hosting;

text_enum! {
    /// A role that hosts give for the time of a call.
    pub(crate) enum GivenRole { Cohost = "cohost", Participant = "participant" }
}

/// The role to give.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct RoleRequest {
    role: GivenRole,
}

/// Make somebody cohost, or take that back; hosts may.
#[utoipa::path(post, path = "/calls/{call_id}/participants/{pid}/role", tag = "calls", operation_id = "set_participant_role",
    params(("call_id" = uuid::Uuid, Path), ("pid" = String, Path, description = "Id of the stay or LiveKit identity")), request_body = RoleRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = SetParticipant), Problems, Conflict))]
pub(crate) async fn set_role(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    TwoSegments(id, pid): TwoSegments,
    Body(request): Body<RoleRequest>,
) -> Result<Json<SetParticipant>, ApiError> {
    let is_cohost = request.role == GivenRole::Cohost;
    let (stay, grant) = hosting::set_role(&app, &caller, call_id(&id)?, &pid, is_cohost).await?;
    Ok(Json(SetParticipant::of(stay, grant)))
}
