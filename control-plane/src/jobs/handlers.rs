//! What each kind of job does.

use std::sync::Arc;

use serde::Deserialize;
use uuid::Uuid;

use super::{CLOSE_ROOM, ERASE_ACCOUNT, RECHECK_ROOM, REMOVE_PARTICIPANT, SEND_CODE, SEND_MAIL, mail};
use crate::adapters::mail::MailError;
use crate::app::App;
use crate::services::calls::{self, CallError};
use crate::services::codes::DeliverError;
use crate::services::erasure;
use crate::services::meetings::announce::AnnounceError;
use crate::services::notifications::push::SendError;
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
struct RoomPayload {
    room_id: Uuid,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    identity: String,
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
        CLOSE_ROOM | RECHECK_ROOM | REMOVE_PARTICIPANT => run_on_room(app, job).await,
        ERASE_ACCOUNT => {
            let payload = UserPayload::deserialize(&job.payload.0)?;
            Ok(erasure::erase(app, payload.user_id).await?)
        }
        SEND_CODE => mail::send_code(app, job).await,
        SEND_MAIL => mail::send(app, job).await,
        _ => Err(JobError::UnknownKind),
    }
}

async fn run_on_room(app: &Arc<App>, job: &ClaimedJob) -> Result<(), JobError> {
    let payload = RoomPayload::deserialize(&job.payload.0)?;
    match job.kind.as_str() {
        CLOSE_ROOM => calls::close_room(app, payload.room_id, &payload.reason).await?,
        RECHECK_ROOM => calls::recheck_room(app, payload.room_id).await?,
        _ => calls::remove_participant(app, payload.room_id, &payload.identity).await?,
    }
    Ok(())
}
