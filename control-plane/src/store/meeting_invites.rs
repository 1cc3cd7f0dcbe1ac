//! SQL of invitations to meetings, and of the calendars people subscribe to.

use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::meeting::{Invite, InviteRole, InviteStatus};

macro_rules! select_invite {
    ($rest:literal) => {
        concat!(
            "SELECT i.id, i.meeting_id, i.user_id, i.email, i.shows_email, i.shows_account, i.role, i.status, i.sent_at, i.answered_at, i.created_at, \
             u.display_name FROM meeting_invites i LEFT JOIN users u ON u.id = i.user_id AND u.deleted_at IS NULL ",
            $rest
        )
    };
}

statements! {
    INSERT_INVITE = "INSERT INTO meeting_invites (id, meeting_id, user_id, email, role, status, token_hash, created_at, \
        shows_email, shows_account) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";
    FIND_INVITE = select_invite!("WHERE i.id = $1");
    FIND_INVITE_BY_EMAIL = select_invite!("WHERE i.meeting_id = $1 AND i.email = $2");
    FIND_INVITE_OF_USER = select_invite!("WHERE i.meeting_id = $1 AND i.user_id = $2");
    FIND_INVITE_BY_TOKEN = select_invite!("WHERE i.token_hash = $1");
    LIST_INVITES = select_invite!("WHERE i.meeting_id = $1 AND i.id > $2 ORDER BY i.id LIMIT $3");
    COUNT_INVITES = "SELECT COUNT(*) FROM meeting_invites WHERE meeting_id = $1";
    SET_INVITE_ROLE = "UPDATE meeting_invites SET role = $2 WHERE id = $1";
    ANSWER_INVITE = "UPDATE meeting_invites SET status = $2, answered_at = $3 WHERE id = $1";
    NOTE_SENT = "UPDATE meeting_invites SET sent_seq = $2, sent_at = $3 \
        WHERE id = $1 AND (sent_seq IS NULL OR sent_seq < $2)";
    DELETE_INVITE = "DELETE FROM meeting_invites WHERE id = $1";
    ADOPT_INVITES = "UPDATE meeting_invites SET user_id = $1 WHERE email = $2 AND user_id IS NULL \
        AND NOT EXISTS (SELECT 1 FROM meeting_invites o WHERE o.meeting_id = meeting_invites.meeting_id \
        AND o.user_id = $1)";
    BIND_INVITE = "UPDATE meeting_invites SET user_id = $2 WHERE id = $1 AND user_id IS NULL \
        AND NOT EXISTS (SELECT 1 FROM meeting_invites o WHERE o.meeting_id = meeting_invites.meeting_id \
        AND o.user_id = $2)";
    LIST_PEOPLE = "SELECT m.organizer_id FROM meetings m WHERE m.id = $1 UNION SELECT i.user_id FROM meeting_invites i \
        WHERE i.meeting_id = $1 AND i.user_id IS NOT NULL AND i.status <> 'declined'";
    FIND_USER_BY_ID = "SELECT id, email, display_name FROM users \
        WHERE id = $1 AND status = 'active' AND deleted_at IS NULL";
    FIND_USER_BY_EMAIL = "SELECT id, email, display_name FROM users \
        WHERE email = $1 AND email_verified_at IS NOT NULL AND status = 'active' AND deleted_at IS NULL";
    UPSERT_FEED = "INSERT INTO calendar_feeds (user_id, token_hash, created_at) VALUES ($1, $2, $3) \
        ON CONFLICT (user_id) DO UPDATE SET token_hash = excluded.token_hash, created_at = excluded.created_at";
    FIND_FEED = "SELECT created_at FROM calendar_feeds WHERE user_id = $1";
    FIND_FEED_OWNER = "SELECT f.user_id FROM calendar_feeds f JOIN users u ON u.id = f.user_id \
        WHERE f.token_hash = $1 AND u.status = 'active' AND u.deleted_at IS NULL";
    DELETE_FEED = "DELETE FROM calendar_feeds WHERE user_id = $1";
}

/// An invitation about to be made.
#[derive(Debug)]
pub(crate) struct NewInvite<'a> {
    pub id: Uuid,
    pub meeting_id: Uuid,
    pub user_id: Option<Uuid>,
    /// Lower-cased.
    pub email: &'a str,
    /// Whoever organizes may see the address.
    pub shows_email: bool,
    /// Others may see whose address it is before they answer.
    pub shows_account: bool,
    pub role: InviteRole,
    pub status: InviteStatus,
    pub token_hash: &'a [u8],
}

/// Inserts an invitation; `false` when that address or person has one.
pub(crate) async fn insert(tx: &mut Tx, new: NewInvite<'_>, now: Micros) -> Result<bool, StoreError> {
    let rows = run!(
        tx,
        execute,
        INSERT_INVITE,
        new.id,
        new.meeting_id,
        new.user_id,
        new.email,
        new.role,
        new.status,
        new.token_hash,
        now,
        new.shows_email,
        new.shows_account
    )?;
    Ok(rows == 1)
}

pub(crate) async fn find(on: impl Into<On<'_>>, id: Uuid) -> Result<Option<Invite>, StoreError> {
    run!(on, fetch_optional as Invite, FIND_INVITE, id)
}

pub(crate) async fn find_by_email(tx: &mut Tx, meeting_id: Uuid, email: &str) -> Result<Option<Invite>, StoreError> {
    run!(tx, fetch_optional as Invite, FIND_INVITE_BY_EMAIL, meeting_id, email)
}

pub(crate) async fn find_of_user(tx: &mut Tx, meeting_id: Uuid, user_id: Uuid) -> Result<Option<Invite>, StoreError> {
    run!(tx, fetch_optional as Invite, FIND_INVITE_OF_USER, meeting_id, user_id)
}

pub(crate) async fn find_by_token(on: impl Into<On<'_>>, hash: &[u8]) -> Result<Option<Invite>, StoreError> {
    run!(on, fetch_optional as Invite, FIND_INVITE_BY_TOKEN, hash)
}

/// Lists invitations of a meeting, the oldest first, after `after`.
pub(crate) async fn list(
    on: impl Into<On<'_>>,
    meeting_id: Uuid,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Invite>, StoreError> {
    run!(on, fetch_all as Invite, LIST_INVITES, meeting_id, after, limit)
}

pub(crate) async fn count(tx: &mut Tx, meeting_id: Uuid) -> Result<i64, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), COUNT_INVITES, meeting_id)?;
    Ok(count)
}

pub(crate) async fn set_role(tx: &mut Tx, id: Uuid, role: InviteRole) -> Result<(), StoreError> {
    run!(tx, execute, SET_INVITE_ROLE, id, role)?;
    Ok(())
}

pub(crate) async fn answer(tx: &mut Tx, id: Uuid, status: InviteStatus, now: Micros) -> Result<(), StoreError> {
    run!(tx, execute, ANSWER_INVITE, id, status, now)?;
    Ok(())
}

/// Notes that the invitation was sent as of sequence `seq`; `false` when that, or a later one, was sent before.
pub(crate) async fn note_sent(tx: &mut Tx, id: Uuid, seq: i64, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, NOTE_SENT, id, seq, now)? == 1)
}

pub(crate) async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, DELETE_INVITE, id)? == 1)
}

/// Gives the invitations of an address to the account that has it verified.
pub(crate) async fn adopt(tx: &mut Tx, user_id: Uuid, email: &str) -> Result<u64, StoreError> {
    run!(tx, execute, ADOPT_INVITES, user_id, email)
}

/// Gives one invitation to the account that came with its token; `false` when it is somebody's, or they have one.
pub(crate) async fn bind(tx: &mut Tx, id: Uuid, user_id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, BIND_INVITE, id, user_id)? == 1)
}

/// The organizer and every invited account that did not decline.
pub(crate) async fn list_people(on: impl Into<On<'_>>, meeting_id: Uuid) -> Result<Vec<Uuid>, StoreError> {
    let rows = run!(on, fetch_all as (Uuid,), LIST_PEOPLE, meeting_id)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Somebody who can be invited or rung.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Invitee {
    pub id: Uuid,
    pub email: String,
    pub display_name: String,
}

pub(crate) async fn find_user(on: impl Into<On<'_>>, id: Uuid) -> Result<Option<Invitee>, StoreError> {
    run!(on, fetch_optional as Invitee, FIND_USER_BY_ID, id)
}

/// Finds who has `email` verified.
pub(crate) async fn find_user_by_email(on: impl Into<On<'_>>, email: &str) -> Result<Option<Invitee>, StoreError> {
    run!(on, fetch_optional as Invitee, FIND_USER_BY_EMAIL, email)
}

/// Makes or replaces somebody's calendar feed.
pub(crate) async fn set_feed(tx: &mut Tx, user_id: Uuid, token_hash: &[u8], now: Micros) -> Result<(), StoreError> {
    run!(tx, execute, UPSERT_FEED, user_id, token_hash, now)?;
    Ok(())
}

/// Since when somebody has a calendar feed.
pub(crate) async fn find_feed(db: &Db, user_id: Uuid) -> Result<Option<Micros>, StoreError> {
    let row = run!(db, fetch_optional as (Micros,), FIND_FEED, user_id)?;
    Ok(row.map(|(at,)| at))
}

/// Whose feed a token opens.
pub(crate) async fn find_feed_owner(db: &Db, token_hash: &[u8]) -> Result<Option<Uuid>, StoreError> {
    let row = run!(db, fetch_optional as (Uuid,), FIND_FEED_OWNER, token_hash)?;
    Ok(row.map(|(id,)| id))
}

pub(crate) async fn delete_feed(tx: &mut Tx, user_id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, DELETE_FEED, user_id)? == 1)
}
