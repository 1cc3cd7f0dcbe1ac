//! `POST /api/v1/auth/refresh`: the next pair of tokens.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Door, Session};
use crate::app::App;
use crate::error::ApiError;
use crate::http::cookies::{self, SessionCookie};
use crate::http::extract::Body;
use crate::model::secret::{Secret, SecretKind};
use crate::model::user::SessionTransport;
use crate::routes::problems::Problems;
use crate::services::sessions::{self, RefreshError};

/// The token to exchange; browsers with cookies send none.
#[derive(Default, Deserialize, Validate, ToSchema)]
pub(crate) struct RefreshRequest {
    #[garde(inner(length(chars, max = 100)))]
    #[schema(max_length = 100)]
    refresh_token: Option<String>,
}

/// Exchange a refresh token for the next pair.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", operation_id = "refresh", security(()),
    request_body = Option<RefreshRequest>, responses((status = 200, body = Session),
    (status = 204, description = "The next pair is in the cookies"), Problems))]
pub(crate) async fn refresh(
    State(app): State<Arc<App>>,
    door: Door,
    jar: CookieJar,
    body: Option<Body<RefreshRequest>>,
) -> Result<Response, ApiError> {
    let facts = &door.caller.facts;
    let in_body = body.and_then(|Body(request)| request.refresh_token);
    let transport = if in_body.is_some() { SessionTransport::Bearer } else { SessionTransport::Cookie };
    let in_cookie = cookies::read(&jar, SessionCookie::Refresh, facts).map(str::to_owned);
    let Some(token) = in_body.or(in_cookie) else {
        return Err(ApiError::field("refresh_token", "is required"));
    };
    door.guard(transport).await?;
    let refreshed = match Secret::parse(SecretKind::Refresh, &token) {
        Some(secret) => sessions::refresh(&app, &secret, facts).await,
        None => Err(RefreshError::Unknown),
    };
    match refreshed {
        // Their page knows who it is; only the cookies are new.
        Ok(done) if transport == SessionTransport::Cookie => {
            let jar = super::add_session_cookies(CookieJar::new(), &app, facts, &done.tokens);
            Ok((StatusCode::NO_CONTENT, jar).into_response())
        }
        Ok(done) => Ok(door.answer(&app, StatusCode::OK, transport, done.user, &done.tokens)),
        // Cookies of a session that is over would be presented, and refused, for ever.
        Err(error @ (RefreshError::Unknown | RefreshError::Reused)) if transport == SessionTransport::Cookie => {
            Ok((cookies::clear(CookieJar::new(), facts), ApiError::from(error)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
