//! SQL of reading the event log. Its rows become visible in the order of `seq` (see [`super::tx`]), so that a reader
//! who has seen number n has seen everything up to n.

use sqlx::types::Json;

use super::db::{Db, Pool, StoreError, run};
use super::statements;
use crate::events::Event;

statements! {
    LAST_EVENT = "SELECT COALESCE(MAX(seq), 0) FROM event_log";
    EVENT_BOUNDS = "SELECT COALESCE(MIN(seq), 0), COALESCE(MAX(seq), 0) FROM event_log";
    LIST_EVENTS_AFTER = "SELECT seq, topic, kind, payload, created_at FROM event_log WHERE seq > $1 ORDER BY seq LIMIT $2";
}

macro_rules! list_of_topics {
    ($topics:literal) => {
        concat!(
            "SELECT seq, topic, kind, payload, created_at FROM event_log WHERE seq > $1 AND seq <= $2 AND topic IN (",
            $topics,
            ") ORDER BY seq LIMIT $4"
        )
    };
}

/// A list cannot be bound as one value in the same way on both engines; both unfold a JSON array.
pub(super) const LIST_OF_TOPICS_ON_SQLITE: &str = list_of_topics!("SELECT value FROM json_each($3)");
pub(super) const LIST_OF_TOPICS_ON_POSTGRES: &str = list_of_topics!("SELECT jsonb_array_elements_text($3)");

/// The number of the newest event, 0 when there never was one.
pub(crate) async fn last(db: &Db) -> Result<i64, StoreError> {
    let (seq,): (i64,) = run!(db, fetch_one as (i64,), LAST_EVENT)?;
    Ok(seq)
}

/// The numbers of the oldest and the newest event that are kept.
pub(crate) async fn bounds(db: &Db) -> Result<(i64, i64), StoreError> {
    run!(db, fetch_one as (i64, i64), EVENT_BOUNDS)
}

/// At most `limit` events after number `after`, in order.
pub(crate) async fn list_after(db: &Db, after: i64, limit: i64) -> Result<Vec<Event>, StoreError> {
    run!(db, fetch_all as Event, LIST_EVENTS_AFTER, after, limit)
}

/// At most `limit` events of `topics` after number `after` and up to `through`, in order.
pub(crate) async fn list_of_topics(
    db: &Db,
    topics: &[String],
    after: i64,
    through: i64,
    limit: i64,
) -> Result<Vec<Event>, StoreError> {
    let sql = match &db.pool {
        Pool::Sqlite(_) => LIST_OF_TOPICS_ON_SQLITE,
        Pool::Postgres(_) => LIST_OF_TOPICS_ON_POSTGRES,
    };
    run!(db, fetch_all as Event, sql, after, through, Json(topics), limit)
}
