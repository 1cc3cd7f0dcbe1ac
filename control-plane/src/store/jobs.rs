//! SQL of the job table: enqueued with the act, claimed once, retried with growing delays, dead in the end.

use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::db::{Db, On, Pool, StoreError, run};
use super::statements;
use super::tx::Tx;
use crate::jobs::NewJob;
use crate::model::clock::Micros;
use crate::model::job::JobState;

statements! {
    INSERT_JOB = "INSERT INTO jobs \
        (id, kind, payload, run_at, state, attempts, max_attempts, dedupe_key, created_at) \
        VALUES ($1, $2, $3, $4, 'ready', 0, $5, $6, $7) \
        ON CONFLICT (dedupe_key) WHERE dedupe_key IS NOT NULL AND state = 'ready' DO NOTHING";
    SET_JOB_OWNER = "UPDATE jobs SET user_id = $2 WHERE id = $1";
    FIND_JOB_OF_USER = "SELECT id, kind, state, attempts, max_attempts, run_at, created_at, finished_at \
        FROM jobs WHERE id = $1 AND user_id = $2";
    FIND_JOB = "SELECT id, kind, state, attempts, max_attempts, run_at, created_at, finished_at \
        FROM jobs WHERE id = $1";
    REVIVE_JOB = "UPDATE jobs SET state = 'ready', run_at = $2, attempts = 0, finished_at = NULL \
        WHERE id = $1 AND state = 'dead'";
    // Nobody runs it again, and what it carried may open something: the links of a mail do.
    FINISH_JOB = "UPDATE jobs SET state = 'done', payload = '{}', finished_at = $3, locked_by = NULL, \
        locked_until = NULL WHERE id = $1 AND locked_by = $2 AND state = 'running'";
    RETRY_JOB = "UPDATE jobs SET state = 'ready', run_at = $3, last_error = $4, locked_by = NULL, locked_until = NULL \
        WHERE id = $1 AND locked_by = $2 AND state = 'running'";
    BURY_JOB = "UPDATE jobs SET state = 'dead', finished_at = $3, last_error = $4, locked_by = NULL, \
        locked_until = NULL WHERE id = $1 AND locked_by = $2 AND state = 'running'";
    DELETE_FINISHED_JOBS = "DELETE FROM jobs WHERE id IN \
        (SELECT id FROM jobs WHERE state = $1 AND finished_at < $2 LIMIT $3)";
}

macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, locked_by = $1, locked_until = $2 \
             WHERE id = (SELECT id FROM jobs WHERE (state = 'ready' AND run_at <= $3) \
             OR (state = 'running' AND locked_until < $3) ORDER BY run_at LIMIT 1 ",
            $lock,
            ") RETURNING id, kind, payload, attempts, max_attempts"
        )
    };
}

/// SQLite has one writer at a time, so the statement is a claim as it stands.
pub(super) const CLAIM_ON_SQLITE: &str = claim!("");
/// On PostgreSQL two workers would wait for the same row; each takes the next free one instead.
pub(super) const CLAIM_ON_POSTGRES: &str = claim!("FOR UPDATE SKIP LOCKED");

/// A claimed job.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct ClaimedJob {
    pub id: Uuid,
    pub kind: String,
    pub payload: Json<Value>,
    pub attempts: i64,
    pub max_attempts: i64,
}

/// A job as people see it: what it carries is nobody's business.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct JobRow {
    pub id: Uuid,
    pub kind: String,
    pub state: JobState,
    pub attempts: i64,
    pub max_attempts: i64,
    pub run_at: Micros,
    pub created_at: Micros,
    pub finished_at: Option<Micros>,
}

/// Says whose request caused a job.
pub(crate) async fn set_owner(tx: &mut Tx, id: Uuid, user_id: Uuid) -> Result<(), StoreError> {
    run!(tx, execute, SET_JOB_OWNER, id, user_id)?;
    Ok(())
}

/// Finds a job that a request of `user_id` caused.
pub(crate) async fn find_of_user(db: &Db, id: Uuid, user_id: Uuid) -> Result<Option<JobRow>, StoreError> {
    run!(db, fetch_optional as JobRow, FIND_JOB_OF_USER, id, user_id)
}

/// Finds any job.
pub(crate) async fn find(on: impl Into<On<'_>>, id: Uuid) -> Result<Option<JobRow>, StoreError> {
    run!(on, fetch_optional as JobRow, FIND_JOB, id)
}

/// Makes a dead job ready again; `false` when it is not dead. [`StoreError::Duplicate`] when a twin waits already.
pub(crate) async fn revive(tx: &mut Tx, id: Uuid, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, REVIVE_JOB, id, now)? == 1)
}

/// Inserts a job; its id, unless a twin waits already.
pub(super) async fn insert(tx: &mut Tx, job: NewJob, now: Micros) -> Result<Option<Uuid>, StoreError> {
    let (id, payload) = (Uuid::now_v7(), Json(job.payload));
    let inserted = run!(
        tx,
        execute,
        INSERT_JOB,
        id,
        job.kind,
        &payload,
        job.run_at.unwrap_or(now),
        job.max_attempts,
        job.dedupe_key.as_deref(),
        now
    )?;
    Ok((inserted == 1).then_some(id))
}

/// Claims the next job that is due, or whose worker died with it, until `locked_until`.
pub(crate) async fn claim(
    db: &Db,
    worker: &str,
    now: Micros,
    locked_until: Micros,
) -> Result<Option<ClaimedJob>, StoreError> {
    let sql = match &db.pool {
        Pool::Sqlite(_) => CLAIM_ON_SQLITE,
        Pool::Postgres(_) => CLAIM_ON_POSTGRES,
    };
    run!(db, fetch_optional as ClaimedJob, sql, worker, locked_until, now)
}

/// Notes that a job is done, and forgets what it carried. A dead one keeps it: it may be tried again.
pub(crate) async fn finish(db: &Db, id: Uuid, worker: &str, now: Micros) -> Result<(), StoreError> {
    run!(db, execute, FINISH_JOB, id, worker, now)?;
    Ok(())
}

/// Puts a job back for `run_at`. [`StoreError::Duplicate`] when a twin waits already.
pub(crate) async fn retry(db: &Db, id: Uuid, worker: &str, run_at: Micros, error: &str) -> Result<(), StoreError> {
    run!(db, execute, RETRY_JOB, id, worker, run_at, error)?;
    Ok(())
}

pub(crate) async fn bury(db: &Db, id: Uuid, worker: &str, now: Micros, error: &str) -> Result<(), StoreError> {
    run!(db, execute, BURY_JOB, id, worker, now, error)?;
    Ok(())
}

/// Deletes at most `batch` jobs that ended in `state` before `before`; how many went.
pub(crate) async fn delete_finished(db: &Db, state: &str, before: Micros, batch: i64) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_FINISHED_JOBS, state, before, batch)
}
