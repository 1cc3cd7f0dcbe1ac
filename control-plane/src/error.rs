//! Problem documents (RFC 9457): the one shape of every error answer.
//!
//! In: what a service or an extractor refused. Out: status, `application/problem+json`, a stable `code`, a sentence a
//! person can act on. Must not show internals: those are logged, once, here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::db::StoreError;

/// Seconds after which a client may try again when something of ours is down.
const RETRY_SOON_S: u64 = 1;
/// Seconds after which somebody may have made space.
const RETRY_FULL_S: u64 = 60;

/// An error answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What went wrong, for programs; never changes its meaning.
    code: Cow<'static, str>,
    /// What went wrong, for people, and what to do about it.
    detail: String,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    errors: BTreeMap<String, Vec<String>>,
    /// Seconds after which trying again makes sense, also in the header `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
}

/// A refused request, ready to be answered.
#[derive(Debug)]
pub(crate) struct ApiError(Box<Problem>);

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code: Cow::Borrowed(code),
            detail: detail.into(),
            errors: BTreeMap::new(),
            retry_after_s: None,
        }))
    }

    /// 422 with one message per field.
    pub(crate) fn validation(errors: BTreeMap<String, Vec<String>>) -> Self {
        let mut error =
            Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", "Some fields need to be corrected.");
        error.0.errors = errors;
        error
    }

    /// 422 about one field.
    pub(crate) fn field(field: &str, message: &str) -> Self {
        Self::validation(BTreeMap::from([(field.to_owned(), vec![message.to_owned()])]))
    }

    /// 401: nobody we know.
    pub(crate) fn sign_in_required() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "sign_in_required", "Sign in first.")
    }

    /// 403: known, but not allowed.
    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "You are not allowed to do this.")
    }

    /// 404: not there, or not for this caller to know about.
    pub(crate) fn not_found(code: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// 500: a defect of ours; what it was goes to the log only.
    pub(crate) fn internal(what: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %what, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Something went wrong on our side.")
    }

    /// Says when to try again.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Says what is wrong with which field.
    pub(crate) fn blaming(mut self, field: &str, message: String) -> Self {
        self.0.errors.entry(field.to_owned()).or_default().push(message);
        self
    }

    /// What will be answered.
    #[cfg(test)]
    pub(crate) fn problem(&self) -> &Problem {
        &self.0
    }

    /// The same as it is told over a socket, where `type` names the kind of frame.
    pub(crate) fn as_frame(&self) -> serde_json::Value {
        let problem = &*self.0;
        let mut frame = serde_json::json!({ "code": problem.code, "status": problem.status, "detail": problem.detail });
        if let serde_json::Value::Object(fields) = &mut frame {
            if !problem.errors.is_empty() {
                fields.insert("errors".to_owned(), serde_json::json!(problem.errors));
            }
            if let Some(seconds) = problem.retry_after_s {
                fields.insert("retry_after_s".to_owned(), seconds.into());
            }
        }
        frame
    }

    /// What went wrong, for people.
    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Duplicate => Self::new(StatusCode::CONFLICT, "already_exists", "This exists already."),
            StoreError::Stale => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "stale",
                "This was changed since you read it. Read it again before you change it.",
            ),
            StoreError::Unavailable(_) => {
                metrics::counter!("plenum_database_unavailable_total").increment(1);
                tracing::warn!(%error, "the database is unavailable");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "database_unavailable",
                    "The server cannot reach its database. Try again in a moment.",
                )
                .retry_after(RETRY_SOON_S)
            }
            StoreError::Full(_) => {
                metrics::counter!("plenum_database_full_total").increment(1);
                tracing::error!(%error, "the database cannot grow");
                Self::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "storage_full",
                    "The server has no space left to store this. Nothing was changed. Ask the people who run it.",
                )
                .retry_after(RETRY_FULL_S)
            }
            StoreError::Failed(_) => Self::internal(&error),
        }
    }
}

impl From<garde::Report> for ApiError {
    fn from(report: garde::Report) -> Self {
        let mut errors = BTreeMap::<String, Vec<String>>::new();
        for (path, error) in report.iter() {
            errors.entry(path.to_string()).or_default().push(error.message().to_owned());
        }
        Self::validation(errors)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let retry_after = self.0.retry_after_s;
        let status = self.status();
        let mut response = (status, Json(self.0)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(http::header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
