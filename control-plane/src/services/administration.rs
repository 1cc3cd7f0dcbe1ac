//! What admins of the platform look at and mend: lists, counts, dead jobs.

use serde_json::json;
use uuid::Uuid;

use super::audit;
use crate::app::App;
use crate::http::extract::SignedIn;
use crate::store::admin::{self, AdminCounts};
use crate::store::db::StoreError;
use crate::store::jobs::{self, JobRow};

/// Why a job is not tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetryError {
    #[error("no such job")]
    NotFound,
    #[error("the job is not dead")]
    NotDead,
    #[error("a twin waits already")]
    Queued,
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for RetryError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Duplicate => Self::Queued,
            other => Self::Store(other),
        }
    }
}

/// Puts a dead job back into the queue.
///
/// # Errors
/// See [`RetryError`].
pub(crate) async fn retry_job(app: &App, who: &SignedIn, id: Uuid) -> Result<JobRow, RetryError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let job = jobs::find(&mut tx, id).await?.ok_or(RetryError::NotFound)?;
    if !jobs::revive(&mut tx, id, now).await? {
        return Err(RetryError::NotDead);
    }
    audit(&mut tx, &who.caller, "job.retried", ("job", id), json!({ "kind": job.kind }), now).await?;
    let job = jobs::find(&mut tx, id).await?.ok_or(RetryError::NotFound)?;
    tx.commit(now).await?;
    app.outbox.jobs.wake();
    Ok(job)
}

/// How much there is of everything.
///
/// # Errors
/// As any statement.
pub(crate) async fn count(app: &App) -> Result<AdminCounts, StoreError> {
    admin::count(&app.db).await
}
