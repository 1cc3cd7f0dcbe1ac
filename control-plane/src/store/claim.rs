//! The claim of a process on its database. With a media node inside that says no address, nobody else can reach that
//! node, so no other process may use the same database: rooms would be split between the two.
//!
//! In: a database. Out: a claim, kept by a task as long as that runs. A SQLite database needs none: its folder is locked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio_util::sync::CancellationToken;

use super::db::{Db, Pool, StoreError, bounded};

/// The number PostgreSQL knows the claim by, in this database.
const CLAIM: i64 = 78_807_882;
/// A process that was killed a moment ago may still seem to be there.
const TRIES: u32 = 6;
const BETWEEN: Duration = Duration::from_millis(500);
/// How often is looked whether the claim still holds: a database that was restarted has forgotten it.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Lets PostgreSQL find out within 30 s that the machine of whoever holds a claim is gone; its own default is two hours.
const KEEPALIVES: [&str; 3] =
    ["SET tcp_keepalives_idle = 10", "SET tcp_keepalives_interval = 5", "SET tcp_keepalives_count = 4"];

/// Whether the claim holds.
#[derive(Debug, Default)]
pub(crate) struct Claim {
    lost: AtomicBool,
}

impl Claim {
    /// Another process took the database over while this one could not hold on to it.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }
}

/// Holds a claim, on a connection of its own.
pub(crate) struct Keeper {
    connection: Option<PgConnection>,
    options: Arc<PgConnectOptions>,
    alone: bool,
    claim: Arc<Claim>,
}

/// Why a database cannot be claimed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClaimError {
    #[error("another process is in the way")]
    Taken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Claims the database, alone or with others who do not want it alone; `None` where no claim is needed.
///
/// # Errors
/// See [`ClaimError`].
pub(crate) async fn claim(db: &Db, alone: bool) -> Result<Option<Keeper>, ClaimError> {
    let Pool::Postgres(lender) = &db.pool else { return Ok(None) };
    let mut keeper = Keeper { connection: None, options: lender.options(), alone, claim: Arc::default() };
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(BETWEEN).await;
        }
        keeper.connection = take(&keeper.options, alone).await?;
        if keeper.connection.is_some() {
            return Ok(Some(keeper));
        }
    }
    Err(ClaimError::Taken)
}

/// A connection that holds the claim; `None` when another process is in the way.
async fn take(options: &PgConnectOptions, alone: bool) -> Result<Option<PgConnection>, StoreError> {
    let mut connection = bounded(PgConnection::connect_with(options)).await?;
    for setting in KEEPALIVES {
        // What the server's system cannot set, it does without.
        let _unset = bounded(sqlx::query(setting).execute(&mut connection)).await;
    }
    let lock = match alone {
        true => "SELECT pg_try_advisory_lock($1)",
        false => "SELECT pg_try_advisory_lock_shared($1)",
    };
    let (ours,): (bool,) = bounded(sqlx::query_as(lock).bind(CLAIM).fetch_one(&mut connection)).await?;
    Ok(ours.then_some(connection))
}

impl Keeper {
    /// What others may know of it.
    pub(crate) fn claim(&self) -> Arc<Claim> {
        Arc::clone(&self.claim)
    }

    /// Holds the claim until `stop`, and takes it again when the database forgot it.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if let Some(connection) = &mut self.connection {
                if bounded(connection.ping()).await.is_ok() {
                    continue;
                }
                self.connection = None;
            }
            match take(&self.options, self.alone).await {
                Ok(Some(connection)) => {
                    self.connection = Some(connection);
                    self.note(false);
                }
                Ok(None) => self.note(true),
                // The database is away: nobody else gets it either.
                Err(_) => {}
            }
        }
    }

    fn note(&self, lost: bool) {
        let before = self.claim.lost.swap(lost, Ordering::Relaxed);
        metrics::gauge!("plenum_database_claim_lost").set(f64::from(u8::from(lost)));
        match (before, lost) {
            (false, true) => {
                tracing::error!("another Plenum took this database over: rooms may be split between the two")
            }
            (true, false) => tracing::info!("this database is ours again"),
            _ => {}
        }
    }
}
