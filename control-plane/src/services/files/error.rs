//! Why a file cannot be had, brought or attached.

use uuid::Uuid;

use super::check::Rejection;
use crate::adapters::storage::StorageError;
use crate::services::conversations::ConversationError;
use crate::store::db::StoreError;

/// Why a file cannot be had or brought.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error(transparent)]
    Conversation(#[from] ConversationError),
    #[error("no such file")]
    NotFound,
    #[error("the caller must sign in")]
    SignInRequired,
    #[error("the caller may not do that")]
    Forbidden,
    #[error("the content cannot be read yet, or any more")]
    NotReady,
    #[error("the file is not waiting for content")]
    NotPending,
    #[error("another upload of this file is under way")]
    Busy,
    #[error("the content has not arrived")]
    Incomplete,
    #[error("larger than {0} bytes")]
    TooLarge(u64),
    #[error("the quota is used up")]
    Quota,
    #[error("too many uploads are open")]
    TooManyPending,
    #[error("rejected: {0}")]
    Rejected(#[from] Rejection),
    #[error("the body broke off")]
    Broken,
    #[error("the upload took too long")]
    TimedOut,
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why files cannot be attached to a message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttachError {
    #[error("file {0} is not ready, not the sender's, elsewhere, or attached already")]
    Unusable(Uuid),
    #[error("too many files")]
    TooMany,
    #[error(transparent)]
    Store(#[from] StoreError),
}
