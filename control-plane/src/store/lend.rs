//! Connections to PostgreSQL, lent for one statement or one transaction without asking each time whether they still work.
//!
//! sqlx's pool asks the server when it hands out a connection and again when it gets it back: three round trips for a
//! short statement. Here a connection whose statement went well is kept beside the pool and lent again at once; one that
//! failed, was left in the middle, or has rested for a second goes back to the pool, which tests it as ever.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{Postgres, Transaction};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a connection counts as working after its last statement.
const WORKS_FOR: Duration = Duration::from_secs(1);

/// The connections of one database.
#[derive(Clone)]
pub(super) struct Lender {
    pool: PgPool,
    /// As many as the pool may open. Who holds one never waits for a connection that is kept: either there is none, or it
    /// is taken.
    places: Arc<Semaphore>,
    kept: Arc<Kept>,
}

/// What is kept, the last used at the end.
#[derive(Default)]
struct Kept(std::sync::Mutex<Vec<(PoolConnection<Postgres>, Instant)>>);

/// A connection for one statement. Dropped without [`Lent::keep`] it goes back to the pool, which tests it.
pub(super) struct Lent {
    connection: PoolConnection<Postgres>,
    lender: Lender,
    /// Given up after the connection.
    _place: OwnedSemaphorePermit,
}

/// An open transaction, with its place among the connections. Dropping it rolls back.
pub(super) struct LentTransaction {
    pub(super) inner: Transaction<'static, Postgres>,
    /// Given up after the transaction.
    _place: OwnedSemaphorePermit,
}

impl LentTransaction {
    /// Makes it durable.
    ///
    /// # Errors
    /// As a statement; nothing has happened then, or nobody knows.
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        self.inner.commit().await
    }
}

impl Lender {
    pub(super) fn new(pool: PgPool) -> Self {
        let places = usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX);
        let places = Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        Self { pool, places, kept: Arc::default() }
    }

    /// A connection for one statement.
    ///
    /// # Errors
    /// [`sqlx::Error::PoolTimedOut`] when none is free in time; whatever opening one runs into.
    pub(super) async fn lend(&self) -> Result<Lent, sqlx::Error> {
        let (connection, place) = self.take().await?;
        Ok(Lent { connection, lender: self.clone(), _place: place })
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// As [`Self::lend`], and as the statement that begins it.
    pub(super) async fn begin(&self) -> Result<LentTransaction, sqlx::Error> {
        let (connection, place) = self.take().await?;
        // A task of its own, which comes to its end even when whoever asks hangs up: sqlx takes a connection whose BEGIN was
        // left half-way for one outside of any transaction, and would lend it on with that transaction open.
        let begun = tokio::spawn(async move {
            Ok(LentTransaction { inner: Transaction::begin(connection, None).await?, _place: place })
        });
        begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    /// How to connect beside the pool.
    pub(super) fn options(&self) -> Arc<PgConnectOptions> {
        self.pool.connect_options()
    }

    /// Closes every connection once it is idle.
    pub(super) async fn close(&self) {
        let closing = self.pool.close();
        self.kept.lock().clear();
        closing.await;
    }

    async fn take(&self) -> Result<(PoolConnection<Postgres>, OwnedSemaphorePermit), sqlx::Error> {
        if let Ok(place) = self.places.clone().try_acquire_owned()
            && let Some(connection) = self.kept.pop()
        {
            return Ok((connection, place));
        }
        let wait = async {
            let place = self.places.clone().acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
            match self.kept.pop() {
                Some(connection) => Ok((connection, place)),
                None => Ok((self.pool.acquire().await?, place)),
            }
        };
        let limit = self.pool.options().get_acquire_timeout();
        tokio::time::timeout(limit, wait).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }
}

impl Kept {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(PoolConnection<Postgres>, Instant)>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The connection used last, if that was a moment ago. Those that rested longer go back to the pool.
    fn pop(&self) -> Option<PoolConnection<Postgres>> {
        let mut kept = self.lock();
        match kept.pop() {
            Some((connection, since)) if since.elapsed() < WORKS_FOR => Some(connection),
            Some(rested) => {
                let all = std::mem::take(&mut *kept);
                drop(kept);
                drop((rested, all));
                None
            }
            None => None,
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Giving one back to the pool needs a runtime, which may be gone by now; closing it does not.
        for (connection, _) in self.lock().drain(..) {
            drop(connection.detach());
        }
    }
}

impl Lent {
    /// The statement went well: the next one may have the connection as it is.
    pub(super) fn keep(self) {
        let Self { connection, lender, _place: place } = self;
        let mut kept = lender.kept.lock();
        // The pool waits for its last connection when it closes.
        if !lender.pool.is_closed() {
            kept.push((connection, Instant::now()));
        }
        drop(kept);
        drop(place);
    }
}

impl Deref for Lent {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
