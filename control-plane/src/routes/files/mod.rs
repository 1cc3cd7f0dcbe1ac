//! `/api/v1/files` and the files of conversations: brought, asked about, read, deleted.

pub(crate) mod avatar;
mod complete;
mod content;
mod create;
mod delete;
mod disposition;
mod form;
mod get;
mod list;
mod put;

use std::sync::Arc;

use axum::body::Body;
use futures_util::{StreamExt, TryStreamExt};
use http::{HeaderMap, StatusCode, header};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::adapters::storage::StorageError;
use crate::app::App;
use crate::error::ApiError;
use crate::services::files::FileError;
use crate::services::files::upload::{BrokenBody, Incoming};

/// The routes of files.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create::create, list::list))
        .routes(routes!(get::get, delete::delete))
        .routes(routes!(content::content, put::put))
        .routes(routes!(complete::complete))
        .routes(routes!(avatar::put, avatar::delete))
        .routes(routes!(avatar::get))
        .routes(routes!(avatar::get_by_file))
}

/// 404: no such file, or none that the caller may know about.
fn not_found() -> ApiError {
    ApiError::not_found("file_not_found", "There is no such file, or it is not for you.")
}

/// 404: no such conversation.
fn no_conversation() -> ApiError {
    ApiError::not_found("conversation_not_found", "There is no such conversation, or it is not for you.")
}

/// Reads the id of a file in a path.
fn file_id(text: &str) -> Result<Uuid, ApiError> {
    Uuid::try_parse(text).map_err(|_| not_found())
}

/// Reads the id of a conversation in a path.
fn conversation_id(text: &str) -> Result<Uuid, ApiError> {
    Uuid::try_parse(text).map_err(|_| no_conversation())
}

/// The bytes of a body as they come.
fn incoming(body: Body) -> Incoming {
    body.into_data_stream().map_err(|_| BrokenBody).boxed()
}

/// The length a request announces.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Full => {
                metrics::counter!("plenum_storage_full_total").increment(1);
                tracing::error!("the storage of files is full");
                Self::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "storage_full",
                    "The server has no room left for files. Tell the people who run it.",
                )
            }
            StorageError::NotFound => Self::internal(&"the content of a ready file is missing"),
            StorageError::Failed(_) | StorageError::Io(_) => {
                tracing::warn!(%error, "the storage of files does not answer");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "storage_unavailable",
                    "The server cannot reach its storage of files. Try again in a moment.",
                )
                .retry_after(2)
            }
        }
    }
}

impl From<FileError> for ApiError {
    fn from(error: FileError) -> Self {
        let conflict = |code, detail| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            FileError::Conversation(error) => error.into(),
            FileError::NotFound => not_found(),
            FileError::SignInRequired => Self::sign_in_required(),
            FileError::Forbidden => Self::forbidden(),
            FileError::NotReady => conflict("file_not_ready", "The content of this file cannot be read."),
            FileError::NotPending => conflict("file_not_pending", "This file does not wait for content. Begin anew."),
            FileError::Busy => conflict("upload_in_progress", "Another upload of this file is under way."),
            FileError::Incomplete => conflict("upload_incomplete", "The content has not arrived. Upload it first."),
            FileError::Quota => conflict("quota_exceeded", "Your files take all the room you have. Delete some first."),
            FileError::TooManyPending => {
                conflict("too_many_uploads", "Too many uploads are open at once. Finish or delete some first.")
            }
            FileError::TooLarge(limit) => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "file_too_large",
                format!("The file is larger than the {limit} bytes it may have."),
            ),
            FileError::Rejected(why) => {
                let refused = "This file cannot be taken: it has to be of an allowed kind, and what it says it is.";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "file_rejected", refused).blaming("file", why.to_string())
            }
            FileError::Broken => Self::new(StatusCode::BAD_REQUEST, "malformed_body", "The upload broke off."),
            FileError::TimedOut => Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", "The upload took too long."),
            FileError::Storage(error) => error.into(),
            FileError::Store(error) => error.into(),
        }
    }
}
