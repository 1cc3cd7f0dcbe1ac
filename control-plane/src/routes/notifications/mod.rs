//! `/api/v1/notifications`: one's inbox, and announcements.

mod delete;
mod list;
mod read;
mod read_all;
mod send;
mod unread;
mod unsubscribe;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::services::notifications::announce::AnnounceError;
use crate::services::notifications::inbox::InboxError;

/// Every route of this noun.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list::list, send::send))
        .routes(routes!(read_all::read_all))
        .routes(routes!(delete::delete))
        .routes(routes!(read::read))
        .routes(routes!(unread::unread))
        .routes(routes!(unsubscribe::show, unsubscribe::act))
}

/// 404 about a notification: unknown, deleted or somebody else's.
fn not_found() -> ApiError {
    ApiError::not_found("notification_not_found", "There is no such notification in your inbox.")
}

/// Reads the id in a path.
///
/// # Errors
/// 404: what is no id names nothing.
fn id(text: &str) -> Result<Uuid, ApiError> {
    Uuid::try_parse(text).map_err(|_| not_found())
}

impl From<InboxError> for ApiError {
    fn from(error: InboxError) -> Self {
        match error {
            InboxError::NotFound => not_found(),
            InboxError::Store(error) => error.into(),
        }
    }
}

impl From<AnnounceError> for ApiError {
    fn from(error: AnnounceError) -> Self {
        match error {
            AnnounceError::NotFound => Self::not_found("audience_not_found", "There is no such audience."),
            AnnounceError::Forbidden => Self::forbidden(),
            AnnounceError::Store(error) => error.into(),
        }
    }
}
