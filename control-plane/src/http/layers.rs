//! What wraps every route: who asks and how often on the way in, headers and problem documents on the way out.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH,
    REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use tower_http::cors::{Any as AnyOrigin, CorsLayer};
use uuid::Uuid;

use super::cookies::{self, SessionCookie};
use super::csrf;
use super::extract::Caller;
use super::origin::ClientFacts;
use crate::app::App;
use crate::error::ApiError;
use crate::model::secret::{Secret, SecretKind};
use crate::model::user::Actor;
use crate::services;

/// Header with the id of a request, in every answer and every log line.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The route on which people wait by long poll.
const LOBBY_POLL: &str = "/rooms/{room}/lobby/{entry_id}";

/// The token a request presents, and how.
enum Credential {
    None,
    Header(String),
    Cookie(String),
}

/// Finds out who asks, refuses cross-site and too frequent requests, and tells the route. Every answer says how many
/// requests are left, a refusal too.
pub(crate) async fn identify(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let facts = Arc::new(ClientFacts::of(&parts, &app.proxies));
    let found = admit(&app, &mut parts, &facts).await;
    let is_poll = parts.extensions.get::<MatchedPath>().is_some_and(|path| path.as_str().ends_with(LOBBY_POLL));
    let counted = match &found {
        // Waiting is not asking; the lobby has a limit of its own.
        Ok(Actor::User { session, .. }) if is_poll => app.limits.poll(session.id).await,
        Ok(Actor::Guest(guest)) if is_poll => app.limits.poll(guest.id).await,
        Ok(Actor::User { session, .. }) => app.limits.session(session.id).await,
        Ok(Actor::Guest(guest)) => app.limits.guest(guest.id).await,
        Ok(Actor::Anonymous) | Err(_) => app.limits.address(facts.ip).await,
    };
    let (allowance, refusal) = match counted {
        Ok(allowance) => (allowance, found.err()),
        Err(refused) => (refused.allowance, Some(refused.into())),
    };
    let mut response = match refusal {
        Some(error) => error.into_response(),
        None => next.run(Request::from_parts(parts, body)).await,
    };
    allowance.write(response.headers_mut());
    response
}

async fn admit(app: &App, parts: &mut Parts, facts: &Arc<ClientFacts>) -> Result<Actor, ApiError> {
    let credential = credential(parts, facts);
    if matches!(credential, Credential::Cookie(_)) && !parts.method.is_safe() {
        csrf::check_parts(parts, facts).await?;
    }
    let (actor, stale_token) = match credential {
        Credential::None => (Actor::Anonymous, false),
        Credential::Header(token) | Credential::Cookie(token) => {
            let actor = find_actor(app, &token).await?;
            let stale = matches!(actor, Actor::Anonymous);
            (actor, stale)
        }
    };
    parts.extensions.insert(Caller { facts: Arc::clone(facts), actor: actor.clone(), stale_token });
    Ok(actor)
}

fn credential(parts: &Parts, facts: &ClientFacts) -> Credential {
    if let Some(value) = parts.headers.get(AUTHORIZATION) {
        let text = value.to_str().unwrap_or_default();
        let token = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        return Credential::Header(token.map_or("", |(_, token)| token.trim()).to_owned());
    }
    let jar = CookieJar::from_headers(&parts.headers);
    match cookies::read(&jar, SessionCookie::Access, facts) {
        Some(token) => Credential::Cookie(token.to_owned()),
        None => Credential::None,
    }
}

async fn find_actor(app: &App, token: &str) -> Result<Actor, ApiError> {
    let now = app.clock.now();
    if let Some(secret) = Secret::parse(SecretKind::Access, token) {
        return Ok(services::sessions::find_actor(app, &secret, now).await?);
    }
    if let Some(secret) = Secret::parse(SecretKind::Guest, token) {
        let guest = crate::store::guests::find_by_token(&app.db, &secret.hash(), now).await?;
        return Ok(guest.map_or(Actor::Anonymous, Actor::Guest));
    }
    Ok(Actor::Anonymous)
}

/// Gives a request its id, measures it and bounds its time.
pub(crate) async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = Uuid::now_v7().simple().to_string();
    let method = request.method().clone();
    // The route's template, never the path itself: that may hold a room code.
    let route = request.extensions().get::<MatchedPath>().map_or("-", |path| own_template(path.as_str())).to_owned();
    let began = std::time::Instant::now();
    let span = tracing::info_span!("request", %method, route, id);
    let answer = tracing::Instrument::instrument(
        tokio::time::timeout(time_limit(&app, &method, &route), next.run(request)),
        span,
    );
    let mut response = match answer.await {
        Ok(response) => response,
        Err(_) => ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "The server took too long. Try again.")
            .retry_after(1)
            .into_response(),
    };
    let status = response.status().as_u16().to_string();
    let labels = [("method", method.to_string()), ("route", route), ("status", status)];
    metrics::histogram!("plenum_http_request_seconds", &labels).record(began.elapsed().as_secs_f64());
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// How long a request may take: uploads take as long as their bytes do, and are bounded where those are read.
fn time_limit(app: &App, method: &Method, route: &str) -> Duration {
    let is_upload = matches!(
        (method.as_str(), route.strip_prefix("/api/v1")),
        ("POST", Some("/conversations/{conversation_id}/files")) | ("PUT", Some("/files/{file_id}/content"))
    );
    if is_upload {
        app.request_timeout.saturating_add(Duration::from_secs(app.live().files.upload_timeout_s))
    } else {
        app.request_timeout
    }
}

/// The template without that of the router which carries this one.
fn own_template(path: &str) -> &str {
    let begin = path.rfind("/api/").max(path.rfind("/internal/")).unwrap_or(0);
    path.get(begin..).unwrap_or(path)
}

/// Headers that keep browsers from guessing, framing and caching answers.
pub(crate) async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

/// Lets pages of any origin call the API with a token in a header; cookies never travel with such requests.
pub(crate) fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AnyOrigin)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH])
        .expose_headers([
            RETRY_AFTER,
            ETAG,
            REQUEST_ID,
            HeaderName::from_static("ratelimit"),
            HeaderName::from_static("ratelimit-policy"),
        ])
        .max_age(Duration::from_secs(86_400))
}

/// What a panic in a route becomes.
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response<Body> {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a text");
    ApiError::internal(&text).into_response()
}

/// What an unknown path is answered.
pub(crate) async fn unknown_route() -> ApiError {
    ApiError::not_found("not_found", "There is nothing at this address.")
}

/// What a known path is answered for another method; axum adds `Allow`.
pub(crate) async fn unknown_method() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This address does not offer that method.")
}
