//! SQL of the audit log and the event log: rows are appended in the transaction of an act and never changed,
//! but for names and addresses of erased accounts ([`super::erasure`]).

use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::db::{StoreError, run};
use super::tx::Tx;
use super::{db::Db, statements};
use crate::events::{Event, NewEvent};
use crate::model::clock::Micros;

statements! {
    INSERT_AUDIT = "INSERT INTO audit_log \
        (id, actor_id, session_id, ip, action, target_kind, target_id, diff, created_at, org_id) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    INSERT_EVENT = "INSERT INTO event_log (topic, kind, payload, created_at) VALUES ($1, $2, $3, $4) RETURNING seq";
    DELETE_EVENTS_BEFORE = "DELETE FROM event_log WHERE seq IN \
        (SELECT seq FROM event_log WHERE created_at < $1 AND seq < (SELECT MAX(seq) FROM event_log) \
        ORDER BY created_at LIMIT $2)";
    DELETE_AUDIT_BEFORE = "DELETE FROM audit_log WHERE id IN \
        (SELECT id FROM audit_log WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
}

/// PostgreSQL only: one writer of events at a time, until its commit. The number is ours alone.
const LOCK_EVENT_LOG: &str = "SELECT pg_advisory_xact_lock(7305881001)";

/// Something somebody did, for the audit log.
#[derive(Debug)]
pub(crate) struct AuditRow<'a> {
    pub actor_id: Option<Uuid>,
    pub session_id: Option<Uuid>,
    pub ip: &'a str,
    pub action: &'static str,
    pub target_kind: &'static str,
    pub target_id: Option<Uuid>,
    pub diff: Value,
}

pub(crate) async fn insert_audit(tx: &mut Tx, row: AuditRow<'_>, now: Micros) -> Result<(), StoreError> {
    insert_audit_in(tx, None, row, now).await
}

/// As [`insert_audit`], into the part of the log that an organization's admins read.
pub(crate) async fn insert_audit_in(
    tx: &mut Tx,
    org_id: Option<Uuid>,
    row: AuditRow<'_>,
    now: Micros,
) -> Result<(), StoreError> {
    let diff = Json(row.diff);
    run!(
        tx,
        execute,
        INSERT_AUDIT,
        Uuid::now_v7(),
        row.actor_id,
        row.session_id,
        row.ip,
        row.action,
        row.target_kind,
        row.target_id,
        &diff,
        now,
        org_id
    )?;
    Ok(())
}

pub(super) async fn lock_event_log(tx: &mut Tx) -> Result<(), StoreError> {
    run!(tx, execute, LOCK_EVENT_LOG)?;
    Ok(())
}

pub(super) async fn insert_event(tx: &mut Tx, event: NewEvent, now: Micros) -> Result<Event, StoreError> {
    let payload = Json(event.payload);
    let (seq,): (i64,) = run!(tx, fetch_one as (i64,), INSERT_EVENT, &event.topic, event.kind, &payload, now)?;
    Ok(Event { seq, topic: event.topic, kind: event.kind.to_owned(), payload: payload.0, created_at: now })
}

/// Deletes at most `batch` events older than `before`; how many went. The newest stays: its number says where the log
/// is, and a reader who comes back can be told whether it missed something.
pub(crate) async fn delete_events_before(db: &Db, before: Micros, batch: i64) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_EVENTS_BEFORE, before, batch)
}

/// Deletes at most `batch` audit rows older than `before`; how many went.
pub(crate) async fn delete_audit_before(db: &Db, before: Micros, batch: i64) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_AUDIT_BEFORE, before, batch)
}
