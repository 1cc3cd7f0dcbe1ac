//! `POST /api/v1/auth/otp`: a code by mail, if there is an account.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use super::CodeRequest;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{AnyoneAtAll, Body};
use crate::http::validate;
use crate::model::user::CodePurpose;
use crate::routes::problems::Problems;
use crate::services::addresses;

/// Ask for a sign-in code by mail. The answer is the same whether or not there is such an account.
#[utoipa::path(post, path = "/auth/otp", tag = "auth", operation_id = "request_code", security(()),
    request_body = CodeRequest, responses((status = 202, description = "A code is on its way, if there is such an account"),
    Problems))]
pub(crate) async fn request(
    State(app): State<Arc<App>>,
    AnyoneAtAll(caller): AnyoneAtAll,
    Body(request): Body<CodeRequest>,
) -> Result<StatusCode, ApiError> {
    let email = validate::fold_email(&request.email);
    app.limits.auth(caller.facts.ip, &email).await?;
    addresses::request_code(&app, &email, CodePurpose::Login).await?;
    Ok(StatusCode::ACCEPTED)
}
