//! `/api/v1/auth`: accounts and sessions.

pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod refresh;
pub(crate) mod register;
pub(crate) mod session;
pub(crate) mod setup;

use axum::Json;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::http::origin::ClientFacts;
use crate::http::{cookies, csrf};
use crate::model::clock::Micros;
use crate::model::user::{SessionTransport, User};
use crate::services::sessions::TokenPair;

/// A session that begins or goes on. With `transport: cookie` the tokens are in cookies and not here.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    user: User,
    /// Goes into `Authorization: Bearer …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// Is exchanged for the next pair at `/auth/refresh`.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    access_expires_at: Micros,
}

/// Refuses a request from another site that would put cookies into this browser.
async fn guard_cookies(
    transport: SessionTransport,
    method: &Method,
    headers: &HeaderMap,
    facts: &ClientFacts,
) -> Result<(), ApiError> {
    match transport {
        SessionTransport::Bearer => Ok(()),
        SessionTransport::Cookie => csrf::check(method, headers, facts).await,
    }
}

/// The answer that carries a pair of tokens, in the body or in cookies.
fn answer(
    app: &App,
    status: StatusCode,
    facts: &ClientFacts,
    transport: SessionTransport,
    user: User,
    tokens: &TokenPair,
) -> Response {
    let (access, refresh) = (tokens.access.text(), tokens.refresh.text());
    let access_expires_at = tokens.access_expires_at;
    match transport {
        SessionTransport::Bearer => {
            let body = Session { user, access_token: Some(access), refresh_token: Some(refresh), access_expires_at };
            (status, Json(body)).into_response()
        }
        SessionTransport::Cookie => {
            let jar = cookies::set(CookieJar::new(), facts, access, refresh, app.sessions.refresh_ttl_s);
            let body = Session { user, access_token: None, refresh_token: None, access_expires_at };
            (status, jar, Json(body)).into_response()
        }
    }
}
