//! `GET /api/v1/health`: whether the API is up, for monitors that know only the API.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::problems::Problems;
use crate::app::App;
use crate::error::ApiError;
use crate::store::users;

/// The API is up.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    status: &'static str,
    /// Version of the server.
    version: &'static str,
}

/// Whether the API and its database are up.
#[utoipa::path(get, path = "/health", tag = "server", operation_id = "health", security(()),
    responses((status = 200, body = Health), Problems))]
pub(crate) async fn health(State(app): State<Arc<App>>) -> Result<Json<Health>, ApiError> {
    users::count_admins(&app.db).await?;
    Ok(Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") }))
}
