//! `/api/v1/admin`: what admins of the platform look at and change.

mod lists;
pub(crate) mod media_nodes;
mod quality;
mod retry;
mod settings;
mod stats;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::page::MAX_LIMIT;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::SignedIn;
use crate::services::administration::RetryError;
use crate::services::authorize::administer;
use crate::services::settings::ChangeError;

/// The routes below `/admin`.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    lists::routes()
        .routes(routes!(stats::stats))
        .routes(routes!(quality::per_day))
        .routes(routes!(settings::show, settings::change))
        .routes(routes!(retry::retry))
}

/// An admin of the platform; 401 without a session, 403 for anybody else.
#[derive(Debug)]
pub(crate) struct Admin(pub SignedIn);

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let who = SignedIn::from_request_parts(parts, state).await?;
        administer(&who.caller.actor)?;
        Ok(Self(who))
    }
}

impl From<RetryError> for ApiError {
    fn from(error: RetryError) -> Self {
        match error {
            RetryError::NotFound => super::jobs::not_found(),
            RetryError::NotDead => {
                Self::new(StatusCode::CONFLICT, "job_not_dead", "Only a job that failed for good can be tried again.")
            }
            RetryError::Queued => {
                Self::new(StatusCode::CONFLICT, "already_queued", "The same work waits in the queue already.")
            }
            RetryError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Invalid(errors) => Self::validation(errors),
            ChangeError::Store(error) => error.into(),
        }
    }
}

/// Texts that a search can hold: no NUL, which PostgreSQL refuses, and nothing endless.
fn search_text<C>(value: &Option<String>, _: &C) -> garde::Result {
    match value {
        Some(text) if text.chars().count() > 100 => Err(garde::Error::new("must be at most 100 characters")),
        Some(text) if text.chars().any(char::is_control) => {
            Err(garde::Error::new("must not contain control characters"))
        }
        _ => Ok(()),
    }
}

/// Entries of a page: 1 to [`MAX_LIMIT`].
fn page_size<C>(value: &Option<u32>, _: &C) -> garde::Result {
    match value {
        Some(limit) if !(1..=MAX_LIMIT).contains(limit) => {
            Err(garde::Error::new(format!("must be between 1 and {MAX_LIMIT}")))
        }
        _ => Ok(()),
    }
}
