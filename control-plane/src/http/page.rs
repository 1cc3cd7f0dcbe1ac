//! Small pages for people who come here by a browser and not by the web app: from a mail, from an identity provider.
//!
//! In: a few words. Out: HTML without scripts and without anything from elsewhere.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::error::ApiError;

/// Styles of its own, forms to this server, nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; \
    base-uri 'none'";

/// A page.
#[derive(Debug, Default, Template)]
#[template(path = "page.html")]
pub(crate) struct Page<'a> {
    pub title: &'a str,
    pub paragraphs: &'a [String],
    /// Label of the button that sends a POST to where the page is.
    pub button: Option<&'a str>,
    /// Label of the link to `href`.
    pub link: Option<&'a str>,
    pub href: &'a str,
}

impl Page<'_> {
    /// The page as an answer.
    pub(crate) fn answer(&self, status: StatusCode) -> Response {
        let text = match self.render() {
            Ok(text) => text,
            Err(error) => return ApiError::internal(&error).into_response(),
        };
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        ];
        (status, headers, text).into_response()
    }
}

/// Whether whoever asks would show the answer to a person as a page.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.split(',').any(|kind| kind.split(';').next().unwrap_or_default().trim() == "text/html"))
}

/// A problem as a page, with the way back.
pub(crate) fn problem(error: ApiError, title: &str, link: &str, href: &str) -> Response {
    let (status, paragraphs) = (error.status(), [error.detail().to_owned()]);
    // The program that reads headers finds them as in every problem.
    let mut response = Page { title, paragraphs: &paragraphs, button: None, link: Some(link), href }.answer(status);
    for (name, value) in error.into_response().headers() {
        if name != CONTENT_TYPE {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_want_pages_and_programs_do_not() {
        let asks = |accept: &'static str| HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
        assert!(is_wanted(&asks("text/html,application/xhtml+xml,*/*;q=0.8")));
        assert!(is_wanted(&asks("application/json, text/html;q=0.1")));
        for not in ["*/*", "application/json", "text/htmlx"] {
            assert!(!is_wanted(&asks(not)), "{not}");
        }
        assert!(!is_wanted(&HeaderMap::new()));
    }

    #[test]
    fn what_a_page_says_is_no_markup() {
        let paragraphs = ["<script>alert(1)</script>".to_owned()];
        let page = Page { title: "<b>", paragraphs: &paragraphs, link: Some("Back"), href: "/", ..Page::default() };
        let text = page.render().unwrap();
        assert!(!text.contains("<script>") && !text.contains("<b>"), "{text}");
    }
}
