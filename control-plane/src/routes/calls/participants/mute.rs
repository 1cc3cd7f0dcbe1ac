//! `POST /api/v1/calls/{call_id}/participants/{pid}/mute`: somebody is muted.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Body, TwoSegments};
use crate::model::call::Source;
use crate::routes::calls::call_id;
use crate::routes::calls::mute_all::{MuteRequest, Muted};
use crate::routes::problems::{Conflict, Problems};
use crate::services::hosting_media;

/// Mute somebody; hosts and cohosts may. They may unmute themselves unless blocked.
#[utoipa::path(post, path = "/calls/{call_id}/participants/{pid}/mute", tag = "calls", operation_id = "mute_participant",
    params(("call_id" = uuid::Uuid, Path), ("pid" = String, Path, description = "Id of the stay or LiveKit identity")), request_body = Option<MuteRequest>,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = Muted), Problems, Conflict))]
pub(crate) async fn mute(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    TwoSegments(id, pid): TwoSegments,
    body: Option<Body<MuteRequest>>,
) -> Result<Json<Muted>, ApiError> {
    let request = body.map(|Body(request)| request).unwrap_or_default();
    let source = request.source.unwrap_or(Source::Microphone);
    let muted = hosting_media::mute(&app, &caller, call_id(&id)?, &pid, source).await?;
    Ok(Json(Muted { muted }))
}
