//! `GET /api/v1/push/vapid-key`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::routes::problems::Problems;

/// The public half of this server's key.
#[derive(Serialize, ToSchema)]
pub(crate) struct VapidKeyAnswer {
    /// An uncompressed point of P-256 in base64url, for `applicationServerKey`.
    public_key: String,
}

/// The key that browsers subscribe with, so that nobody but this server can send to them.
#[utoipa::path(get, path = "/push/vapid-key", tag = "notifications", operation_id = "get_vapid_key",
    security(()), responses((status = 200, body = VapidKeyAnswer), Problems))]
pub(crate) async fn get(State(app): State<Arc<App>>) -> Json<VapidKeyAnswer> {
    Json(VapidKeyAnswer { public_key: app.push.public_key().to_owned() })
}
