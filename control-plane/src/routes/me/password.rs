//! `PUT /api/v1/me/password`: another password.

use std::sync::Arc;

use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, SignedIn};
use crate::http::validate;
use crate::routes::problems::Problems;
use crate::services::credentials;

/// The password that is, and the one that is to be.
#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct ChangePasswordRequest {
    /// Needed unless the account has none yet.
    #[garde(inner(custom(validate::any_password)))]
    #[schema(format = Password, max_length = 200)]
    current_password: Option<String>,
    #[garde(custom(validate::new_password))]
    #[schema(format = Password, min_length = 8, max_length = 200)]
    new_password: String,
}

/// Change one's password. Every other session ends.
#[utoipa::path(put, path = "/me/password", tag = "me", operation_id = "change_password",
    request_body = ChangePasswordRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 204), Problems))]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Body(request): Body<ChangePasswordRequest>,
) -> Result<StatusCode, ApiError> {
    app.limits.auth(who.caller.facts.ip, &who.user.email).await?;
    credentials::change_password(&app, &who, request.current_password, request.new_password).await?;
    Ok(StatusCode::NO_CONTENT)
}
