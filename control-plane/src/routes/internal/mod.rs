//! `/internal`: what media nodes send. Only the internal key opens it; it is no part of the public document.

pub(crate) mod nodes;
pub(crate) mod webhooks;

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};

use crate::error::ApiError;

fn authorization(headers: &HeaderMap) -> &str {
    headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// A request that the internal key did not sign, or that makes no sense.
fn refused(status: u16, error: &dyn std::fmt::Display) -> ApiError {
    metrics::counter!("plenum_internal_refused_total").increment(1);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    ApiError::new(status, "internal_request_refused", error.to_string())
}
