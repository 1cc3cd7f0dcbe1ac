//! Forgetting: what has been kept long enough is deleted in small batches, so that no request waits for it.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::store::db::StoreError;
use crate::store::{
    activities, analytics, calls, codes, guests, jobs, nodes, notifications, organization_invites, outbox,
    push_subscriptions, sessions, tickets,
};

/// Rows deleted by one statement.
const BATCH: i64 = 1_000;
/// Batches of one kind in one round; the rest waits for the next.
const MAX_BATCHES: usize = 100;
/// How often old things are looked for.
const EVERY: Duration = Duration::from_secs(600);
/// How often idle rate-limit buckets are forgotten.
const FORGET_BUCKETS_EVERY: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// Runs rounds until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut rows = tokio::time::interval(EVERY);
    let mut buckets = tokio::time::interval(FORGET_BUCKETS_EVERY);
    loop {
        tokio::select! {
            _ = rows.tick() => {
                if let Err(error) = round(&app).await {
                    tracing::warn!(%error, "old rows could not be deleted");
                }
            }
            _ = buckets.tick() => app.limits.forget_idle(),
            () = stop.cancelled() => return,
        }
    }
}

/// Repeats a batched deletion until it finds nothing more.
macro_rules! in_batches {
    ($delete:expr) => {
        for _ in 0..MAX_BATCHES {
            if $delete.await? < BATCH.unsigned_abs() {
                break;
            }
        }
    };
}

/// Deletes what is older than its setting.
///
/// # Errors
/// As any statement.
pub(crate) async fn round(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    let live = app.live();
    let keep = &live.retention;
    let days = |days: u64| now.minus(DAY.saturating_mul(u32::try_from(days).unwrap_or(u32::MAX)));
    let ended = days(keep.ended_days);
    in_batches!(push_subscriptions::delete_of_ended(&app.db, now, BATCH));
    in_batches!(sessions::delete_ended(&app.db, ended, BATCH));
    // A token this old would have expired unspent.
    in_batches!(sessions::delete_spent(&app.db, now.minus(app.refresh_ttl()), BATCH));
    in_batches!(codes::delete_expired(&app.db, ended, BATCH));
    in_batches!(guests::delete_expired(&app.db, ended, BATCH));
    in_batches!(jobs::delete_finished(&app.db, "done", ended, BATCH));
    in_batches!(jobs::delete_finished(&app.db, "dead", days(keep.dead_jobs_days), BATCH));
    in_batches!(organization_invites::delete_old(&app.db, ended, BATCH));
    in_batches!(activities::delete_before(&app.db, days(keep.activities_days), BATCH));
    in_batches!(outbox::delete_audit_before(&app.db, days(keep.audit_days), BATCH));
    in_batches!(notifications::delete_read_before(&app.db, days(keep.read_notifications_days), BATCH));
    in_batches!(notifications::delete_created_before(&app.db, days(keep.notifications_days), BATCH));
    let events = now.minus(Duration::from_secs(keep.events_minutes.saturating_mul(60)));
    in_batches!(outbox::delete_events_before(&app.db, events, BATCH));
    in_batches!(analytics::quality::delete_before(&app.db, days(keep.call_quality_days), BATCH));
    in_batches!(tickets::delete_expired(&app.db, now, BATCH));
    let webhooks = now.minus(Duration::from_secs(keep.webhooks_hours.saturating_mul(3_600)));
    calls::delete_webhook_events(&app.db, webhooks).await?;
    super::erasure_of_deleted::round(app).await?;
    // After that: files of conversations that are gone have nobody left who could read them.
    super::files::sweep::round(app).await?;
    let mut tx = app.begin().await?;
    nodes::delete_forgotten(&mut tx, ended).await?;
    tx.commit(now).await
}
