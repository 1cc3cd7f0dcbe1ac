//! SQL of reading the event log. Its rows become visible in the order of `seq` (see [`super::tx`]), so that a reader
//! who has seen number n has seen everything up to n.

use sqlx::types::Json;
use uuid::Uuid;

use super::db::{Db, Pool, StoreError, run};
use super::statements;
use super::tx::Tx;
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

macro_rules! rewrite {
    ($payload:literal) => {
        concat!(
            "UPDATE event_log SET payload = ",
            $payload,
            " WHERE topic = $1 AND kind IN ('message.created', 'message.updated') AND payload->>'id' = $2"
        )
    };
}

/// Who resumes is not told what a message no longer says.
pub(super) const REWRITE_ON_SQLITE: &str = rewrite!("json_set(payload, '$.body', $3)");
pub(super) const REWRITE_ON_POSTGRES: &str = rewrite!("jsonb_set(payload, '{body}', to_jsonb(CAST($3 AS TEXT)))");
pub(super) const BLANK_ON_SQLITE: &str = rewrite!("json_set(payload, '$.body', '', '$.files', json('[]'))");
pub(super) const BLANK_ON_POSTGRES: &str = rewrite!("jsonb_set(jsonb_set(payload, '{body}', '\"\"'), '{files}', '[]')");

/// Gives what was told of a message its new text.
pub(crate) async fn rewrite_message(tx: &mut Tx, topic: &str, id: Uuid, body: &str) -> Result<(), StoreError> {
    let sql = if tx.is_sqlite() { REWRITE_ON_SQLITE } else { REWRITE_ON_POSTGRES };
    run!(tx, execute, sql, topic, id.to_string(), body)?;
    Ok(())
}

/// Takes text and files out of what was told of a message.
pub(crate) async fn blank_message(tx: &mut Tx, topic: &str, id: Uuid) -> Result<(), StoreError> {
    let sql = if tx.is_sqlite() { BLANK_ON_SQLITE } else { BLANK_ON_POSTGRES };
    run!(tx, execute, sql, topic, id.to_string())?;
    Ok(())
}

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
