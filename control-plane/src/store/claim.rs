//! The claim of a process on its database. With a media node inside that says no address, nobody else can reach that
//! node, so no other process may use the same database: rooms would be split between the two.
//!
//! In: a database. Out: a claim that holds as long as it lives. A SQLite database needs none: its folder is locked.

use std::sync::Mutex;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::db::{Db, Pool, StoreError, bounded};

/// The number PostgreSQL knows the claim by, in this database.
const CLAIM: i64 = 78_807_882;
/// A process that was killed a moment ago may still seem to be there.
const TRIES: u32 = 6;
const BETWEEN: Duration = Duration::from_millis(500);
/// Lets PostgreSQL find out within 30 s that the machine of whoever holds a claim is gone; its own default is two hours.
const KEEPALIVES: [&str; 3] =
    ["SET tcp_keepalives_idle = 10", "SET tcp_keepalives_interval = 5", "SET tcp_keepalives_count = 4"];

/// Holds while it lives. When its connection breaks, it is given up without a word: better than to end a process whose
/// database restarted.
pub(crate) struct Claim {
    _held: Option<Mutex<PgConnection>>,
}

/// Claims the database, alone or with others who do not want it alone; `None` when another process is in the way.
///
/// # Errors
/// As connecting, and as any statement.
pub(crate) async fn claim(db: &Db, alone: bool) -> Result<Option<Claim>, StoreError> {
    let Pool::Postgres(lender) = &db.pool else { return Ok(Some(Claim { _held: None })) };
    let mut connection = bounded(PgConnection::connect_with(&lender.options())).await?;
    for setting in KEEPALIVES {
        // What the server's system cannot set, it does without.
        let _unset = bounded(sqlx::query(setting).execute(&mut connection)).await;
    }
    let lock = match alone {
        true => "SELECT pg_try_advisory_lock($1)",
        false => "SELECT pg_try_advisory_lock_shared($1)",
    };
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(BETWEEN).await;
        }
        let (ours,): (bool,) = bounded(sqlx::query_as(lock).bind(CLAIM).fetch_one(&mut connection)).await?;
        if ours {
            return Ok(Some(Claim { _held: Some(Mutex::new(connection)) }));
        }
    }
    Ok(None)
}
