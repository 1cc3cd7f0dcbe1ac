//! SQL of how good the connections of calls were, in steps of five minutes.

use uuid::Uuid;

use crate::model::clock::Micros;
use crate::model::quality::{QualityCounts, QualityDay, QualityStep};
use crate::store::db::{Db, Pool, StoreError, run};
use crate::store::statements;

/// Sums of the counts of several rows.
macro_rules! sums {
    () => {
        "CAST(SUM(q.excellent) AS BIGINT) AS excellent, CAST(SUM(q.good) AS BIGINT) AS good, \
         CAST(SUM(q.poor) AS BIGINT) AS poor, CAST(SUM(q.lost) AS BIGINT) AS lost"
    };
}

/// Adds the reports of node `$2` to the step `$3`. `$1` is JSON, which is a table to both engines; each media room is in
/// it once, and belongs to the latest call that ran as it.
macro_rules! add {
    ($rows:literal) => {
        concat!(
            "INSERT INTO call_quality (call_id, bucket_at, excellent, good, poor, lost) \
             SELECT c.id, CAST($3 AS BIGINT), j.excellent, j.good, j.poor, j.lost FROM (",
            $rows,
            ") j JOIN calls c ON c.id = (SELECT n.id FROM calls n WHERE n.media_room_sid = j.sid \
             AND n.media_node_id = $2 ORDER BY n.id DESC LIMIT 1) WHERE true \
             ON CONFLICT (call_id, bucket_at) DO UPDATE SET excellent = call_quality.excellent + excluded.excellent, \
             good = call_quality.good + excluded.good, poor = call_quality.poor + excluded.poor, \
             lost = call_quality.lost + excluded.lost"
        )
    };
}

statements! {
    SUM_OF_CALL = concat!("SELECT ", sums!(), " FROM call_quality q WHERE q.call_id = $1 HAVING COUNT(*) > 0");
    LIST_STEPS_OF_CALL = "SELECT bucket_at AS at, excellent, good, poor, lost FROM call_quality \
        WHERE call_id = $1 ORDER BY bucket_at DESC LIMIT $2";
    SUM_PER_DAY_OF_ORG = concat!("SELECT q.bucket_at / 86400000000 AS day, ", sums!(), " FROM call_quality q \
        WHERE q.call_id IN (", calls_of_org!(), ") AND q.bucket_at >= $2 GROUP BY q.bucket_at / 86400000000");
    SUM_PER_DAY = concat!("SELECT q.bucket_at / 86400000000 AS day, ", sums!(), " FROM call_quality q \
        WHERE q.bucket_at >= $1 GROUP BY q.bucket_at / 86400000000");
    DELETE_QUALITY_BEFORE = "DELETE FROM call_quality WHERE (call_id, bucket_at) IN \
        (SELECT call_id, bucket_at FROM call_quality WHERE bucket_at < $1 ORDER BY bucket_at LIMIT $2)";
}

pub(in crate::store) const ADD_QUALITY_ON_SQLITE: &str = add!(
    "SELECT value ->> 'sid' AS sid, value ->> 'excellent' AS excellent, value ->> 'good' AS good, \
     value ->> 'poor' AS poor, value ->> 'lost' AS lost FROM json_each($1)"
);
pub(in crate::store) const ADD_QUALITY_ON_POSTGRES: &str = add!(
    "SELECT * FROM json_to_recordset(CAST($1 AS JSON)) AS t(sid TEXT, excellent BIGINT, good BIGINT, poor BIGINT, \
     lost BIGINT)"
);

/// Adds what a node found in its rooms to a step of time; how many of them are calls. `rooms` is a JSON array of objects
/// with `sid`, `excellent`, `good`, `poor`, `lost`, each `sid` once.
pub(crate) async fn add(db: &Db, rooms: &str, node_id: &str, step: Micros) -> Result<u64, StoreError> {
    let sql = match &db.pool {
        Pool::Sqlite(_) => ADD_QUALITY_ON_SQLITE,
        Pool::Postgres(_) => ADD_QUALITY_ON_POSTGRES,
    };
    run!(db, execute, sql, rooms, node_id, step)
}

/// What was found in a call; `None` when nothing was.
pub(crate) async fn sum_of_call(db: &Db, call_id: Uuid) -> Result<Option<QualityCounts>, StoreError> {
    run!(db, fetch_optional as QualityCounts, SUM_OF_CALL, call_id)
}

/// What was found in a call step by step, the newest first.
pub(crate) async fn list_steps(db: &Db, call_id: Uuid, limit: i64) -> Result<Vec<QualityStep>, StoreError> {
    run!(db, fetch_all as QualityStep, LIST_STEPS_OF_CALL, call_id, limit)
}

/// What was found per day since `from`, in calls of an organization's rooms and meetings or in all; days without any
/// are left out.
pub(crate) async fn per_day(db: &Db, org_id: Option<Uuid>, from: Micros) -> Result<Vec<QualityDay>, StoreError> {
    match org_id {
        Some(org_id) => run!(db, fetch_all as QualityDay, SUM_PER_DAY_OF_ORG, org_id, from),
        None => run!(db, fetch_all as QualityDay, SUM_PER_DAY, from),
    }
}

pub(crate) async fn delete_before(db: &Db, before: Micros, limit: i64) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_QUALITY_BEFORE, before, limit)
}
