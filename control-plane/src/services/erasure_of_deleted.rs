//! What people deleted is erased for good some time later: rooms, channels, organizations, meetings, messages, and the
//! conversations of people who are all gone.
//!
//! In: the time, with every round of retention. Out: fewer rows; files of conversations that are gone are swept in the same
//! round. The audit log keeps who deleted what. Batches are small, and every step may be done twice or by two replicas.

use std::time::Duration;

use crate::app::App;
use crate::model::clock::Micros;
use crate::store::db::StoreError;
use crate::store::erasure_of_deleted::{self as store, Loose, Noun};

/// Rows erased by one statement.
const ROWS: i64 = 1_000;
/// Statements of one kind in one round; the rest waits for the next.
const MAX_STATEMENTS: usize = 100;
/// Rooms, channels, … erased in one transaction.
const NOUNS: i64 = 20;
const DAY: Duration = Duration::from_secs(86_400);

/// Erases what was deleted longer ago than the setting says.
///
/// # Errors
/// As any statement; what was done stays done.
pub(super) async fn round(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    let days = u32::try_from(app.live().retention.deleted_days).unwrap_or(u32::MAX);
    let before = now.minus(DAY.saturating_mul(days));
    for loose in Loose::ALL {
        for _ in 0..MAX_STATEMENTS {
            if store::erase_loose(&app.db, loose, before, ROWS).await? < ROWS.unsigned_abs() {
                break;
            }
        }
    }
    for noun in Noun::ALL {
        for _ in 0..MAX_STATEMENTS {
            if !batch(app, noun, before, now).await? {
                break;
            }
        }
    }
    Ok(())
}

/// Erases a few; whether there may be more.
async fn batch(app: &App, noun: Noun, before: Micros, now: Micros) -> Result<bool, StoreError> {
    // Looked for outside: a round that finds nothing holds no lock.
    let ids = store::list(&app.db, noun, before, NOUNS).await?;
    if ids.is_empty() {
        return Ok(false);
    }
    let mut erased = 0_u64;
    let mut tx = app.begin().await?;
    for id in &ids {
        erased += u64::from(store::erase(&mut tx, noun, *id).await?);
    }
    tx.commit(now).await?;
    metrics::counter!("plenum_erased_total", "kind" => noun.as_str()).increment(erased);
    tracing::info!(kind = noun.as_str(), erased, "what was deleted long ago is erased");
    // Nothing erased although there was something: another replica is at it.
    Ok(erased > 0 && ids.len() == usize::try_from(NOUNS).unwrap_or_default())
}
