//! `POST /api/v1/auth/email/verify/confirm`: the code that came to one's own address.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Body, SignedIn};
use crate::http::validate;
use crate::model::user::User;
use crate::routes::problems::Problems;
use crate::services::addresses::{self, CodeError};

/// The six digits of the mail.
#[derive(Deserialize, Validate, ToSchema)]
pub(crate) struct ConfirmEmailRequest {
    #[garde(custom(validate::code))]
    #[schema(min_length = 6, max_length = 6, pattern = "^[0-9]{6}$")]
    code: String,
}

/// Verify one's address by a code.
#[utoipa::path(post, path = "/auth/email/verify/confirm", tag = "auth", operation_id = "confirm_email",
    request_body = ConfirmEmailRequest, security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = User), Problems))]
pub(crate) async fn confirm(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Body(request): Body<ConfirmEmailRequest>,
) -> Result<Json<User>, ApiError> {
    app.limits.auth(who.caller.facts.ip, &who.user.email).await?;
    match addresses::confirm(&app, &who, request.code.trim()).await {
        Ok(user) => Ok(Json(user)),
        // The session is fine: a 401 would make its owner sign in again.
        Err(CodeError::Invalid) => Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_code",
            "The code is wrong, used or expired. Ask for a new one.",
        )),
        Err(error) => Err(error.into()),
    }
}
