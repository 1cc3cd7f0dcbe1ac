//! What every request and every answer gets, whichever half it is for.
//!
//! In: the assembled router. Out: the same with a trace, counters, security headers, a limit on slow bodies, and panics
//! turned into 500. It never logs a query: join tokens travel there.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use http::header::{self, HeaderName, HeaderValue};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

/// What a page of ours may load. Media nodes may be other hosts, hence the open `connect-src`; components set inline
/// styles; workers and media come from blobs.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; \
    media-src 'self' blob: data: mediastream:; worker-src 'self' blob:; connect-src 'self' ws: wss: http: https:; \
    object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'";

/// What a page of ours may use, and nobody it embeds.
const PERMISSIONS_POLICY: &str = "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), \
    fullscreen=(self), picture-in-picture=(self), speaker-selection=(self), screen-wake-lock=(self), \
    geolocation=(), payment=(), usb=()";

/// Headers that an answer gets unless it has its own.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Wraps the finished router; `body_timeout` is the longest pause inside a request's body.
pub(crate) fn wrap(router: Router, body_timeout: Duration) -> Router {
    let mut router = router
        .layer(
            ServiceBuilder::new()
                .layer(CatchPanicLayer::new())
                .layer(RequestBodyTimeoutLayer::new(body_timeout))
                .map_request(|request: http::Request<_>| request.map(Body::new)),
        )
        .layer(middleware::from_fn(observe));
    for (name, value) in HEADERS {
        router = router.layer(SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value)));
    }
    router
}

/// Counts and traces one request.
async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    let status = response.status();
    let class = match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    };
    let took = started.elapsed();
    metrics::counter!("plenum_http_requests_total", "status" => class).increment(1);
    metrics::histogram!("plenum_http_request_duration_seconds").record(took.as_secs_f64());
    tracing::debug!(%method, path, status = status.as_u16(), took_ms = took.as_millis() as u64, "request");
    response
}
