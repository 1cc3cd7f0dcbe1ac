//! `/api/v1/auth`: accounts and sessions.

pub(crate) mod email;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod oauth;
pub(crate) mod otp;
pub(crate) mod password;
pub(crate) mod refresh;
pub(crate) mod register;
pub(crate) mod session;
pub(crate) mod setup;
pub(crate) mod ws_ticket;

use std::sync::Arc;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{AnyoneAtAll, Caller};
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

/// The routes of this noun.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(register::register))
        .routes(routes!(login::login))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(setup::setup))
        .routes(routes!(session::session))
        .routes(routes!(oauth::start::start))
        .routes(routes!(oauth::callback::callback))
        .routes(routes!(oauth::token::token))
        .routes(routes!(otp::request::request))
        .routes(routes!(otp::verify::verify))
        .routes(routes!(password::reset::reset))
        .routes(routes!(password::confirm::confirm))
        .routes(routes!(email::verify::verify))
        .routes(routes!(email::confirm::confirm))
}

/// Where sessions begin: whoever asks, a stale token being nobody's business, and what the answer needs to know.
pub(crate) struct Door {
    pub caller: Caller,
    method: Method,
    headers: HeaderMap,
}

impl<S: Sync> FromRequestParts<S> for Door {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let AnyoneAtAll(caller) = AnyoneAtAll::from_request_parts(parts, state).await?;
        Ok(Self { caller, method: parts.method.clone(), headers: parts.headers.clone() })
    }
}

impl Door {
    /// Refuses a request from another site that would put cookies into this browser.
    pub(super) async fn guard(&self, transport: SessionTransport) -> Result<(), ApiError> {
        match transport {
            SessionTransport::Bearer => Ok(()),
            SessionTransport::Cookie => csrf::check(&self.method, &self.headers, &self.caller.facts).await,
        }
    }

    /// Counts an attempt to get into `account`, and settles how the tokens will travel.
    pub(super) async fn attempt(
        &self,
        app: &App,
        account: &str,
        transport: Option<SessionTransport>,
    ) -> Result<SessionTransport, ApiError> {
        let transport = transport.unwrap_or(SessionTransport::Bearer);
        self.guard(transport).await?;
        app.limits.auth(self.caller.facts.ip, account).await?;
        Ok(transport)
    }

    /// The answer that carries a pair of tokens, in the body or in cookies.
    pub(super) fn answer(
        &self,
        app: &App,
        status: StatusCode,
        transport: SessionTransport,
        user: User,
        tokens: &TokenPair,
    ) -> Response {
        let (access, refresh) = (tokens.access.text(), tokens.refresh.text());
        let access_expires_at = tokens.access_expires_at;
        match transport {
            SessionTransport::Bearer => {
                let body =
                    Session { user, access_token: Some(access), refresh_token: Some(refresh), access_expires_at };
                (status, Json(body)).into_response()
            }
            SessionTransport::Cookie => {
                let jar = add_session_cookies(CookieJar::new(), app, &self.caller.facts, tokens);
                let body = Session { user, access_token: None, refresh_token: None, access_expires_at };
                (status, jar, Json(body)).into_response()
            }
        }
    }
}

/// Both cookies of a session.
fn add_session_cookies(jar: CookieJar, app: &App, facts: &ClientFacts, tokens: &TokenPair) -> CookieJar {
    let (access, refresh) = (tokens.access.text(), tokens.refresh.text());
    cookies::set(jar, facts, access, refresh, app.sessions.refresh_ttl_s)
}
