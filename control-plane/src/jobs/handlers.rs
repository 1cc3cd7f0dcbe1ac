//! Which handler does which kind of job.

use std::sync::Arc;

use serde::Deserialize;
use uuid::Uuid;

use super::{ERASE_ACCOUNT, SEND_CODE, SEND_MAIL, files, mail, rooms};
use crate::adapters::mail::MailError;
use crate::app::App;
use crate::services::codes::DeliverError;
use crate::services::erasure;
use crate::services::files::FileError;
use crate::services::meetings::announce::AnnounceError;
use crate::services::notifications::push::SendError;
use crate::services::removals::CallError;
use crate::store::db::StoreError;
use crate::store::jobs::ClaimedJob;

/// Why a job has to be tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum JobError {
    #[error("unknown kind of job")]
    UnknownKind,
    #[error("the payload makes no sense: {0}")]
    Payload(#[from] serde_json::Error),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error(transparent)]
    Code(#[from] DeliverError),
    #[error(transparent)]
    Push(#[from] SendError),
    #[error(transparent)]
    Announce(#[from] AnnounceError),
}

#[derive(Deserialize)]
struct UserPayload {
    user_id: Uuid,
}

/// Runs a job; running it twice has no second effect.
pub(super) async fn run(app: &Arc<App>, job: &ClaimedJob) -> Result<(), JobError> {
    if super::notifications::knows(&job.kind) {
        return super::notifications::run(app, job).await;
    }
    if super::organizations::knows(&job.kind) {
        return super::organizations::run(app, job).await;
    }
    if super::meetings::knows(&job.kind) {
        return super::meetings::run(app, job).await;
    }
    match job.kind.as_str() {
        kind if rooms::KINDS.contains(&kind) => rooms::run(app, job).await,
        ERASE_ACCOUNT => {
            let payload = UserPayload::deserialize(&job.payload.0)?;
            Ok(erasure::erase(app, payload.user_id).await?)
        }
        files::CHECK_FILE | files::ERASE_FILE => files::run(app, job).await,
        SEND_CODE => mail::send_code(app, job).await,
        SEND_MAIL => mail::send(app, job).await,
        _ => Err(JobError::UnknownKind),
    }
}
