//! Cross-site requests: a browser's cookies must not act for somebody else's page.
//!
//! In: a request that a cookie would authorize or that would set one. Out: allowed or not. The rules are tower-http's
//! (`Sec-Fetch-Site`, else `Origin` against the host); they are asked for such requests alone, because requests with
//! a token in a header cannot be forged and may come from any page.

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::csrf::CsrfLayer;

use super::origin::ClientFacts;
use crate::error::ApiError;

/// Refuses a request that another site made the browser send.
///
/// # Errors
/// 403 `cross_site_request`.
pub(crate) async fn check(method: &Method, headers: &HeaderMap, facts: &ClientFacts) -> Result<(), ApiError> {
    let mut shadow = Request::builder().method(method.clone()).uri("/");
    for name in ["sec-fetch-site", ORIGIN.as_str()] {
        if let Some(value) = headers.get(name) {
            shadow = shadow.header(name, value);
        }
    }
    if let Some(host) = facts.host.as_deref().and_then(|host| HeaderValue::from_str(host).ok()) {
        shadow = shadow.header(HOST, host);
    }
    let accept =
        service_fn(|_: Request<String>| async { Ok::<_, std::convert::Infallible>(Response::new(String::new())) });
    let shadow = shadow.body(String::new()).map_err(|error| ApiError::internal(&error))?;
    let allowed = match CsrfLayer::new().layer(accept).oneshot(shadow).await {
        Ok(response) => response.status().is_success(),
        Err(never) => match never {},
    };
    if allowed {
        return Ok(());
    }
    metrics::counter!("plenum_cross_site_requests_total").increment(1);
    Err(ApiError::new(
        StatusCode::FORBIDDEN,
        "cross_site_request",
        "This request came from another site. Send the access token in a header instead of cookies.",
    ))
}

/// As [`check`], for the head of a request.
pub(crate) async fn check_parts(parts: &Parts, facts: &ClientFacts) -> Result<(), ApiError> {
    check(&parts.method, &parts.headers, facts).await
}
