//! SQL of push subscriptions: the browsers of people that take messages while they are away.

use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::statements;
use super::tx::Tx;
use crate::model::clock::Micros;
use crate::model::notification::Notification;

statements! {
    COUNT_OTHERS = "SELECT COUNT(*) FROM push_subscriptions WHERE user_id = $1 AND endpoint <> $2";
    // A browser that somebody else now signs in with shows the same keys; anybody who merely knows the address does not.
    UPSERT = "INSERT INTO push_subscriptions \
        (id, user_id, session_id, endpoint, p256dh, auth, user_agent, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
        ON CONFLICT (endpoint) DO UPDATE SET user_id = excluded.user_id, session_id = excluded.session_id, \
        p256dh = excluded.p256dh, auth = excluded.auth, user_agent = excluded.user_agent \
        WHERE push_subscriptions.user_id = excluded.user_id \
        OR (push_subscriptions.p256dh = excluded.p256dh AND push_subscriptions.auth = excluded.auth) \
        RETURNING id, endpoint, user_agent, created_at, last_ok_at";
    LIST_SUBSCRIPTIONS = "SELECT id, endpoint, user_agent, created_at, last_ok_at FROM push_subscriptions \
        WHERE user_id = $1 ORDER BY id DESC LIMIT $2";
    LIST_LIVE = "SELECT s.id FROM push_subscriptions s JOIN sessions e ON e.id = s.session_id \
        WHERE s.user_id = $1 AND e.revoked_at IS NULL AND e.expires_at > $2 ORDER BY s.id LIMIT $3";
    FIND_LIVE = "SELECT s.endpoint, s.p256dh, s.auth, n.id, n.kind, n.payload, n.created_at, n.read_at \
        FROM push_subscriptions s JOIN sessions e ON e.id = s.session_id \
        JOIN notifications n ON n.id = $2 AND n.user_id = s.user_id \
        WHERE s.id = $1 AND e.revoked_at IS NULL AND e.expires_at > $3 \
        AND n.read_at IS NULL AND n.deleted_at IS NULL";
    DELETE_OWN = "DELETE FROM push_subscriptions WHERE user_id = $1 AND id = $2";
    DELETE_GONE = "DELETE FROM push_subscriptions WHERE id = $1 AND endpoint = $2";
    TOUCH = "UPDATE push_subscriptions SET last_ok_at = $2 WHERE id = $1";
    DELETE_OF_ENDED = "DELETE FROM push_subscriptions WHERE id IN (SELECT s.id FROM push_subscriptions s \
        JOIN sessions e ON e.id = s.session_id WHERE e.revoked_at < $1 OR e.expires_at < $1 LIMIT $2)";
}

/// A browser about to be remembered.
#[derive(Debug)]
pub(crate) struct NewSubscription<'a> {
    pub user_id: Uuid,
    pub session_id: Uuid,
    pub endpoint: &'a str,
    pub p256dh: &'a [u8],
    pub auth: &'a [u8],
    pub user_agent: &'a str,
}

/// A browser, as its owner sees it.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Subscription {
    pub id: Uuid,
    pub endpoint: String,
    pub user_agent: String,
    pub created_at: Micros,
    pub last_ok_at: Option<Micros>,
}

/// A message that still waits to be sent, and where to.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Waiting {
    pub endpoint: String,
    pub p256dh: Vec<u8>,
    pub auth: Vec<u8>,
    #[sqlx(flatten)]
    pub entry: Notification,
}

/// Subscriptions somebody has beside the one at `endpoint`.
pub(crate) async fn count_others(tx: &mut Tx, user_id: Uuid, endpoint: &str) -> Result<i64, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), COUNT_OTHERS, user_id, endpoint)?;
    Ok(count)
}

/// Remembers a browser under `id`, or updates the one at the same endpoint; `None` when that one is somebody else's.
pub(crate) async fn upsert(
    tx: &mut Tx,
    id: Uuid,
    new: NewSubscription<'_>,
    now: Micros,
) -> Result<Option<Subscription>, StoreError> {
    run!(
        tx,
        fetch_optional as Subscription,
        UPSERT,
        id,
        new.user_id,
        new.session_id,
        new.endpoint,
        new.p256dh,
        new.auth,
        new.user_agent,
        now
    )
}

/// Lists somebody's browsers, the newest first.
pub(crate) async fn list(db: &Db, user_id: Uuid, limit: i64) -> Result<Vec<Subscription>, StoreError> {
    run!(db, fetch_all as Subscription, LIST_SUBSCRIPTIONS, user_id, limit)
}

/// Lists somebody's browsers whose sessions live.
pub(crate) async fn list_live(tx: &mut Tx, user_id: Uuid, now: Micros, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let rows = run!(tx, fetch_all as (Uuid,), LIST_LIVE, user_id, now, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Finds what is to be sent to a browser: nothing when its session ended, or when the notification was read or deleted.
pub(crate) async fn find_live(
    on: impl Into<On<'_>>,
    id: Uuid,
    notification_id: Uuid,
    now: Micros,
) -> Result<Option<Waiting>, StoreError> {
    run!(on, fetch_optional as Waiting, FIND_LIVE, id, notification_id, now)
}

/// Forgets one of somebody's browsers; `false` when it was not there.
pub(crate) async fn delete(db: &Db, user_id: Uuid, id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(db, execute, DELETE_OWN, user_id, id)? == 1)
}

/// Forgets a browser whose push service does not know it any more.
pub(crate) async fn delete_gone(db: &Db, id: Uuid, endpoint: &str) -> Result<(), StoreError> {
    run!(db, execute, DELETE_GONE, id, endpoint)?;
    Ok(())
}

/// Notes that a browser's push service took a message.
pub(crate) async fn touch(db: &Db, id: Uuid, now: Micros) -> Result<(), StoreError> {
    run!(db, execute, TOUCH, id, now)?;
    Ok(())
}

/// Deletes at most `batch` browsers whose sessions ended before `before`; how many went.
pub(crate) async fn delete_of_ended(db: &Db, before: Micros, batch: i64) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_OF_ENDED, before, batch)
}
