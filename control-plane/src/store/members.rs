//! SQL of room members and of invitations to rooms by address.

use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::member::{Invitation, Member};
use crate::model::room::RoomRole;
use crate::model::user::UserStatus;

statements! {
    LOCK_ROOM = "UPDATE rooms SET updated_at = updated_at WHERE id = $1 AND deleted_at IS NULL";
    LIST_MEMBERS = "SELECT m.user_id, u.display_name, m.role, m.created_at AS joined_at FROM room_members m \
        JOIN users u ON u.id = m.user_id WHERE m.room_id = $1 AND m.user_id > $2 ORDER BY m.user_id LIMIT $3";
    FIND_MEMBER = "SELECT m.user_id, u.display_name, m.role, m.created_at AS joined_at FROM room_members m \
        JOIN users u ON u.id = m.user_id WHERE m.room_id = $1 AND m.user_id = $2";
    INSERT_ROOM_MEMBER = "INSERT INTO room_members (room_id, user_id, role, created_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (room_id, user_id) DO NOTHING";
    UPDATE_ROOM_MEMBER = "UPDATE room_members SET role = $3 WHERE room_id = $1 AND user_id = $2";
    DELETE_ROOM_MEMBER = "DELETE FROM room_members WHERE room_id = $1 AND user_id = $2";
    COUNT_ROOM_MEMBERS = "SELECT COUNT(*) FROM room_members WHERE room_id = $1";
    IS_ROOM_OWNED = "SELECT COUNT(*) FROM rooms r WHERE r.id = $1 AND (\
        EXISTS (SELECT 1 FROM room_members m JOIN users u ON u.id = m.user_id \
        WHERE m.room_id = r.id AND m.role = 'owner' AND u.deleted_at IS NULL) \
        OR EXISTS (SELECT 1 FROM organizations o WHERE o.id = r.org_id AND o.deleted_at IS NULL))";
    COUNT_OTHER_ROOM_OWNERS = "SELECT COUNT(*) FROM room_members m JOIN users u ON u.id = m.user_id \
        WHERE m.room_id = $1 AND m.user_id <> $2 AND m.role = 'owner' AND u.status = 'active' AND u.deleted_at IS NULL";
    FIND_PERSON_BY_ID = "SELECT id, display_name, status FROM users WHERE id = $1 AND deleted_at IS NULL";
    FIND_PERSON_BY_EMAIL = "SELECT id, display_name, status FROM users WHERE email = $1 AND deleted_at IS NULL \
        AND email_verified_at IS NOT NULL";
    COUNT_SHARED = "SELECT COUNT(*) FROM users u WHERE u.id = $2 AND (\
        EXISTS (SELECT 1 FROM room_members a JOIN room_members b ON b.room_id = a.room_id \
        JOIN rooms r ON r.id = a.room_id AND r.deleted_at IS NULL WHERE a.user_id = $1 AND b.user_id = $2) \
        OR EXISTS (SELECT 1 FROM organization_members a JOIN organization_members b ON b.org_id = a.org_id \
        WHERE a.user_id = $1 AND b.user_id = $2) \
        OR EXISTS (SELECT 1 FROM call_participants p JOIN calls c ON c.id = p.call_id \
        WHERE p.user_id = $2 AND c.room_id = $3) \
        OR EXISTS (SELECT 1 FROM lobby_entries l WHERE l.room_id = $3 AND l.subject_id = $2) \
        OR EXISTS (SELECT 1 FROM rooms r JOIN messages s ON s.conversation_id = r.conversation_id \
        AND s.sender_kind = 'user' AND s.sender_id = $2 WHERE r.id = $3) \
        OR EXISTS (SELECT 1 FROM rooms r JOIN files f ON f.conversation_id = r.conversation_id \
        AND f.uploader_kind = 'user' AND f.uploader_id = $2 WHERE r.id = $3))";
    UPSERT_INVITATION = "INSERT INTO room_invitations (id, room_id, email, role, invited_by, created_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (room_id, email) DO UPDATE SET role = excluded.role, \
        invited_by = excluded.invited_by, expires_at = excluded.expires_at";
    COUNT_INVITATIONS = "SELECT COUNT(*) FROM room_invitations WHERE room_id = $1";
    LIST_INVITATIONS = "SELECT id, email, role, invited_by, created_at, expires_at FROM room_invitations \
        WHERE room_id = $1 AND id < $2 AND expires_at > $3 ORDER BY id DESC LIMIT $4";
    DELETE_INVITATION = "DELETE FROM room_invitations WHERE room_id = $1 AND id = $2";
    DELETE_INVITATIONS_OF = "DELETE FROM room_invitations WHERE room_id = $1 \
        AND email = (SELECT email FROM users WHERE id = $2)";
    CLAIM_INVITATION = "DELETE FROM room_invitations WHERE room_id = $1 AND email = $2 AND expires_at > $3 \
        RETURNING role, invited_by";
    FIND_INVITATION_OF = "SELECT id FROM room_invitations WHERE room_id = $1 AND email = $2 AND expires_at > $3";
    DELETE_EXPIRED_INVITATIONS = "DELETE FROM room_invitations WHERE id IN \
        (SELECT id FROM room_invitations WHERE expires_at < $1 LIMIT $2)";
}

/// Somebody with an account, as far as adding them to a room needs it.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Person {
    pub id: Uuid,
    pub display_name: String,
    pub status: UserStatus,
}

/// Makes other writers of the room's members wait until this transaction ends; `false` when there is no such room.
pub(crate) async fn lock_room(tx: &mut Tx, room_id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, LOCK_ROOM, room_id)? == 1)
}

/// Lists members in the order of their accounts, after `after`.
pub(crate) async fn list(db: &Db, room_id: Uuid, after: Uuid, limit: i64) -> Result<Vec<Member>, StoreError> {
    run!(db, fetch_all as Member, LIST_MEMBERS, room_id, after, limit)
}

pub(crate) async fn find(on: impl Into<On<'_>>, room_id: Uuid, user_id: Uuid) -> Result<Option<Member>, StoreError> {
    run!(on, fetch_optional as Member, FIND_MEMBER, room_id, user_id)
}

/// Inserts a member; `false` when they are one already.
pub(crate) async fn insert(
    tx: &mut Tx,
    room_id: Uuid,
    user_id: Uuid,
    role: RoomRole,
    now: Micros,
) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, INSERT_ROOM_MEMBER, room_id, user_id, role, now)? == 1)
}

pub(crate) async fn update(tx: &mut Tx, room_id: Uuid, user_id: Uuid, role: RoomRole) -> Result<(), StoreError> {
    run!(tx, execute, UPDATE_ROOM_MEMBER, room_id, user_id, role)?;
    Ok(())
}

/// Deletes a membership; `false` when there was none.
pub(crate) async fn delete(tx: &mut Tx, room_id: Uuid, user_id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, DELETE_ROOM_MEMBER, room_id, user_id)? == 1)
}

pub(crate) async fn count(tx: &mut Tx, room_id: Uuid) -> Result<i64, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), COUNT_ROOM_MEMBERS, room_id)?;
    Ok(count)
}

/// Whether a room has an owner whose account is not deleted; the owners of its organization are owners, too.
pub(crate) async fn is_owned(tx: &mut Tx, room_id: Uuid) -> Result<bool, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), IS_ROOM_OWNED, room_id)?;
    Ok(count > 0)
}

/// Owners who can act, without this one.
pub(crate) async fn count_other_owners(tx: &mut Tx, room_id: Uuid, user_id: Uuid) -> Result<i64, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), COUNT_OTHER_ROOM_OWNERS, room_id, user_id)?;
    Ok(count)
}

pub(crate) async fn find_person(tx: &mut Tx, id: Uuid) -> Result<Option<Person>, StoreError> {
    run!(tx, fetch_optional as Person, FIND_PERSON_BY_ID, id)
}

/// The person who proved to own `email`.
pub(crate) async fn find_person_by_email(tx: &mut Tx, email: &str) -> Result<Option<Person>, StoreError> {
    run!(tx, fetch_optional as Person, FIND_PERSON_BY_EMAIL, email)
}

/// Whether `user_id` is no stranger to `caller_id`: they share a room, or met at the door, in a call or in
/// the conversation of this one.
pub(crate) async fn is_known(tx: &mut Tx, caller_id: Uuid, user_id: Uuid, room_id: Uuid) -> Result<bool, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), COUNT_SHARED, caller_id, user_id, room_id)?;
    Ok(count > 0)
}

/// Invites an address, or renews the invitation.
pub(crate) async fn invite(
    tx: &mut Tx,
    room_id: Uuid,
    email: &str,
    role: RoomRole,
    invited_by: Uuid,
    now: Micros,
    expires_at: Micros,
) -> Result<(), StoreError> {
    run!(tx, execute, UPSERT_INVITATION, Uuid::now_v7(), room_id, email, role, invited_by, now, expires_at)?;
    Ok(())
}

pub(crate) async fn count_invitations(tx: &mut Tx, room_id: Uuid) -> Result<i64, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), COUNT_INVITATIONS, room_id)?;
    Ok(count)
}

/// Lists invitations that are still good, the newest first, older than `before`.
pub(crate) async fn list_invitations(
    db: &Db,
    room_id: Uuid,
    before: Uuid,
    now: Micros,
    limit: i64,
) -> Result<Vec<Invitation>, StoreError> {
    run!(db, fetch_all as Invitation, LIST_INVITATIONS, room_id, before, now, limit)
}

pub(crate) async fn delete_invitation(tx: &mut Tx, room_id: Uuid, id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, DELETE_INVITATION, room_id, id)? == 1)
}

/// Deletes what waits for the address of somebody whose place in the room was settled otherwise.
pub(crate) async fn delete_invitations_of(tx: &mut Tx, room_id: Uuid, user_id: Uuid) -> Result<(), StoreError> {
    run!(tx, execute, DELETE_INVITATIONS_OF, room_id, user_id)?;
    Ok(())
}

/// Whether an invitation of this address waits.
pub(crate) async fn is_invited(db: &Db, room_id: Uuid, email: &str, now: Micros) -> Result<bool, StoreError> {
    let row = run!(db, fetch_optional as (Uuid,), FIND_INVITATION_OF, room_id, email, now)?;
    Ok(row.is_some())
}

/// Takes the invitation of an address: its role, and who invited.
pub(crate) async fn claim_invitation(
    tx: &mut Tx,
    room_id: Uuid,
    email: &str,
    now: Micros,
) -> Result<Option<(RoomRole, Uuid)>, StoreError> {
    run!(tx, fetch_optional as (RoomRole, Uuid), CLAIM_INVITATION, room_id, email, now)
}

/// Deletes at most `batch` invitations that expired before `now`.
pub(crate) async fn delete_expired_invitations(db: &Db, now: Micros, batch: i64) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_EXPIRED_INVITATIONS, now, batch)
}
