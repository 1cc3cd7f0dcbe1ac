//! `/api/v1/auth/oauth/{provider}`: sign-in by Google and Microsoft.

pub(crate) mod callback;
pub(crate) mod start;
pub(crate) mod token;

use axum::response::{IntoResponse, Response};
use http::HeaderMap;

use crate::error::ApiError;
use crate::http::page;
use crate::model::user::Provider;
use crate::services::providers::ProviderError;

/// A failed sign-in: a page for the person in front of a browser, a problem document for a program.
fn failed(error: ProviderError, headers: &HeaderMap) -> Response {
    let error = ApiError::from(error);
    if page::is_wanted(headers) {
        return page::problem(error, "Signing in did not work", "Back", "/signin");
    }
    error.into_response()
}

/// The provider a path names; one we do not know is one that is not configured.
pub(crate) fn provider(name: &str) -> Result<Provider, ApiError> {
    match name {
        "google" => Ok(Provider::Google),
        "microsoft" => Ok(Provider::Microsoft),
        _ => Err(ProviderError::NotConfigured.into()),
    }
}
