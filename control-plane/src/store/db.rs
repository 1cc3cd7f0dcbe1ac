//! One database handle for two engines, and the macros that run one SQL text on whichever it is.
//!
//! In: a URL, or nothing for SQLite in the data directory. Out: [`Db`]. sqlx's `Any` driver cannot carry UUID, JSON
//! and BOOLEAN on both engines, hence this small enum.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Deserialize;
use sqlx::pool::{PoolConnection, PoolConnectionMetadata};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, Database, Postgres, Sqlite};

use super::lend::{Lender, Lent};

/// Name of the SQLite file in the data directory.
const SQLITE_FILE: &str = "plenum.sqlite3";
/// Name of the file that is locked while SQLite migrations run.
const MIGRATION_LOCK_FILE: &str = "plenum.sqlite3.migrating";

/// Size of a page unless a database was made otherwise.
const SQLITE_PAGE_BYTES: u64 = 4_096;

/// Longest wait for one statement; requests give up earlier.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a connection counts as working without being asked.
const TESTED_FOR: Duration = Duration::from_secs(1);

/// Settings of the connection pool.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseSettings {
    /// Connections at most. Default 10.
    pub max_connections: u32,
    /// Milliseconds a request waits for a connection before it is answered 503. Default 5000.
    pub acquire_timeout_ms: u64,
    /// Milliseconds a SQLite writer waits for another writer. Default 5000.
    pub busy_timeout_ms: u64,
    /// Bytes the SQLite database may grow to; more is answered 507, as a full disk is. Default: what the disk holds.
    pub sqlite_max_bytes: Option<u64>,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self { max_connections: 10, acquire_timeout_ms: 5_000, busy_timeout_ms: 5_000, sqlite_max_bytes: None }
    }
}

/// What can go wrong with storage, as far as callers care.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique index refused the row.
    #[error("already exists")]
    Duplicate,
    /// The row changed since whoever wants to change it read it.
    #[error("changed meanwhile")]
    Stale,
    /// The database does not answer, is locked for too long or has no connection free.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// There is no room left on the database's disk; what was written before is intact.
    #[error("the database's disk is full: {0}")]
    Full(#[source] sqlx::Error),
    /// Anything else: a defect of ours or of the schema.
    #[error("the database refused a statement: {0}")]
    Failed(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(inner) if inner.is_unique_violation() => Self::Duplicate,
            sqlx::Error::Database(inner) if is_full(inner.code().as_deref().unwrap_or_default()) => Self::Full(error),
            sqlx::Error::Database(inner) if is_transient(inner.code().as_deref().unwrap_or_default()) => {
                Self::Unavailable(error)
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            // A connection that ended in the middle of a sentence, and what it left behind.
            | sqlx::Error::Protocol(_)
            | sqlx::Error::BeginFailed
            | sqlx::Error::InvalidSavePointStatement => Self::Unavailable(error),
            _ => Self::Failed(error),
        }
    }
}

/// SQLite FULL, and its I/O errors of writing, syncing, and of growing or mapping the index of the log (a full disk shows as
/// one of these where space is reserved late); PostgreSQL `disk_full`.
fn is_full(code: &str) -> bool {
    matches!(code, "13" | "778" | "1034" | "4874" | "5386" | "53100")
}

/// SQLite BUSY and LOCKED (with their extended codes), PostgreSQL connection, shutdown, serialization and disk errors, and
/// a server that lets nobody in: it takes no connections, knows neither us nor the database.
fn is_transient(code: &str) -> bool {
    match code.parse::<u32>() {
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 5 | 6),
        _ => {
            ["08", "57", "53"].iter().any(|class| code.starts_with(class))
                || matches!(code, "40001" | "40P01" | "28000" | "28P01" | "3D000" | "55000")
        }
    }
}

/// A pool of connections to the database.
#[derive(Clone)]
pub(crate) struct Db {
    pub(super) pool: Pool,
    statements: Arc<AtomicU64>,
}

/// The engine behind a [`Db`].
#[derive(Clone)]
pub(super) enum Pool {
    Sqlite(SqlitePool),
    Postgres(Lender),
}

impl Db {
    /// Connects and brings the schema up to date.
    ///
    /// # Errors
    /// A URL that is neither `postgres:` nor `sqlite:`, a database that cannot be reached, a migration that fails.
    pub(crate) async fn open(
        url: Option<&str>,
        data_dir: &Path,
        settings: &DatabaseSettings,
    ) -> Result<Self, OpenError> {
        let pool = match url {
            Some(url) if url.starts_with("postgres:") || url.starts_with("postgresql:") => {
                Pool::Postgres(Lender::new(open_postgres(url, settings).await?))
            }
            Some(url) if url.starts_with("sqlite:") => {
                let options = SqliteConnectOptions::from_str(url)?;
                Pool::Sqlite(open_sqlite(options, data_dir, settings).await?)
            }
            Some(_) => return Err(OpenError::UnknownScheme),
            None => {
                let options = SqliteConnectOptions::new().filename(data_dir.join(SQLITE_FILE));
                Pool::Sqlite(open_sqlite(options, data_dir, settings).await?)
            }
        };
        Ok(Self { pool, statements: Arc::default() })
    }

    /// The same database for work that no request causes; its statements are not counted.
    pub(crate) fn uncounted(&self) -> Self {
        Self { pool: self.pool.clone(), statements: Arc::default() }
    }

    /// Statements begun since start, over all connections.
    pub(crate) fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Closes every connection once it is idle.
    pub(crate) async fn close(&self) {
        match &self.pool {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(lender) => lender.close().await,
        }
    }
}

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL names no engine we have.
    #[error("the database URL must begin with postgres:// or sqlite:")]
    UnknownScheme,
    /// The engine refused.
    #[error("cannot open the database: {0}")]
    Connect(#[from] sqlx::Error),
    /// PostgreSQL could not be reached, or did not let us in.
    #[error("cannot open the database at {host}:{port}: {source}")]
    Postgres {
        /// Where it was looked for.
        host: String,
        /// Where it was looked for.
        port: u16,
        /// What went wrong.
        source: sqlx::Error,
    },
    /// The schema could not be brought up to date.
    #[error("cannot migrate the database: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The lock file could not be created or locked.
    #[error("cannot lock the database for migration: {0}")]
    Lock(#[from] std::io::Error),
}

async fn open_sqlite(
    options: SqliteConnectOptions,
    data_dir: &Path,
    settings: &DatabaseSettings,
) -> Result<SqlitePool, OpenError> {
    let lock = std::fs::File::create(data_dir.join(MIGRATION_LOCK_FILE))?;
    let lock =
        tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await.map_err(std::io::Error::other)??;
    let options = options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_millis(settings.busy_timeout_ms))
        .foreign_keys(true);
    let options = match settings.sqlite_max_bytes {
        Some(bytes) => options.pragma("max_page_count", (bytes / SQLITE_PAGE_BYTES).max(1).to_string()),
        None => options,
    };
    let pool = SqlitePoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(Duration::from_millis(settings.acquire_timeout_ms))
        .test_before_acquire(false)
        .before_acquire(|connection, meta| Box::pin(is_usable(connection, meta)))
        .connect_with(options)
        .await?;
    sqlx::migrate!("../migrations/sqlite").run(&pool).await?;
    drop(lock);
    Ok(pool)
}

/// Whether a connection of the pool still works. One that was in use a moment ago was tested when it was given back; asking
/// again would double the round trips of a short statement.
async fn is_alive<C: Connection>(connection: &mut C, meta: PoolConnectionMetadata) -> Result<bool, sqlx::Error> {
    Ok(meta.idle_for < TESTED_FOR || connection.ping().await.is_ok())
}

/// SQLite ends a transaction by itself when the disk is full, and the driver goes on counting it as open on that
/// connection, which is of no use any more: it is closed, and the pool opens another in its place.
async fn is_usable(connection: &mut SqliteConnection, meta: PoolConnectionMetadata) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        metrics::counter!("plenum_database_connections_dropped_total").increment(1);
        return Ok(false);
    }
    is_alive(connection, meta).await
}

async fn open_postgres(url: &str, settings: &DatabaseSettings) -> Result<PgPool, OpenError> {
    let options = PgConnectOptions::from_str(url)?;
    let wait = Duration::from_millis(settings.acquire_timeout_ms);
    let opened = PgPoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(wait)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| Box::pin(is_alive(connection, meta)))
        .connect_with(options.clone())
        .await;
    let pool = match opened {
        Ok(pool) => pool,
        // The pool tries until its time is over and then says only that; a single connection says what is wrong.
        Err(error) => {
            let (host, port) = (options.get_host().to_owned(), options.get_port());
            let tried = tokio::time::timeout(wait, PgConnection::connect_with(&options)).await;
            let source = tried.ok().and_then(Result::err).unwrap_or(error);
            return Err(OpenError::Postgres { host, port, source });
        }
    };
    // sqlx holds an advisory lock while it migrates, so replicas that start together take turns.
    sqlx::migrate!("../migrations/postgres").run(&pool).await?;
    Ok(pool)
}

/// Where a statement runs: on any connection of the pool, or inside a transaction.
pub(crate) enum On<'c> {
    Db(&'c Db),
    Tx(&'c mut super::tx::Tx),
}

impl<'c> From<&'c Db> for On<'c> {
    fn from(db: &'c Db) -> Self {
        On::Db(db)
    }
}

impl<'c> From<&'c mut super::tx::Tx> for On<'c> {
    fn from(tx: &'c mut super::tx::Tx) -> Self {
        On::Tx(tx)
    }
}

/// A connection, ready for one statement.
pub(super) enum Link<'c> {
    Sqlite(Held<'c, Sqlite, PoolConnection<Sqlite>>),
    Postgres(Held<'c, Postgres, Lent>),
}

/// A connection that is ours for now, or the one of a transaction.
pub(super) enum Held<'c, DB: Database, O> {
    Ours(O),
    Borrowed(&'c mut DB::Connection),
}

impl<DB: Database, O: Deref<Target = DB::Connection>> Deref for Held<'_, DB, O> {
    type Target = DB::Connection;
    fn deref(&self) -> &Self::Target {
        match self {
            Self::Ours(connection) => connection,
            Self::Borrowed(connection) => connection,
        }
    }
}

impl<DB: Database, O: DerefMut<Target = DB::Connection>> DerefMut for Held<'_, DB, O> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Ours(connection) => connection,
            Self::Borrowed(connection) => connection,
        }
    }
}

impl Held<'_, Postgres, Lent> {
    /// Gives the connection back; as it is, if its statement went well.
    pub(super) fn give_back<T>(self, done: &Result<T, StoreError>) {
        match self {
            Self::Ours(lent) if done.is_ok() => lent.keep(),
            Self::Ours(_) | Self::Borrowed(_) => {}
        }
    }
}

impl<'c> On<'c> {
    async fn link(self) -> Result<Link<'c>, StoreError> {
        match self {
            On::Tx(tx) => Ok(tx.link()),
            On::Db(db) => {
                db.statements.fetch_add(1, Ordering::Relaxed);
                Ok(match &db.pool {
                    Pool::Sqlite(pool) => Link::Sqlite(Held::Ours(pool.acquire().await?)),
                    Pool::Postgres(lender) => Link::Postgres(Held::Ours(lender.lend().await?)),
                })
            }
        }
    }
}

/// Waits for the database, but not for ever: a connection whose other end vanished without a word would hold a
/// background task until TCP gives up, many minutes later.
///
/// # Errors
/// As the statement; [`StoreError::Unavailable`] after [`STATEMENT_TIMEOUT`].
pub(super) async fn bounded<T>(statement: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(STATEMENT_TIMEOUT, statement).await {
        Ok(done) => done.map_err(StoreError::from),
        Err(_) => Err(StoreError::Unavailable(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))),
    }
}

/// Gets the connection a statement runs on.
pub(super) async fn link<'c>(on: impl Into<On<'c>>) -> Result<Link<'c>, StoreError> {
    on.into().link().await
}

/// Runs one statement on either engine: `run!(on, fetch_optional as Row, SQL, args…)` for rows,
/// `run!(on, execute, SQL, args…)` for the number of rows it touched.
///
/// An argument is evaluated once per engine arm, and only in the arm that runs.
macro_rules! run {
    ($on:expr, execute, $sql:expr $(, $arg:expr)* $(,)?) => {
        match $crate::store::db::link($on).await? {
            $crate::store::db::Link::Sqlite(mut link) => $crate::store::db::bounded(
                sqlx::query::<sqlx::Sqlite>($sql)$(.bind($arg))*.execute(&mut *link),
            ).await.map(|done| done.rows_affected()),
            $crate::store::db::Link::Postgres(mut link) => {
                let done = $crate::store::db::bounded(
                    sqlx::query::<sqlx::Postgres>($sql)$(.bind($arg))*.execute(&mut *link),
                ).await.map(|done| done.rows_affected());
                link.give_back(&done);
                done
            }
        }
    };
    ($on:expr, $fetch:ident as $row:ty, $sql:expr $(, $arg:expr)* $(,)?) => {
        match $crate::store::db::link($on).await? {
            $crate::store::db::Link::Sqlite(mut link) => $crate::store::db::bounded(
                sqlx::query_as::<sqlx::Sqlite, $row>($sql)$(.bind($arg))*.$fetch(&mut *link),
            ).await,
            $crate::store::db::Link::Postgres(mut link) => {
                let done = $crate::store::db::bounded(
                    sqlx::query_as::<sqlx::Postgres, $row>($sql)$(.bind($arg))*.$fetch(&mut *link),
                ).await;
                link.give_back(&done);
                done
            }
        }
    };
}
pub(crate) use run;

#[cfg(test)]
mod tests {
    use super::is_transient;

    #[test]
    fn knows_which_errors_pass() {
        for code in ["5", "6", "261", "517", "57P01", "08006", "53300", "40001", "55000", "28P01"] {
            assert!(is_transient(code), "{code}");
        }
        for code in ["", "1", "19", "2067", "23505", "42P01"] {
            assert!(!is_transient(code), "{code}");
        }
    }
}
