//! Versions of what people change: `ETag` on what is read, `If-Match` on what is changed or deleted.
//!
//! In: the header as it was sent, the moment a thing changed last. Out: a tag; or whether the client knows the thing as it
//! is. The tag is about what can be changed, not about who looks: a call that begins does not change it.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{ETAG, IF_MATCH};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;

use crate::model::clock::Micros;
use crate::store::db::StoreError;

/// Longest header that can make sense: a few tags.
const MAX_BYTES: usize = 256;

/// What a client says it knows; `None` inside = it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IfMatch(Option<String>);

impl IfMatch {
    /// Reads the header; what cannot be read, or is longer than a few tags, matches nothing.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        if !headers.contains_key(IF_MATCH) {
            return Self(None);
        }
        // Several lines are one list (RFC 9110, section 5.3).
        let mut text = String::new();
        for line in headers.get_all(IF_MATCH) {
            let Ok(line) = line.to_str() else { return Self(Some(String::new())) };
            if text.len() + line.len() > MAX_BYTES {
                return Self(Some(String::new()));
            }
            text.push_str(line);
            text.push(',');
        }
        Self(Some(text))
    }

    /// Whether anything was said.
    pub(crate) fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Refuses a change of what changed since the client read it.
    ///
    /// # Errors
    /// [`StoreError::Stale`].
    pub(crate) fn check(&self, changed_at: Micros) -> Result<(), StoreError> {
        let Some(known) = &self.0 else { return Ok(()) };
        let tag = tag(changed_at);
        let matches = known.split(',').map(str::trim).any(|one| one == "*" || one == tag);
        if matches { Ok(()) } else { Err(StoreError::Stale) }
    }
}

/// The tag of what changed last at `changed_at`.
fn tag(changed_at: Micros) -> String {
    format!("\"{:x}\"", changed_at.0)
}

/// JSON with its tag.
#[derive(Debug)]
pub(crate) struct Tagged<T>(pub T, pub Micros);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.0).into_response();
        if let Ok(tag) = HeaderValue::from_str(&tag(self.1)) {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &'static str) -> IfMatch {
        let mut headers = HeaderMap::new();
        headers.insert(IF_MATCH, HeaderValue::from_static(text));
        IfMatch::of(&headers)
    }

    #[test]
    fn several_lines_are_one_list() {
        let mut headers = HeaderMap::new();
        for line in ["\"fe\"", "\"ff\""] {
            headers.append(IF_MATCH, HeaderValue::from_static(line));
        }
        assert!(IfMatch::of(&headers).check(Micros(255)).is_ok());
        assert!(IfMatch::of(&headers).check(Micros(1)).is_err());
        headers.append(IF_MATCH, HeaderValue::from_str(&"x".repeat(MAX_BYTES)).unwrap());
        assert!(IfMatch::of(&headers).check(Micros(255)).is_err(), "too long to make sense");
    }

    #[test]
    fn what_is_not_said_matches_everything_and_nonsense_nothing() {
        let at = Micros(255);
        assert!(IfMatch::of(&HeaderMap::new()).check(at).is_ok());
        for good in ["\"ff\"", "*", "\"fe\", \"ff\""] {
            assert!(said(good).check(at).is_ok(), "{good}");
        }
        for bad in ["", "ff", "\"fe\"", "W/\"ff\"", "\"ff", "\"FF\""] {
            assert!(said(bad).check(at).is_err(), "{bad}");
        }
    }
}
