//! `POST /api/v1/rooms/{room}/lobby`: asking to be let in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::LobbyAnswer;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Body, Segment};
use crate::http::validate;
use crate::routes::problems::{Conflict, Problems};
use crate::routes::rooms::room_name;
use crate::services::lobby;

/// Who asks, beyond what the session says.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct KnockRequest {
    /// A guest's name; signed-in people wait under their own.
    #[garde(custom(validate::optional_name))]
    #[schema(min_length = 1, max_length = 80)]
    display_name: Option<String>,
}

/// Ask to be let in. Asking again is fine; guests get a token to ask with from then on.
#[utoipa::path(post, path = "/rooms/{room}/lobby", tag = "rooms", operation_id = "knock",
    params(("room" = String, Path, description = "Id or code")), request_body = Option<KnockRequest>,
    security((), ("bearer" = []), ("cookie" = [])), responses((status = 200, body = LobbyAnswer), Problems, Conflict))]
pub(crate) async fn knock(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(room): Segment,
    body: Option<Body<KnockRequest>>,
) -> Result<Json<LobbyAnswer>, ApiError> {
    app.limits.knock(caller.facts.ip).await?;
    let request = body.map(|Body(request)| request).unwrap_or_default();
    let name = request.display_name.map(|name| name.trim().to_owned());
    Ok(Json(lobby::knock(&app, &caller, &room_name(&room)?, name).await?.into()))
}
