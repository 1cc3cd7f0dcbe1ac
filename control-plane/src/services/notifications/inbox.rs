//! Somebody's inbox: listed, read, unread, emptied. Everything in it is one's own; what is another's is not there.

use serde_json::json;
use uuid::Uuid;

use super::topic;
use crate::app::App;
use crate::model::clock::Micros;
use crate::model::notification::Notification;
use crate::store::db::StoreError;
use crate::store::notifications::{self as store, NotificationFilter};

/// Unread ones are counted up to here: nobody reads a larger number, and everybody would pay for it.
pub(crate) const MAX_COUNTED: i64 = 1_000;
/// Entries one "read all" marks; asking again marks more.
const READ_ALL_MAX: i64 = 10_000;

/// A page of an inbox and the number on its badge.
#[derive(Debug)]
pub(crate) struct Inbox {
    pub rows: Vec<Notification>,
    pub unread: i64,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InboxError {
    #[error("there is no such notification in this inbox")]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Lists somebody's notifications, the newest first.
///
/// # Errors
/// As any statement.
pub(crate) async fn list(app: &App, user_id: Uuid, filter: NotificationFilter) -> Result<Inbox, StoreError> {
    let rows = store::list(&app.db, user_id, filter).await?;
    let unread = store::count_unread(&app.db, user_id, MAX_COUNTED).await?;
    Ok(Inbox { rows, unread })
}

/// Marks one notification read or unread; saying it again changes nothing, not even the time.
///
/// # Errors
/// See [`InboxError`].
pub(crate) async fn mark(app: &App, user_id: Uuid, id: Uuid, read: bool) -> Result<Notification, InboxError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let mut entry = store::find(&mut tx, user_id, id).await?.ok_or(InboxError::NotFound)?;
    if entry.read_at.is_some() == read {
        return Ok(entry);
    }
    entry.read_at = read.then_some(now);
    store::set_read_at(&mut tx, user_id, id, entry.read_at).await?;
    tx.event(topic(user_id), "notification.updated", &json!({ "id": id, "read_at": entry.read_at }));
    tx.commit(now).await?;
    Ok(entry)
}

/// Marks everything up to `up_to` read; how many entries that were.
///
/// # Errors
/// As any statement.
pub(crate) async fn read_all(app: &App, user_id: Uuid, up_to: Option<Uuid>) -> Result<u64, StoreError> {
    let now: Micros = app.clock.now();
    let mut tx = app.begin().await?;
    let up_to_id = up_to.unwrap_or(Uuid::max());
    let updated = store::read_all(&mut tx, user_id, up_to_id, now, READ_ALL_MAX).await?;
    if updated > 0 {
        tx.event(topic(user_id), "notification.read_all", &json!({ "up_to": up_to, "read_at": now }));
    }
    tx.commit(now).await?;
    Ok(updated)
}

/// Takes a notification out of the inbox.
///
/// # Errors
/// See [`InboxError`].
pub(crate) async fn delete(app: &App, user_id: Uuid, id: Uuid) -> Result<(), InboxError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if !store::delete(&mut tx, user_id, id, now).await? {
        return Err(InboxError::NotFound);
    }
    tx.event(topic(user_id), "notification.deleted", &json!({ "id": id }));
    tx.commit(now).await?;
    Ok(())
}
