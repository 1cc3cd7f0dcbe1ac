//! SQL around presence: when people were last seen, who may see them, who is told of them. Presence itself is never in
//! the database.

use uuid::Uuid;

use super::db::{Db, StoreError, run};
use super::statements;
use super::tx::Tx;
use crate::model::clock::Micros;

statements! {
    NOTE_LAST_SEEN = "UPDATE users SET last_seen_at = $2 WHERE id = $1 AND deleted_at IS NULL \
        AND (last_seen_at IS NULL OR last_seen_at <= $3)";
    LIST_ORGANIZATIONS = "SELECT m.org_id FROM organization_members m JOIN organizations o ON o.id = m.org_id \
        WHERE m.user_id = $1 AND o.deleted_at IS NULL ORDER BY m.org_id LIMIT $2";
    IS_MEMBER = "SELECT COUNT(*) FROM organization_members m JOIN organizations o ON o.id = m.org_id \
        WHERE m.org_id = $1 AND m.user_id = $2 AND o.deleted_at IS NULL";
    LIST_PEOPLE = "SELECT u.id, u.last_seen_at FROM organization_members m JOIN users u ON u.id = m.user_id \
        WHERE m.org_id = $1 AND m.user_id > $2 AND u.deleted_at IS NULL ORDER BY m.user_id LIMIT $3";
}

/// Somebody of an organization.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Seen {
    pub id: Uuid,
    pub last_seen_at: Option<Micros>,
}

/// Notes that somebody was seen at `now`, unless that was noted after `unless_since` already.
pub(crate) async fn note_last_seen(
    tx: &mut Tx,
    user: Uuid,
    now: Micros,
    unless_since: Micros,
) -> Result<(), StoreError> {
    run!(tx, execute, NOTE_LAST_SEEN, user, now, unless_since)?;
    Ok(())
}

/// At most `limit` organizations of somebody.
pub(crate) async fn list_organizations(db: &Db, user: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let rows: Vec<(Uuid,)> = run!(db, fetch_all as (Uuid,), LIST_ORGANIZATIONS, user, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Whether somebody belongs to an organization that is there.
pub(crate) async fn is_member(db: &Db, organization: Uuid, user: Uuid) -> Result<bool, StoreError> {
    let (count,): (i64,) = run!(db, fetch_one as (i64,), IS_MEMBER, organization, user)?;
    Ok(count > 0)
}

/// At most `limit` people of an organization after `after`.
pub(crate) async fn list_people(db: &Db, organization: Uuid, after: Uuid, limit: i64) -> Result<Vec<Seen>, StoreError> {
    run!(db, fetch_all as Seen, LIST_PEOPLE, organization, after, limit)
}
