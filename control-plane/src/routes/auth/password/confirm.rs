//! `POST /api/v1/auth/password/reset/confirm`: a new password by the code of a mail.

use std::sync::Arc;

use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{AnyoneAtAll, Body};
use crate::http::validate;
use crate::routes::problems::Problems;
use crate::services::addresses;

/// The code, and the password that is to be.
#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct ResetPasswordRequest {
    #[garde(custom(validate::email))]
    #[schema(format = Email, max_length = 254)]
    email: String,
    /// The six digits of the mail.
    #[garde(custom(validate::code))]
    #[schema(min_length = 6, max_length = 6, pattern = "^[0-9]{6}$")]
    code: String,
    #[garde(custom(validate::new_password))]
    #[schema(format = Password, min_length = 8, max_length = 200)]
    new_password: String,
}

/// Set a new password by a code. Every session of the account ends.
#[utoipa::path(post, path = "/auth/password/reset/confirm", tag = "auth", operation_id = "reset_password",
    security(()), request_body = ResetPasswordRequest, responses((status = 204), Problems))]
pub(crate) async fn confirm(
    State(app): State<Arc<App>>,
    AnyoneAtAll(caller): AnyoneAtAll,
    Body(request): Body<ResetPasswordRequest>,
) -> Result<StatusCode, ApiError> {
    let email = validate::fold_email(&request.email);
    app.limits.auth(caller.facts.ip, &email).await?;
    addresses::reset_password(&app, &caller, &email, request.code.trim(), request.new_password).await?;
    Ok(StatusCode::NO_CONTENT)
}
