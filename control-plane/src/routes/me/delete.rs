//! `DELETE /api/v1/me`: the end of one's own account.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use http::StatusCode;

use crate::app::App;
use crate::error::ApiError;
use crate::http::cookies;
use crate::http::extract::SignedIn;
use crate::model::user::SessionTransport;
use crate::routes::problems::{Conflict, Problems};
use crate::services::users;

/// Delete one's own account. Name and address vanish from history soon after.
#[utoipa::path(delete, path = "/me", tag = "me", operation_id = "delete_me",
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems, Conflict))]
pub(crate) async fn delete(State(app): State<Arc<App>>, who: SignedIn) -> Result<Response, ApiError> {
    users::delete_self(&app, &who).await?;
    match who.session.transport {
        SessionTransport::Bearer => Ok(StatusCode::NO_CONTENT.into_response()),
        SessionTransport::Cookie => {
            Ok((StatusCode::NO_CONTENT, cookies::clear(CookieJar::new(), &who.caller.facts)).into_response())
        }
    }
}
