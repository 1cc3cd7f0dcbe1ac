//! `POST /api/v1/auth/otp/verify`: a session by the code of a mail.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::Body;
use crate::http::validate;
use crate::model::user::SessionTransport;
use crate::routes::auth::{Door, Session};
use crate::routes::problems::Problems;
use crate::services::addresses;

/// Who signs in.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct VerifyCodeRequest {
    #[garde(custom(validate::email))]
    #[schema(format = Email, max_length = 254)]
    email: String,
    /// The six digits of the mail.
    #[garde(custom(validate::code))]
    #[schema(min_length = 6, max_length = 6, pattern = "^[0-9]{6}$")]
    code: String,
    /// `bearer` unless given.
    transport: Option<SessionTransport>,
}

/// Sign in by a code; it works once, for five minutes, and takes five tries.
#[utoipa::path(post, path = "/auth/otp/verify", tag = "auth", operation_id = "verify_code", security(()),
    request_body = VerifyCodeRequest, responses((status = 200, body = Session), Problems))]
pub(crate) async fn verify(
    State(app): State<Arc<App>>,
    door: Door,
    Body(request): Body<VerifyCodeRequest>,
) -> Result<Response, ApiError> {
    let email = validate::fold_email(&request.email);
    let transport = door.attempt(&app, &email, request.transport).await?;
    let (user, tokens) = addresses::sign_in(&app, &door.caller, &email, request.code.trim(), transport).await?;
    Ok(door.answer(&app, StatusCode::OK, transport, user, &tokens))
}
