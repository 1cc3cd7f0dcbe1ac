//! `DELETE /api/v1/me`: the end of one's own account.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::cookies;
use crate::http::extract::{Body, SignedIn};
use crate::http::validate;
use crate::model::user::SessionTransport;
use crate::routes::problems::{Conflict, Problems};
use crate::services::users;

/// What proves that the account is one's own.
#[derive(Default, Deserialize, Validate, ToSchema)]
pub(crate) struct DeleteMeRequest {
    /// Needed later than ten minutes after signing in, unless the account has none.
    #[garde(inner(custom(validate::any_password)))]
    #[schema(format = Password, max_length = 200)]
    current_password: Option<String>,
}

/// Delete one's own account, which takes its password, if it has one, later than ten minutes after signing in. Name and address vanish from history soon after.
#[utoipa::path(delete, path = "/me", tag = "me", operation_id = "delete_me", request_body = Option<DeleteMeRequest>,
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems, Conflict))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    who: SignedIn,
    body: Option<Body<DeleteMeRequest>>,
) -> Result<Response, ApiError> {
    app.limits.auth(who.caller.facts.ip, &who.user.email).await?;
    let request = body.map(|Body(request)| request).unwrap_or_default();
    users::delete_self(&app, &who, request.current_password).await?;
    match who.session.transport {
        SessionTransport::Bearer => Ok(StatusCode::NO_CONTENT.into_response()),
        SessionTransport::Cookie => {
            Ok((StatusCode::NO_CONTENT, cookies::clear(CookieJar::new(), &who.caller.facts)).into_response())
        }
    }
}
