//! SQL of notifications: made once per person and key, listed, read, forgotten.

use serde_json::{Value, json};
use sqlx::types::Json;
use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::statements;
use super::tx::Tx;
use crate::model::clock::Micros;
use crate::model::notification::{Channels, Notification, NotificationKind};
use crate::model::organization::OrgRole;

/// `$1` is a JSON array of `{id, user}` in hexadecimal. A push is only wanted where a browser takes it, a mail only where
/// the address is known to be the person's.
macro_rules! insert_notifications {
    ($array:literal, $id:literal, $user:literal) => {
        concat!(
            "INSERT INTO notifications (id, user_id, kind, payload, dedupe_key, in_app, push, email, created_at) SELECT ",
            $id,
            ", u.id, $2, $3, $4, COALESCE(p.in_app, $5), COALESCE(p.push, $6) AND EXISTS \
             (SELECT 1 FROM push_subscriptions s WHERE s.user_id = u.id), \
             COALESCE(p.email, $7) AND u.email_verified_at IS NOT NULL, $8 FROM ",
            $array,
            " JOIN users u ON u.id = ",
            $user,
            " LEFT JOIN notification_prefs p ON p.user_id = u.id AND p.kind = $2 \
             WHERE u.status = 'active' AND u.deleted_at IS NULL ON CONFLICT (user_id, dedupe_key) DO NOTHING \
             RETURNING id, user_id, in_app, push, email"
        )
    };
}

pub(super) const INSERT_ON_SQLITE: &str =
    insert_notifications!("json_each($1) e", "unhex(e.value ->> 'id')", "unhex(e.value ->> 'user')");
pub(super) const INSERT_ON_POSTGRES: &str = insert_notifications!(
    "jsonb_array_elements($1) AS e (value)",
    "CAST(e.value ->> 'id' AS UUID)",
    "CAST(e.value ->> 'user' AS UUID)"
);

/// `$1` names the room or channel, `$2` is a JSON array of user names, `$3` one of ids in hexadecimal. Found are members:
/// of the room or its organization, of the channel, or of the organization of a public channel.
macro_rules! list_mentioned {
    ($names:literal, $ids:literal) => {
        concat!(
            "SELECT u.id FROM users u WHERE u.status = 'active' AND u.deleted_at IS NULL AND (u.username IN (",
            $names,
            ") OR u.id IN (",
            $ids,
            ")) AND (EXISTS (SELECT 1 FROM room_members m WHERE m.room_id = $1 AND m.user_id = u.id) \
             OR EXISTS (SELECT 1 FROM rooms r JOIN organization_members o ON o.org_id = r.org_id \
             WHERE r.id = $1 AND o.user_id = u.id) \
             OR EXISTS (SELECT 1 FROM channel_members m JOIN channels c ON c.id = m.channel_id \
             JOIN organization_members o ON o.org_id = c.org_id AND o.user_id = m.user_id \
             WHERE m.channel_id = $1 AND m.user_id = u.id) \
             OR EXISTS (SELECT 1 FROM channels c JOIN organization_members o ON o.org_id = c.org_id \
             WHERE c.id = $1 AND c.visibility = 'public' AND c.deleted_at IS NULL AND o.user_id = u.id)) LIMIT 50"
        )
    };
}

pub(super) const MENTIONED_ON_SQLITE: &str =
    list_mentioned!("SELECT e.value FROM json_each($2) e", "SELECT unhex(e.value) FROM json_each($3) e");
pub(super) const MENTIONED_ON_POSTGRES: &str = list_mentioned!(
    "SELECT e.value FROM jsonb_array_elements_text($2) AS e (value)",
    "SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($3) AS e (value)"
);

/// Users `u` whose accounts can be used and who belong to meeting `$1`.
macro_rules! invited {
    () => {
        "u.status = 'active' AND u.deleted_at IS NULL AND u.id IN (SELECT m.organizer_id FROM meetings m WHERE m.id = $1 \
         UNION SELECT i.user_id FROM meeting_invites i WHERE i.meeting_id = $1 AND i.user_id IS NOT NULL \
         AND i.status <> 'declined')"
    };
}

macro_rules! select_notification {
    ($rest:literal) => {
        concat!(
            "SELECT id, kind, payload, created_at, read_at FROM notifications \
             WHERE user_id = $1 AND in_app AND deleted_at IS NULL AND ",
            $rest
        )
    };
}

statements! {
    LIST_NOTIFICATIONS = select_notification!(
        "id < $2 AND ($3 = '' OR kind = $3) AND (NOT $4 OR read_at IS NULL) ORDER BY id DESC LIMIT $5");
    FIND_NOTIFICATION = select_notification!("id = $2");
    COUNT_UNREAD = "SELECT COUNT(*) FROM (SELECT 1 FROM notifications \
        WHERE user_id = $1 AND in_app AND deleted_at IS NULL AND read_at IS NULL LIMIT $2) AS unread";
    SET_READ_AT = "UPDATE notifications SET read_at = $3 WHERE user_id = $1 AND id = $2";
    READ_ALL = "UPDATE notifications SET read_at = $3 WHERE id IN (SELECT id FROM notifications WHERE user_id = $1 \
        AND id <= $2 AND read_at IS NULL AND deleted_at IS NULL AND in_app ORDER BY id LIMIT $4)";
    DELETE_NOTIFICATION = "UPDATE notifications SET deleted_at = $3 \
        WHERE user_id = $1 AND id = $2 AND in_app AND deleted_at IS NULL";
    TAKE_FOR_DELIVERY = "UPDATE notifications SET delivered_at = $2 WHERE id = $1 AND delivered_at IS NULL \
        AND read_at IS NULL AND deleted_at IS NULL RETURNING id, user_id, kind, push, email";
    TAKE_FOR_MAIL = "UPDATE notifications SET mailed_at = $3 WHERE id IN (SELECT id FROM notifications \
        WHERE user_id = $1 AND id >= $2 AND id <= $5 AND email AND delivered_at IS NOT NULL AND mailed_at IS NULL \
        AND read_at IS NULL AND deleted_at IS NULL ORDER BY id DESC LIMIT $4) \
        RETURNING id, kind, payload, created_at, read_at";
    FIND_ADDRESS = "SELECT email, timezone FROM users WHERE id = $1 AND status = 'active' AND deleted_at IS NULL \
        AND email_verified_at IS NOT NULL";
    FIND_ORG_ROLE = "SELECT m.role FROM organizations o LEFT JOIN organization_members m \
        ON m.org_id = o.id AND m.user_id = $2 WHERE o.id = $1 AND o.deleted_at IS NULL";
    COUNT_MEMBERS = "SELECT COUNT(*) FROM organization_members m JOIN users u ON u.id = m.user_id \
        WHERE m.org_id = $1 AND u.status = 'active' AND u.deleted_at IS NULL";
    LIST_MEMBERS = "SELECT m.user_id FROM organization_members m JOIN users u ON u.id = m.user_id \
        WHERE m.org_id = $1 AND m.user_id > $2 AND u.status = 'active' AND u.deleted_at IS NULL \
        ORDER BY m.user_id LIMIT $3";
    // Whether an address that was invited has an account is not for who invites to know.
    COUNT_INVITED = "SELECT COUNT(*) + 1 FROM meeting_invites WHERE meeting_id = $1 AND status <> 'declined'";
    LIST_INVITED = concat!("SELECT u.id FROM users u WHERE ", invited!(), " AND u.id > $2 ORDER BY u.id LIMIT $3");
    COUNT_EVERYONE = "SELECT COUNT(*) FROM users WHERE status = 'active' AND deleted_at IS NULL";
    LIST_EVERYONE = "SELECT id FROM users WHERE id > $1 AND status = 'active' AND deleted_at IS NULL \
        ORDER BY id LIMIT $2";
    DELETE_READ_BEFORE = "DELETE FROM notifications WHERE id IN \
        (SELECT id FROM notifications WHERE read_at < $1 OR deleted_at < $1 LIMIT $2)";
    DELETE_CREATED_BEFORE = "DELETE FROM notifications WHERE id IN \
        (SELECT id FROM notifications WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
}

/// The same news for several people.
#[derive(Debug)]
pub(crate) struct News<'a> {
    pub kind: NotificationKind,
    pub payload: &'a Value,
    /// What makes it the same news to the same person.
    pub dedupe_key: &'a str,
}

/// A row that was not there before.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Told {
    pub id: Uuid,
    pub user_id: Uuid,
    pub in_app: bool,
    pub push: bool,
    pub email: bool,
}

/// Which of somebody's notifications a list shows.
#[derive(Debug)]
pub(crate) struct NotificationFilter {
    pub kind: Option<NotificationKind>,
    pub unread_only: bool,
    /// The last one of the page before.
    pub after: Option<Uuid>,
    pub limit: i64,
}

/// Makes the rows of those who were not told yet; who is suspended or gone is left out.
pub(crate) async fn insert(
    tx: &mut Tx,
    user_ids: &[Uuid],
    news: News<'_>,
    now: Micros,
) -> Result<Vec<Told>, StoreError> {
    let entry = |user: &Uuid| json!({ "id": Uuid::now_v7().simple().to_string(), "user": user.simple().to_string() });
    let entries = Json(user_ids.iter().map(entry).collect::<Vec<_>>());
    let Channels { in_app, push, email } = news.kind.default_channels();
    let sql = if tx.is_sqlite() { INSERT_ON_SQLITE } else { INSERT_ON_POSTGRES };
    let (payload, key) = (Json(news.payload), news.dedupe_key);
    run!(tx, fetch_all as Told, sql, &entries, news.kind, &payload, key, in_app, push, email, now)
}

/// Lists what shows in somebody's inbox, the newest first.
pub(crate) async fn list(db: &Db, user_id: Uuid, filter: NotificationFilter) -> Result<Vec<Notification>, StoreError> {
    let kind = filter.kind.map_or("", NotificationKind::as_str);
    let after = filter.after.unwrap_or(Uuid::max());
    run!(db, fetch_all as Notification, LIST_NOTIFICATIONS, user_id, after, kind, filter.unread_only, filter.limit)
}

/// Finds one entry of somebody's inbox.
pub(crate) async fn find(on: impl Into<On<'_>>, user_id: Uuid, id: Uuid) -> Result<Option<Notification>, StoreError> {
    run!(on, fetch_optional as Notification, FIND_NOTIFICATION, user_id, id)
}

/// Unread entries of somebody's inbox, counted up to `max`.
pub(crate) async fn count_unread(db: &Db, user_id: Uuid, max: i64) -> Result<i64, StoreError> {
    let (count,) = run!(db, fetch_one as (i64,), COUNT_UNREAD, user_id, max)?;
    Ok(count)
}

/// Marks one entry read at a time, or unread.
pub(crate) async fn set_read_at(
    tx: &mut Tx,
    user_id: Uuid,
    id: Uuid,
    read_at: Option<Micros>,
) -> Result<(), StoreError> {
    run!(tx, execute, SET_READ_AT, user_id, id, read_at)?;
    Ok(())
}

/// Marks at most `max` entries read, the oldest first, up to and including `up_to`; how many.
pub(crate) async fn read_all(
    tx: &mut Tx,
    user_id: Uuid,
    up_to: Uuid,
    now: Micros,
    max: i64,
) -> Result<u64, StoreError> {
    run!(tx, execute, READ_ALL, user_id, up_to, now, max)
}

/// Takes one entry out of the inbox for good; `false` when it was not there. Its row stays, so that its key goes on to
/// keep repetitions away.
pub(crate) async fn delete(tx: &mut Tx, user_id: Uuid, id: Uuid, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, DELETE_NOTIFICATION, user_id, id, now)? == 1)
}

/// Lists the members of a room or channel that a message mentions by name or id.
pub(crate) async fn list_mentioned(
    tx: &mut Tx,
    owner_id: Uuid,
    names: &[String],
    ids: &[Uuid],
) -> Result<Vec<Uuid>, StoreError> {
    let sql = if tx.is_sqlite() { MENTIONED_ON_SQLITE } else { MENTIONED_ON_POSTGRES };
    let ids: Vec<String> = ids.iter().map(|id| id.simple().to_string()).collect();
    let (names, ids) = (Json(json!(names)), Json(json!(ids)));
    let rows = run!(tx, fetch_all as (Uuid,), sql, owner_id, &names, &ids)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// A row whose pushes and mails are to be enqueued.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Undelivered {
    pub id: Uuid,
    pub user_id: Uuid,
    pub kind: NotificationKind,
    pub push: bool,
    pub email: bool,
}

/// Takes a row for delivery; `None` when that was done, or needs not be done any more.
pub(crate) async fn take_for_delivery(tx: &mut Tx, id: Uuid, now: Micros) -> Result<Option<Undelivered>, StoreError> {
    run!(tx, fetch_optional as Undelivered, TAKE_FOR_DELIVERY, id, now)
}

/// Where somebody gets mail, and what time it is there.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Address {
    pub email: String,
    pub timezone: String,
}

/// Finds where somebody gets mail; `None` for who is gone, suspended or has not proved the address.
pub(crate) async fn find_address(tx: &mut Tx, user_id: Uuid) -> Result<Option<Address>, StoreError> {
    run!(tx, fetch_optional as Address, FIND_ADDRESS, user_id)
}

/// Takes what is unread and was not mailed yet, one entry or at most `limit` of all, the newest first.
pub(crate) async fn take_for_mail(
    tx: &mut Tx,
    user_id: Uuid,
    one: Option<Uuid>,
    now: Micros,
    limit: i64,
) -> Result<Vec<Notification>, StoreError> {
    let (first, last) = (one.unwrap_or(Uuid::nil()), one.unwrap_or(Uuid::max()));
    let mut rows = run!(tx, fetch_all as Notification, TAKE_FOR_MAIL, user_id, first, now, limit, last)?;
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.id));
    Ok(rows)
}

/// The role of somebody in an organization: outer `None` when there is no such organization, inner when no member.
pub(crate) async fn find_org_role(
    tx: &mut Tx,
    org_id: Uuid,
    user_id: Uuid,
) -> Result<Option<Option<OrgRole>>, StoreError> {
    let row = run!(tx, fetch_optional as (Option<OrgRole>,), FIND_ORG_ROLE, org_id, user_id)?;
    Ok(row.map(|(role,)| role))
}

/// Members of an organization whose accounts can be used.
pub(crate) async fn count_members(tx: &mut Tx, org_id: Uuid) -> Result<i64, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), COUNT_MEMBERS, org_id)?;
    Ok(count)
}

/// The next members of an organization whose accounts can be used, by id.
pub(crate) async fn list_members(tx: &mut Tx, org_id: Uuid, after: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let rows = run!(tx, fetch_all as (Uuid,), LIST_MEMBERS, org_id, after, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// People of a meeting: its organizer, and who is invited and did not decline, with an account or not.
pub(crate) async fn count_invited(tx: &mut Tx, meeting_id: Uuid) -> Result<i64, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), COUNT_INVITED, meeting_id)?;
    Ok(count)
}

/// The next people of a meeting whose accounts can be used, by id.
pub(crate) async fn list_invited(
    tx: &mut Tx,
    meeting_id: Uuid,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, StoreError> {
    let rows = run!(tx, fetch_all as (Uuid,), LIST_INVITED, meeting_id, after, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// People with an account that can be used.
pub(crate) async fn count_everyone(tx: &mut Tx) -> Result<i64, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), COUNT_EVERYONE)?;
    Ok(count)
}

/// The next people with an account that can be used, by id.
pub(crate) async fn list_everyone(tx: &mut Tx, after: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let rows = run!(tx, fetch_all as (Uuid,), LIST_EVERYONE, after, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Deletes at most `batch` rows that were read or deleted before `before`; how many went.
pub(crate) async fn delete_read_before(db: &Db, before: Micros, batch: i64) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_READ_BEFORE, before, batch)
}

/// Deletes at most `batch` rows made before `before`, read or not; how many went.
pub(crate) async fn delete_created_before(db: &Db, before: Micros, batch: i64) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_CREATED_BEFORE, before, batch)
}
