//! `POST /api/v1/auth/logout`: the end of a session.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use http::{HeaderMap, StatusCode};

use super::Door;
use crate::app::App;
use crate::error::ApiError;
use crate::http::cookies::{self, SessionCookie};
use crate::model::secret::{Secret, SecretKind};
use crate::model::user::SessionTransport;
use crate::routes::problems::Problems;
use crate::services::sessions;

/// End the session of this token or these cookies: both its tokens are dead from now on. Doing it twice is fine.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", operation_id = "logout",
    security(("bearer" = []), ("cookie" = [])), responses((status = 204), Problems))]
pub(crate) async fn logout(
    State(app): State<Arc<App>>,
    door: Door,
    jar: CookieJar,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let caller = &door.caller;
    let by_cookie = cookies::read(&jar, SessionCookie::Refresh, &caller.facts);
    let by_cookie = by_cookie.or_else(|| cookies::read(&jar, SessionCookie::Access, &caller.facts)).is_some();
    let by_header = headers.contains_key(http::header::AUTHORIZATION);
    if !by_cookie && !by_header {
        return Err(ApiError::sign_in_required());
    }
    if by_cookie && !by_header {
        door.guard(SessionTransport::Cookie).await?;
    }
    let refresh = cookies::read(&jar, SessionCookie::Refresh, &caller.facts).filter(|_| !by_header);
    let refresh = refresh.and_then(|text| Secret::parse(SecretKind::Refresh, text));
    sessions::end(&app, caller, refresh.as_ref()).await?;
    if by_header {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok((StatusCode::NO_CONTENT, cookies::clear(CookieJar::new(), &caller.facts)).into_response())
}
