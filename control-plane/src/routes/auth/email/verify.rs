//! `POST /api/v1/auth/email/verify`: a code to one's own address.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::SignedIn;
use crate::routes::problems::Problems;
use crate::services::addresses;

/// Ask for a code that verifies one's address.
#[utoipa::path(post, path = "/auth/email/verify", tag = "auth", operation_id = "request_email_verification",
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 202, description = "A code is on its way"), (status = 204, description = "It is verified"),
    Problems))]
pub(crate) async fn verify(State(app): State<Arc<App>>, who: SignedIn) -> Result<StatusCode, ApiError> {
    app.limits.auth(who.caller.facts.ip, &who.user.email).await?;
    let sent = addresses::request_verification(&app, &who).await?;
    Ok(if sent { StatusCode::ACCEPTED } else { StatusCode::NO_CONTENT })
}
