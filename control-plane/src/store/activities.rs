//! SQL of what happened in an organization, and of its part of the audit log.

use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::db::{Db, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::activity::{Activity, AuditEntry, NewActivity};
use crate::model::clock::Micros;

statements! {
    INSERT_ACTIVITY = "INSERT INTO activities (id, org_id, actor_id, type, ref_kind, ref_id, data, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    // By its room, or by a meeting: the one it is tied to, else the one whose own room it is.
    LIST_ORGS_OF_CALL = "SELECT r.org_id, 'room' AS ref_kind, r.id AS ref_id, r.name FROM calls c \
        JOIN rooms r ON r.id = c.room_id JOIN organizations o ON o.id = r.org_id \
        WHERE c.id = $1 AND o.deleted_at IS NULL \
        UNION ALL SELECT k.org_id, 'meeting' AS ref_kind, k.id AS ref_id, k.title AS name FROM \
        (SELECT m.org_id, m.id, m.title, ROW_NUMBER() OVER (PARTITION BY m.org_id ORDER BY m.id DESC) AS place \
        FROM calls c JOIN rooms r ON r.id = c.room_id JOIN meetings m ON m.room_id = c.room_id \
        JOIN organizations o ON o.id = m.org_id WHERE c.id = $1 AND o.deleted_at IS NULL AND m.deleted_at IS NULL \
        AND ((c.meeting_id IS NULL AND m.own_room) OR c.meeting_id = m.id) AND (r.org_id IS NULL OR r.org_id <> m.org_id)) k \
        WHERE k.place = 1 ORDER BY ref_kind DESC LIMIT $2";
    // Every member of an organization may see its rooms and public channels, who may see a meeting that one, and nobody
    // what is deleted.
    LIST_ACTIVITIES = "SELECT a.id, a.org_id, a.actor_id, u.display_name AS actor_name, a.type, a.ref_kind, a.ref_id, \
        a.data, a.created_at FROM activities a LEFT JOIN users u ON u.id = a.actor_id \
        WHERE a.org_id = $1 AND a.id < $2 AND ($3 = '' OR a.type = $3) AND (a.ref_kind IN ('organization', 'user') \
        OR (a.ref_kind = 'channel' AND EXISTS (SELECT 1 FROM channels c WHERE c.id = a.ref_id \
        AND c.deleted_at IS NULL AND (c.visibility = 'public' OR EXISTS \
        (SELECT 1 FROM channel_members m WHERE m.channel_id = c.id AND m.user_id = $4)))) \
        OR (a.ref_kind = 'room' AND EXISTS (SELECT 1 FROM rooms r WHERE r.id = a.ref_id AND r.deleted_at IS NULL)) \
        OR (a.ref_kind = 'meeting' AND EXISTS (SELECT 1 FROM meetings t WHERE t.id = a.ref_id \
        AND t.deleted_at IS NULL AND (t.organizer_id = $4 OR EXISTS (SELECT 1 FROM organization_members om \
        WHERE om.org_id = a.org_id AND om.user_id = $4 AND om.role IN ('owner', 'admin')) OR EXISTS \
        (SELECT 1 FROM meeting_invites i WHERE i.meeting_id = t.id AND i.user_id = $4) OR t.id IN \
        (SELECT c.meeting_id FROM call_participants p JOIN calls c ON c.id = p.call_id \
        WHERE p.user_id = $4 AND c.meeting_id IS NOT NULL))))) \
        ORDER BY a.id DESC LIMIT $5";
    DELETE_ACTIVITIES = "DELETE FROM activities WHERE id IN \
        (SELECT id FROM activities WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
    LIST_AUDIT = "SELECT a.id, a.actor_id, u.display_name AS actor_name, a.action, a.target_kind, a.target_id, a.diff, \
        a.ip, a.created_at FROM audit_log a LEFT JOIN users u ON u.id = a.actor_id \
        WHERE a.org_id = $1 AND a.id < $2 AND ($3 = '' OR a.action = $3) AND ($4 = '' OR a.actor_id = $5) \
        AND a.created_at >= $6 AND a.created_at < $7 ORDER BY a.id DESC LIMIT $8";
}

/// Which rows of the audit log a list shows.
#[derive(Debug)]
pub(crate) struct AuditFilter<'a> {
    pub before: Uuid,
    /// Empty for all.
    pub action: &'a str,
    pub actor_id: Option<Uuid>,
    pub from: Micros,
    pub until: Micros,
    pub limit: i64,
}

/// Inserts an activity and returns its id.
pub(crate) async fn insert(tx: &mut Tx, new: &NewActivity<'_>, now: Micros) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    let actor_id = new.actor.map(|(id, _)| id);
    let data: Json<&Value> = Json(&new.data);
    run!(tx, execute, INSERT_ACTIVITY, id, new.org_id, actor_id, new.kind, new.of.0, new.of.1, &data, now)?;
    Ok(id)
}

/// An organization a call belongs to, and by what.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct OrgOfCall {
    pub org_id: Uuid,
    /// `room` or `meeting`.
    pub ref_kind: String,
    pub ref_id: Uuid,
    /// Of the room, or the title of the meeting.
    pub name: String,
}

/// The living organizations a call belongs to, each once, that of its room first.
pub(crate) async fn list_orgs_of_call(tx: &mut Tx, call_id: Uuid, limit: i64) -> Result<Vec<OrgOfCall>, StoreError> {
    run!(tx, fetch_all as OrgOfCall, LIST_ORGS_OF_CALL, call_id, limit)
}

/// Lists what happened in an organization, as far as `user_id` may see what it is about; the newest first.
pub(crate) async fn list(
    db: &Db,
    org_id: Uuid,
    user_id: Uuid,
    kind: &str,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Activity>, StoreError> {
    run!(db, fetch_all as Activity, LIST_ACTIVITIES, org_id, before, kind, user_id, limit)
}

/// Deletes at most `batch` activities older than `before`; how many went.
pub(crate) async fn delete_before(db: &Db, before: Micros, batch: i64) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_ACTIVITIES, before, batch)
}

/// Lists an organization's part of the audit log, the newest first.
pub(crate) async fn list_audit(db: &Db, org_id: Uuid, filter: AuditFilter<'_>) -> Result<Vec<AuditEntry>, StoreError> {
    let by = if filter.actor_id.is_some() { "one" } else { "" };
    let actor_id = filter.actor_id.unwrap_or(Uuid::nil());
    run!(
        db,
        fetch_all as AuditEntry,
        LIST_AUDIT,
        org_id,
        filter.before,
        filter.action,
        by,
        actor_id,
        filter.from,
        filter.until,
        filter.limit
    )
}
