//! `POST /api/v1/auth/ws-ticket`: what a page shows to open a socket where it can send neither header nor cookie.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::Anyone;
use crate::model::clock::Micros;
use crate::model::user::Actor;
use crate::routes::problems::Problems;
use crate::services::tickets;

/// A ticket for one socket or stream.
#[derive(Serialize, ToSchema)]
pub(crate) struct WsTicket {
    /// Goes into the query as `ticket`; works once.
    ticket: String,
    expires_at: Micros,
}

/// A ticket that opens one event socket or stream for this session or guest, once, within 30 seconds.
#[utoipa::path(post, path = "/auth/ws-ticket", tag = "auth", operation_id = "create_ws_ticket",
    security(("bearer" = []), ("cookie" = [])), responses((status = 201, body = WsTicket), Problems))]
pub(crate) async fn ws_ticket(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
) -> Result<(StatusCode, Json<WsTicket>), ApiError> {
    if matches!(caller.actor, Actor::Anonymous) {
        return Err(ApiError::sign_in_required());
    }
    let (secret, expires_at) = tickets::issue(&app, &caller.actor).await?;
    Ok((StatusCode::CREATED, Json(WsTicket { ticket: secret.text(), expires_at })))
}
