//! `POST /api/v1/calls/{call_id}/mute-all`: silence.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::call_id;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Body, Segment};
use crate::model::call::Source;
use crate::routes::problems::{Conflict, Problems};
use crate::services::hosting_media;

/// What to mute.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct MuteRequest {
    /// `microphone` unless given.
    pub source: Option<Source>,
}

/// What was muted.
#[derive(Serialize, ToSchema)]
pub(crate) struct Muted {
    /// Tracks that were not muted before.
    pub muted: usize,
}

/// Mute everybody but hosts, cohosts and oneself. People may unmute themselves.
#[utoipa::path(post, path = "/calls/{call_id}/mute-all", tag = "calls", operation_id = "mute_all",
    params(("call_id" = uuid::Uuid, Path)), request_body = Option<MuteRequest>,
    security(("bearer" = []), ("cookie" = [])), responses((status = 200, body = Muted), Problems, Conflict))]
pub(crate) async fn mute_all(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
    body: Option<Body<MuteRequest>>,
) -> Result<Json<Muted>, ApiError> {
    let request = body.map(|Body(request)| request).unwrap_or_default();
    let source = request.source.unwrap_or(Source::Microphone);
    let muted = hosting_media::mute_all(&app, &caller, call_id(&id)?, source).await?;
    Ok(Json(Muted { muted }))
}
