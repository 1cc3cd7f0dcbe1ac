//! `POST /api/v1/calls/{call_id}/participants/{pid}/permissions`: what somebody may send.

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
use crate::routes::calls::call_id;
use crate::routes::problems::{Conflict, Problems};
use crate::services::hosting::{self, Permissions};

/// What to block or allow.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct PermissionsRequest {
    microphone: Option<bool>,
    camera: Option<bool>,
    /// With its sound.
    screen_share: Option<bool>,
}

/// Block (`false`) or allow (`true`) what somebody may send; what is left out stays.
#[utoipa::path(post, path = "/calls/{call_id}/participants/{pid}/permissions", tag = "calls", operation_id = "set_participant_permissions",
    params(("call_id" = uuid::Uuid, Path), ("pid" = String, Path, description = "Id of the stay or LiveKit identity")), request_body = PermissionsRequest,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = SetParticipant), Problems, Conflict))]
pub(crate) async fn set_permissions(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    TwoSegments(id, pid): TwoSegments,
    Body(request): Body<PermissionsRequest>,
) -> Result<Json<SetParticipant>, ApiError> {
    let PermissionsRequest { microphone, camera, screen_share } = request;
    let wanted = Permissions { microphone, camera, screen_share };
    let (stay, grant) = hosting::set_permissions(&app, &caller, call_id(&id)?, &pid, wanted).await?;
    Ok(Json(SetParticipant::of(stay, grant)))
}
