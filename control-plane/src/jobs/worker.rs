//! One worker: claims a job, runs it, and writes down how it went.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::handlers;
use crate::app::App;
use crate::store::db::StoreError;
use crate::store::jobs::{self as store, ClaimedJob};

/// How often a worker looks although nobody woke it: jobs for later, and those of other replicas.
const POLL: Duration = Duration::from_secs(1);
/// How long a claimed job is ours; a worker that dies with it gives it free that late.
const LEASE: Duration = Duration::from_secs(60);
/// A job runs at most this long, safely within its lease.
const TIME_LIMIT: Duration = Duration::from_secs(45);
/// First delay before a retry; it doubles each time.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// Longest delay before a retry.
const LAST_RETRY: Duration = Duration::from_secs(300);
/// Characters of an error that are kept.
const ERROR_CHARS: usize = 500;

/// Runs jobs until `stop`.
pub(crate) async fn run_worker(app: Arc<App>, stop: CancellationToken) {
    let name = Uuid::now_v7().simple().to_string();
    loop {
        let woken = app.outbox.jobs.woken();
        match claim_and_run(&app, &name).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the job table cannot be read"),
        }
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(POLL) => {}
            () = stop.cancelled() => return,
        }
        if stop.is_cancelled() {
            return;
        }
    }
}

/// Whether there was a job.
async fn claim_and_run(app: &Arc<App>, worker: &str) -> Result<bool, StoreError> {
    let now = app.clock.now();
    let Some(job) = store::claim(&app.background, worker, now, now.plus(LEASE)).await? else {
        return Ok(false);
    };
    let outcome = match tokio::time::timeout(TIME_LIMIT, handlers::run(app, &job)).await {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err("took too long".to_owned()),
    };
    match outcome {
        Ok(()) => {
            metrics::counter!("plenum_jobs_total", "kind" => job.kind.clone(), "outcome" => "done").increment(1);
            store::finish(&app.background, job.id, worker, app.clock.now()).await?;
        }
        Err(error) => give_back(app, worker, &job, &error).await?,
    }
    Ok(true)
}

async fn give_back(app: &App, worker: &str, job: &ClaimedJob, error: &str) -> Result<(), StoreError> {
    let error: String = error.chars().take(ERROR_CHARS).collect();
    let now = app.clock.now();
    let dead = job.attempts >= job.max_attempts;
    let outcome = if dead { "dead" } else { "failed" };
    metrics::counter!("plenum_jobs_total", "kind" => job.kind.clone(), "outcome" => outcome).increment(1);
    tracing::warn!(kind = job.kind, id = %job.id, attempts = job.attempts, outcome, error, "a job failed");
    if dead {
        return store::bury(&app.background, job.id, worker, now, &error).await;
    }
    let doublings = u32::try_from(job.attempts - 1).unwrap_or(0).min(16);
    let delay = FIRST_RETRY.saturating_mul(1 << doublings).min(LAST_RETRY);
    match store::retry(&app.background, job.id, worker, now.plus(delay), &error).await {
        // A twin was enqueued meanwhile and will do the same.
        Err(StoreError::Duplicate) => store::finish(&app.background, job.id, worker, now).await,
        other => other,
    }
}
