//! `GET /api/v1/config`: what this server offers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::config::Registration;
use crate::http::validate::NAME_CHARS;
use crate::routes::page::MAX_LIMIT;
use crate::routes::problems::Problems;

/// What this server offers.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServerConfig {
    registration: Registration,
    /// Whether the server can send mail; without it, codes and resets are off.
    mail_configured: bool,
    /// Names of the providers one can sign in with.
    oauth_providers: Vec<String>,
    /// Whether the first admin has yet to be made.
    setup_required: bool,
    /// Where people reach this server, if that is configured.
    public_url: Option<String>,
    /// Port that speaks HTTPS on the host of this API, if any; browsers give a camera to secure addresses alone.
    https_port: Option<u16>,
    limits: Limits,
}

/// Bounds a form can check before it sends.
#[derive(Serialize, ToSchema)]
struct Limits {
    /// Characters of a name.
    name_chars: usize,
    /// Bytes of a request.
    body_bytes: usize,
    /// Entries of a page.
    page_entries: u32,
    /// People in a room.
    room_participants: u32,
}

/// What this server offers, for anybody.
#[utoipa::path(get, path = "/config", tag = "server", operation_id = "get_config", security(()),
    responses((status = 200, body = ServerConfig), Problems))]
pub(crate) async fn get(State(app): State<Arc<App>>) -> Json<ServerConfig> {
    Json(ServerConfig {
        registration: app.live().registration,
        mail_configured: app.mailer.is_some(),
        oauth_providers: app.providers.names(),
        setup_required: app.setup.text().is_some(),
        public_url: app.public_url.as_ref().map(ToString::to_string),
        https_port: app.https_port,
        limits: Limits {
            name_chars: NAME_CHARS,
            body_bytes: app.max_body_bytes,
            page_entries: MAX_LIMIT,
            room_participants: app.live().rooms.max_participants,
        },
    })
}
