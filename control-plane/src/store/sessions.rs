//! SQL of sessions: found by the hash of a token, rotated, revoked.

use uuid::Uuid;

use super::db::{Db, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::user::{PlatformRole, SessionFacts, SessionTransport, User};

statements! {
    INSERT_SESSION = "INSERT INTO sessions (id, user_id, transport, access_hash, access_expires_at, refresh_hash, \
        rotated_at, user_agent, ip, last_seen_at, created_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $7, $7, $10)";
    FIND_SESSION_BY_ACCESS = "SELECT s.id AS session_id, s.transport, s.last_seen_at AS session_last_seen_at, \
        s.expires_at AS session_expires_at, s.created_at AS session_created_at, \
        u.id, u.email, u.username, u.display_name, u.locale, u.timezone, u.platform_role, u.status, \
        u.default_room_access, u.avatar_file_id, \
        u.email_verified_at, u.created_at, u.updated_at \
        FROM sessions s JOIN users u ON u.id = s.user_id \
        WHERE s.access_hash = $1 AND s.revoked_at IS NULL AND s.access_expires_at > $2 \
        AND u.status = 'active' AND u.deleted_at IS NULL";
    FIND_SESSION_BY_ID = "SELECT s.id AS session_id, s.transport, s.last_seen_at AS session_last_seen_at, \
        s.expires_at AS session_expires_at, s.created_at AS session_created_at, \
        u.id, u.email, u.username, u.display_name, u.locale, u.timezone, u.platform_role, u.status, \
        u.default_room_access, u.avatar_file_id, u.email_verified_at, u.created_at, u.updated_at \
        FROM sessions s JOIN users u ON u.id = s.user_id \
        WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 \
        AND u.status = 'active' AND u.deleted_at IS NULL";
    FIND_SESSION_ROLE = "SELECT u.platform_role, s.expires_at FROM sessions s JOIN users u ON u.id = s.user_id \
        WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 \
        AND u.status = 'active' AND u.deleted_at IS NULL";
    FIND_SESSION_BY_REFRESH = "SELECT s.id AS session_id, s.refresh_hash, s.access_expires_at, \
        s.rotated_at, u.id, u.email, u.username, u.display_name, u.locale, u.timezone, \
        u.platform_role, u.status, u.default_room_access, u.avatar_file_id, \
        u.email_verified_at, u.created_at, u.updated_at \
        FROM sessions s JOIN users u ON u.id = s.user_id \
        WHERE (s.refresh_hash = $1 OR s.prev_refresh_hash = $1) AND s.revoked_at IS NULL AND s.expires_at > $2 \
        AND u.status = 'active' AND u.deleted_at IS NULL";
    INSERT_SPENT = "INSERT INTO spent_refresh_tokens (hash, session_id, spent_at) VALUES ($1, $2, $3) \
        ON CONFLICT (hash) DO NOTHING";
    FIND_SESSION_BY_SPENT = "SELECT s.id, s.user_id FROM spent_refresh_tokens t JOIN sessions s ON s.id = t.session_id \
        WHERE t.hash = $1 AND s.revoked_at IS NULL AND s.expires_at > $2";
    DELETE_SPENT = "DELETE FROM spent_refresh_tokens WHERE hash IN \
        (SELECT hash FROM spent_refresh_tokens WHERE spent_at < $1 LIMIT $2)";
    ROTATE_SESSION = "UPDATE sessions SET access_hash = $3, access_expires_at = $4, prev_refresh_hash = refresh_hash, \
        refresh_hash = $5, rotated_at = $6, last_seen_at = $6, expires_at = $7, ip = $8, user_agent = $9 \
        WHERE id = $1 AND refresh_hash = $2 AND revoked_at IS NULL";
    REVOKE_SESSION = "UPDATE sessions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    REVOKE_SESSION_OF = "UPDATE sessions SET revoked_at = $3 WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL \
        AND expires_at > $3";
    REVOKE_SESSIONS_OF = "UPDATE sessions SET revoked_at = $3 WHERE user_id = $1 AND id <> $2 AND revoked_at IS NULL";
    REVOKE_SURPLUS_SESSIONS = "UPDATE sessions SET revoked_at = $2 WHERE id IN (SELECT id FROM sessions \
        WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 ORDER BY last_seen_at DESC, id DESC \
        LIMIT 1000 OFFSET $3)";
    LIST_SESSIONS = "SELECT id, transport, user_agent, ip, last_seen_at, created_at, expires_at FROM sessions \
        WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 AND id < $3 ORDER BY id DESC LIMIT $4";
    TOUCH_SESSION = "UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2";
    DELETE_ENDED_SESSIONS = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions \
        WHERE expires_at < $1 OR revoked_at < $1 LIMIT $2)";
}

/// A session about to begin.
#[derive(Debug)]
pub(crate) struct NewSession<'a> {
    pub user_id: Uuid,
    pub transport: SessionTransport,
    pub access_hash: Vec<u8>,
    pub access_expires_at: Micros,
    pub refresh_hash: Vec<u8>,
    pub user_agent: &'a str,
    pub ip: &'a str,
    pub expires_at: Micros,
}

/// A session as its owner sees it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct SessionRow {
    pub id: Uuid,
    pub transport: SessionTransport,
    pub user_agent: String,
    pub ip: String,
    pub last_seen_at: Micros,
    pub created_at: Micros,
    pub expires_at: Micros,
}

/// A live session and its person.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct LiveSession {
    #[sqlx(flatten)]
    pub session: SessionFacts,
    #[sqlx(flatten)]
    pub user: User,
}

/// A session that may be refreshed.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct RefreshableSession {
    pub session_id: Uuid,
    pub refresh_hash: Vec<u8>,
    pub access_expires_at: Micros,
    pub rotated_at: Micros,
    #[sqlx(flatten)]
    pub user: User,
}

/// The next pair of a session.
#[derive(Debug)]
pub(crate) struct Rotation<'a> {
    pub session_id: Uuid,
    pub presented_hash: Vec<u8>,
    pub access_hash: Vec<u8>,
    pub access_expires_at: Micros,
    pub refresh_hash: Vec<u8>,
    pub expires_at: Micros,
    pub ip: &'a str,
    pub user_agent: &'a str,
}

/// Inserts a session and returns its id.
pub(crate) async fn insert(tx: &mut Tx, new: NewSession<'_>, now: Micros) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    run!(
        tx,
        execute,
        INSERT_SESSION,
        id,
        new.user_id,
        new.transport,
        &new.access_hash,
        new.access_expires_at,
        &new.refresh_hash,
        now,
        new.user_agent,
        new.ip,
        new.expires_at
    )?;
    Ok(id)
}

/// Finds the live session of an access token, with its person, in one statement.
pub(crate) async fn find_live(db: &Db, access_hash: &[u8], now: Micros) -> Result<Option<LiveSession>, StoreError> {
    run!(db, fetch_optional as LiveSession, FIND_SESSION_BY_ACCESS, access_hash, now)
}

/// Finds a live session by its id, with its person.
pub(crate) async fn find_live_by_id(db: &Db, id: Uuid, now: Micros) -> Result<Option<LiveSession>, StoreError> {
    run!(db, fetch_optional as LiveSession, FIND_SESSION_BY_ID, id, now)
}

/// The platform role of a live session's person, and when the session ends; `None` when it has ended.
pub(crate) async fn find_role(db: &Db, id: Uuid, now: Micros) -> Result<Option<(PlatformRole, Micros)>, StoreError> {
    run!(db, fetch_optional as (PlatformRole, Micros), FIND_SESSION_ROLE, id, now)
}

/// Finds the session whose current or previous refresh token this is.
pub(crate) async fn find_by_refresh(
    tx: &mut Tx,
    refresh_hash: &[u8],
    now: Micros,
) -> Result<Option<RefreshableSession>, StoreError> {
    run!(tx, fetch_optional as RefreshableSession, FIND_SESSION_BY_REFRESH, refresh_hash, now)
}

/// Replaces a session's pair; `false` when another request rotated or revoked it first.
pub(crate) async fn rotate(tx: &mut Tx, next: Rotation<'_>, now: Micros) -> Result<bool, StoreError> {
    let rows = run!(
        &mut *tx,
        execute,
        ROTATE_SESSION,
        next.session_id,
        &next.presented_hash,
        &next.access_hash,
        next.access_expires_at,
        &next.refresh_hash,
        now,
        next.expires_at,
        next.ip,
        next.user_agent
    )?;
    if rows == 1 {
        run!(tx, execute, INSERT_SPENT, &next.presented_hash, next.session_id, now)?;
    }
    Ok(rows == 1)
}

/// Finds the live session, and its person's id, that a refresh token was exchanged in.
pub(crate) async fn find_by_spent(
    tx: &mut Tx,
    refresh_hash: &[u8],
    now: Micros,
) -> Result<Option<(Uuid, Uuid)>, StoreError> {
    run!(tx, fetch_optional as (Uuid, Uuid), FIND_SESSION_BY_SPENT, refresh_hash, now)
}

/// Forgets at most `batch` refresh tokens that were exchanged before `before`; how many.
pub(crate) async fn delete_spent(db: &Db, before: Micros, batch: i64) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_SPENT, before, batch)
}

/// Ends a session: both its tokens are dead from now on.
pub(crate) async fn revoke(tx: &mut Tx, session_id: Uuid, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, REVOKE_SESSION, session_id, now)? == 1)
}

/// Ends a session of somebody; `false` when they have no such live one.
pub(crate) async fn revoke_of(tx: &mut Tx, id: Uuid, user_id: Uuid, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, REVOKE_SESSION_OF, id, user_id, now)? == 1)
}

/// Ends every session of somebody, but for `keep`; how many ended.
pub(crate) async fn revoke_all(tx: &mut Tx, user_id: Uuid, keep: Option<Uuid>, now: Micros) -> Result<u64, StoreError> {
    run!(tx, execute, REVOKE_SESSIONS_OF, user_id, keep.unwrap_or(Uuid::nil()), now)
}

/// Ends the sessions of somebody beyond the `keep` most recently used ones.
pub(crate) async fn revoke_surplus(tx: &mut Tx, user_id: Uuid, keep: i64, now: Micros) -> Result<(), StoreError> {
    run!(tx, execute, REVOKE_SURPLUS_SESSIONS, user_id, now, keep)?;
    Ok(())
}

/// Live sessions of somebody, newest first, after `after`.
pub(crate) async fn list(
    db: &Db,
    user_id: Uuid,
    after: Option<Uuid>,
    limit: i64,
    now: Micros,
) -> Result<Vec<SessionRow>, StoreError> {
    run!(db, fetch_all as SessionRow, LIST_SESSIONS, user_id, now, after.unwrap_or(Uuid::max()), limit)
}

/// Notes that a session was used.
pub(crate) async fn touch(db: &Db, session_id: Uuid, now: Micros) -> Result<(), StoreError> {
    run!(db, execute, TOUCH_SESSION, session_id, now)?;
    Ok(())
}

/// Deletes at most `batch` sessions that ended before `before`; how many went.
pub(crate) async fn delete_ended(db: &Db, before: Micros, batch: i64) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_ENDED_SESSIONS, before, batch)
}
