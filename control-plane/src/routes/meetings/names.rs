//! The variable segments of a path with more than one, as text.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;

use crate::error::ApiError;

/// Variable segments by their names; what is no UTF-8 names nothing.
#[derive(Debug)]
pub(crate) struct Names(Vec<(String, String)>);

impl Names {
    /// The text of a segment.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, text)| text.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Names {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| ApiError::not_found("not_found", "There is nothing at this address."))?;
        Ok(Self(params.iter().map(|(key, text)| (key.to_owned(), text.to_owned())).collect()))
    }
}
