//! SQL of taking somebody out of calls, rooms and history.

use uuid::Uuid;

use super::db::{Db, On, Pool, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;

statements! {
    LIST_PRESENCE_OF = "SELECT c.room_id, p.identity FROM call_participants p JOIN calls c ON c.id = p.call_id \
        WHERE p.user_id = $1 AND p.left_at IS NULL AND c.ended_at IS NULL LIMIT $2";
    LIST_ROOMS_OWNED = "SELECT r.id FROM rooms r JOIN room_members m ON m.room_id = r.id AND m.role = 'owner' \
        WHERE m.user_id = $1 AND r.deleted_at IS NULL ORDER BY r.id LIMIT $2";
    DELETE_ROOM_MEMBERSHIPS = "DELETE FROM room_members WHERE user_id = $1";
    DELETE_SESSIONS_OF = "DELETE FROM sessions WHERE user_id = $1";
    BLANK_CALL_NAMES = "UPDATE call_participants SET name = $2 WHERE id IN (SELECT id FROM call_participants \
        WHERE user_id = $1 AND name <> $2 LIMIT $3)";
    BLANK_USER = "UPDATE users SET email = $2, username = NULL, display_name = $3, email_verified_at = NULL, \
        locale = 'en', timezone = 'UTC', last_seen_at = NULL, updated_at = $4 \
        WHERE id = $1 AND deleted_at IS NOT NULL AND email <> $2";
    DELETE_ORGANIZATION_MEMBERSHIPS = "DELETE FROM organization_members WHERE user_id = $1";
    DELETE_CHANNEL_MEMBERSHIPS = "DELETE FROM channel_members WHERE user_id = $1";
    DELETE_READ_MARKERS = "DELETE FROM message_reads WHERE user_id = $1";
    DELETE_PUSH_SUBSCRIPTIONS = "DELETE FROM push_subscriptions WHERE user_id = $1";
    DELETE_NOTIFICATIONS = "DELETE FROM notifications WHERE user_id = $1";
    DELETE_NOTIFICATION_PREFS = "DELETE FROM notification_prefs WHERE user_id = $1";
    DELETE_CALENDAR_FEED = "DELETE FROM calendar_feeds WHERE user_id = $1";
    BLANK_MEETING_INVITES = "UPDATE meeting_invites SET email = $2 WHERE user_id = $1";
    DELETE_WAITING_MEETING_INVITES = "DELETE FROM meeting_invites WHERE email = $1 AND user_id IS NULL";
    DELETE_ORGANIZATION_INVITES = "DELETE FROM organization_invites WHERE email = $1";
    DELETE_ROOM_INVITATIONS = "DELETE FROM room_invitations WHERE email = $1";
    BLANK_BANS = "UPDATE room_bans SET name = $2 WHERE subject_id = $1 AND name <> ''";
    FIND_DELETED = "SELECT email, deleted_at FROM users WHERE id = $1 AND deleted_at IS NOT NULL";
}

/// `$1` is the id of an account as JSON has it, `$2` what stands for a name, `$3` how many rows. The name is in the field
/// beside the id, so that nobody of the same name is touched.
macro_rules! blank_named {
    ($table:literal, $json:literal, $id:literal, $name:literal, $blanked:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " SET ",
            $json,
            " = ",
            $blanked,
            " WHERE id IN (SELECT id FROM ",
            $table,
            " WHERE ",
            $json,
            " ->> '",
            $id,
            "' = $1 AND ",
            $json,
            " ->> '",
            $name,
            "' <> $2 LIMIT $3)"
        )
    };
}

/// `$1` is an address, `$2` what stands for it, `$3` when its account was deleted: who has the address after that is
/// somebody else. `$4` is how many rows.
macro_rules! blank_address {
    ($blanked:literal) => {
        concat!(
            "UPDATE audit_log SET diff = ",
            $blanked,
            " WHERE id IN (SELECT id FROM audit_log WHERE diff ->> 'email' = $1 AND diff ->> 'email' <> $2 \
             AND created_at <= $3 LIMIT $4)"
        )
    };
}

pub(super) const BLANK_ACTORS_ON_SQLITE: &str =
    blank_named!("notifications", "payload", "actor_id", "actor_name", "json_set(payload, '$.actor_name', $2)");
pub(super) const BLANK_ACTORS_ON_POSTGRES: &str = blank_named!(
    "notifications",
    "payload",
    "actor_id",
    "actor_name",
    "jsonb_set(payload, '{actor_name}', to_jsonb(CAST($2 AS TEXT)))"
);
pub(super) const BLANK_REMOVED_ON_SQLITE: &str =
    blank_named!("audit_log", "diff", "subject_id", "name", "json_set(diff, '$.name', $2)");
pub(super) const BLANK_REMOVED_ON_POSTGRES: &str =
    blank_named!("audit_log", "diff", "subject_id", "name", "jsonb_set(diff, '{name}', to_jsonb(CAST($2 AS TEXT)))");
pub(super) const BLANK_ADDRESSES_ON_SQLITE: &str = blank_address!("json_set(diff, '$.email', $2)");
pub(super) const BLANK_ADDRESSES_ON_POSTGRES: &str =
    blank_address!("jsonb_set(diff, '{email}', to_jsonb(CAST($2 AS TEXT)))");

/// Where somebody is in a call now: room and identity.
pub(crate) async fn list_presence(
    on: impl Into<On<'_>>,
    user_id: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, String)>, StoreError> {
    run!(on, fetch_all as (Uuid, String), LIST_PRESENCE_OF, user_id, limit)
}

/// Rooms of which somebody is an owner, in the order of their ids.
pub(crate) async fn list_rooms_owned(db: &Db, user_id: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let rows = run!(db, fetch_all as (Uuid,), LIST_ROOMS_OWNED, user_id, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Deletes what belongs to somebody and to nobody else: memberships, sessions with the addresses they came from, what
/// they were told and how.
pub(crate) async fn delete_belongings(tx: &mut Tx, user_id: Uuid) -> Result<(), StoreError> {
    for sql in [
        DELETE_ROOM_MEMBERSHIPS,
        DELETE_ORGANIZATION_MEMBERSHIPS,
        DELETE_CHANNEL_MEMBERSHIPS,
        DELETE_READ_MARKERS,
        DELETE_PUSH_SUBSCRIPTIONS,
        DELETE_NOTIFICATIONS,
        DELETE_NOTIFICATION_PREFS,
        DELETE_CALENDAR_FEED,
        DELETE_SESSIONS_OF,
    ] {
        run!(&mut *tx, execute, sql, user_id)?;
    }
    Ok(())
}

/// Replaces the address in the invitations somebody has.
pub(crate) async fn blank_invites(tx: &mut Tx, user_id: Uuid, email: &str) -> Result<(), StoreError> {
    run!(tx, execute, BLANK_MEETING_INVITES, user_id, email)?;
    Ok(())
}

/// Deletes the invitations that wait for whoever has an address.
pub(crate) async fn delete_waiting_invites(tx: &mut Tx, email: &str) -> Result<(), StoreError> {
    run!(&mut *tx, execute, DELETE_WAITING_MEETING_INVITES, email)?;
    run!(&mut *tx, execute, DELETE_ROOM_INVITATIONS, email)?;
    run!(tx, execute, DELETE_ORGANIZATION_INVITES, email)?;
    Ok(())
}

/// Replaces the name in at most `batch` stays in calls; how many it were.
pub(crate) async fn blank_call_names(db: &Db, user_id: Uuid, name: &str, batch: i64) -> Result<u64, StoreError> {
    run!(db, execute, BLANK_CALL_NAMES, user_id, name, batch)
}

/// Replaces address and name of a deleted account, after what its address finds.
pub(crate) async fn blank_user(
    tx: &mut Tx,
    user_id: Uuid,
    email: &str,
    name: &str,
    now: Micros,
) -> Result<(), StoreError> {
    run!(&mut *tx, execute, BLANK_BANS, user_id, name)?;
    run!(tx, execute, BLANK_USER, user_id, email, name, now)?;
    Ok(())
}

/// The address of a deleted account, until it is blanked, and when it was deleted.
pub(crate) async fn find_deleted(db: &Db, user_id: Uuid) -> Result<Option<(String, Micros)>, StoreError> {
    run!(db, fetch_optional as (String, Micros), FIND_DELETED, user_id)
}

/// Replaces the name of whoever did it in at most `batch` notifications of others; how many it were.
pub(crate) async fn blank_actors(db: &Db, user_id: Uuid, name: &str, batch: i64) -> Result<u64, StoreError> {
    let sql = match &db.pool {
        Pool::Sqlite(_) => BLANK_ACTORS_ON_SQLITE,
        Pool::Postgres(_) => BLANK_ACTORS_ON_POSTGRES,
    };
    run!(db, execute, sql, user_id.to_string(), name, batch)
}

/// Replaces the name of whoever was removed from a call in at most `batch` rows of the audit log; how many it were.
pub(crate) async fn blank_removed(db: &Db, user_id: Uuid, name: &str, batch: i64) -> Result<u64, StoreError> {
    let sql = match &db.pool {
        Pool::Sqlite(_) => BLANK_REMOVED_ON_SQLITE,
        Pool::Postgres(_) => BLANK_REMOVED_ON_POSTGRES,
    };
    run!(db, execute, sql, user_id.to_string(), name, batch)
}

/// Replaces an address in at most `batch` rows of the audit log that were written until `until`; how many it were.
pub(crate) async fn blank_addresses(
    db: &Db,
    email: &str,
    blank: &str,
    until: Micros,
    batch: i64,
) -> Result<u64, StoreError> {
    let sql = match &db.pool {
        Pool::Sqlite(_) => BLANK_ADDRESSES_ON_SQLITE,
        Pool::Postgres(_) => BLANK_ADDRESSES_ON_POSTGRES,
    };
    run!(db, execute, sql, email, blank, until, batch)
}
