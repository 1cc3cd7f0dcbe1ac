//! SQL of host control: the lock of a call, what hosts gave and took, who was removed.

use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::call::{CallGrant, CallParticipant, CallRole};
use crate::model::clock::Micros;

statements! {
    LOCK_CALL = "UPDATE calls SET locked_at = $2 WHERE id = $1 AND ended_at IS NULL AND locked_at IS NULL";
    UNLOCK_CALL = "UPDATE calls SET locked_at = NULL WHERE id = $1 AND ended_at IS NULL AND locked_at IS NOT NULL";
    FIND_GRANT = "SELECT is_cohost, block_microphone, block_camera, block_screen_share FROM call_grants \
        WHERE call_id = $1 AND subject_id = $2";
    UPSERT_GRANT = "INSERT INTO call_grants (call_id, subject_id, is_cohost, block_microphone, block_camera, \
        block_screen_share, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (call_id, subject_id) \
        DO UPDATE SET is_cohost = excluded.is_cohost, block_microphone = excluded.block_microphone, \
        block_camera = excluded.block_camera, block_screen_share = excluded.block_screen_share, \
        updated_at = excluded.updated_at";
    SET_ROLE_OF = "UPDATE call_participants SET role = $3 WHERE call_id = $1 AND left_at IS NULL \
        AND (user_id = $2 OR guest_id = $2)";
    NOTE_REMOVED = "UPDATE call_participants SET removed_at = $3 WHERE removed_at IS NULL \
        AND (user_id = $2 OR guest_id = $2) AND call_id IN (SELECT c.id FROM calls c JOIN rooms r ON r.id = c.room_id \
        WHERE r.id = $1 OR r.parent_room_id = $1)";
    TAKE_COHOST = "UPDATE call_grants SET is_cohost = FALSE, updated_at = $3 WHERE subject_id = $2 AND is_cohost \
        AND call_id IN (SELECT id FROM calls WHERE room_id = $1 AND ended_at IS NULL)";
    COUNT_RECENT = "SELECT COUNT(*) FROM call_participants WHERE (user_id = $2 OR guest_id = $2) \
        AND (left_at IS NULL OR left_at > $3) AND removed_at IS NULL AND call_id IN (SELECT $1 UNION ALL \
        SELECT c.id FROM breakouts b JOIN calls c ON c.room_id = b.room_id WHERE b.call_id = $1)";
    COUNT_STAYS = "SELECT COUNT(*) FROM call_participants WHERE call_id = $1 AND (user_id = $2 OR guest_id = $2)";
    FIND_PRESENT_BY_ID = "SELECT id, user_id, guest_id, name, identity, media_participant_sid, role, joined_at, \
        left_at FROM call_participants WHERE call_id = $1 AND id = $2 AND left_at IS NULL";
    FIND_PRESENT_BY_IDENTITY = "SELECT id, user_id, guest_id, name, identity, media_participant_sid, role, joined_at, \
        left_at FROM call_participants WHERE call_id = $1 AND identity = $2 AND left_at IS NULL \
        ORDER BY id DESC LIMIT 1";
    LIST_PRESENT_OF = "SELECT id, user_id, guest_id, name, identity, media_participant_sid, role, joined_at, \
        left_at FROM call_participants WHERE call_id = $1 AND left_at IS NULL AND (user_id = $2 OR guest_id = $2) \
        ORDER BY id LIMIT $3";
    LIST_PRESENT_IN_ROOM = "SELECT r.id, p.identity FROM rooms r JOIN calls c ON c.room_id = r.id AND c.ended_at IS NULL \
        JOIN call_participants p ON p.call_id = c.id AND p.left_at IS NULL \
        WHERE (r.id = $1 OR r.parent_room_id = $1) AND (p.user_id = $2 OR p.guest_id = $2) LIMIT $3";
    LIST_STAYS = "SELECT id, user_id, guest_id, name, identity, media_participant_sid, role, joined_at, left_at \
        FROM call_participants WHERE call_id = $1 AND id > $2 AND ($3 = 0 OR left_at IS NULL) ORDER BY id LIMIT $4";
}

/// Locks an open call; `false` when it was locked already.
pub(crate) async fn lock(tx: &mut Tx, call_id: Uuid, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, LOCK_CALL, call_id, now)? == 1)
}

/// Unlocks an open call; `false` when it was not locked.
pub(crate) async fn unlock(tx: &mut Tx, call_id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, UNLOCK_CALL, call_id)? == 1)
}

/// What hosts gave to or took from somebody in a call.
pub(crate) async fn find_grant(
    on: impl Into<On<'_>>,
    call_id: Uuid,
    subject_id: Uuid,
) -> Result<CallGrant, StoreError> {
    Ok(run!(on, fetch_optional as CallGrant, FIND_GRANT, call_id, subject_id)?.unwrap_or_default())
}

pub(crate) async fn upsert_grant(
    tx: &mut Tx,
    call_id: Uuid,
    subject_id: Uuid,
    grant: CallGrant,
    now: Micros,
) -> Result<(), StoreError> {
    run!(
        tx,
        execute,
        UPSERT_GRANT,
        call_id,
        subject_id,
        grant.is_cohost,
        grant.block_microphone,
        grant.block_camera,
        grant.block_screen_share,
        now
    )?;
    Ok(())
}

/// Writes the role down for every stay of somebody who is in the call.
pub(crate) async fn set_role(tx: &mut Tx, call_id: Uuid, subject_id: Uuid, role: CallRole) -> Result<(), StoreError> {
    run!(tx, execute, SET_ROLE_OF, call_id, subject_id, role)?;
    Ok(())
}

/// Notes that somebody was removed from the calls of a room and of its breakouts, whatever stays they had.
pub(crate) async fn note_removed(tx: &mut Tx, room_id: Uuid, subject_id: Uuid, now: Micros) -> Result<(), StoreError> {
    run!(tx, execute, NOTE_REMOVED, room_id, subject_id, now)?;
    Ok(())
}

/// Makes somebody cohost no longer, in whatever call is open in a room.
pub(crate) async fn take_cohost(tx: &mut Tx, room_id: Uuid, subject_id: Uuid, now: Micros) -> Result<(), StoreError> {
    run!(tx, execute, TAKE_COHOST, room_id, subject_id, now)?;
    Ok(())
}

/// Whether somebody is in the call or one of its breakouts, or left it after `since` of their own accord.
pub(crate) async fn was_there(db: &Db, call_id: Uuid, subject_id: Uuid, since: Micros) -> Result<bool, StoreError> {
    let (count,) = run!(db, fetch_one as (i64,), COUNT_RECENT, call_id, subject_id, since)?;
    Ok(count > 0)
}

/// Whether somebody ever was in the call.
pub(crate) async fn took_part(db: &Db, call_id: Uuid, subject_id: Uuid) -> Result<bool, StoreError> {
    let (count,) = run!(db, fetch_one as (i64,), COUNT_STAYS, call_id, subject_id)?;
    Ok(count > 0)
}

/// The stay of somebody who is in the call, by its id.
pub(crate) async fn find_present(
    on: impl Into<On<'_>>,
    call_id: Uuid,
    id: Uuid,
) -> Result<Option<CallParticipant>, StoreError> {
    run!(on, fetch_optional as CallParticipant, FIND_PRESENT_BY_ID, call_id, id)
}

/// The stay of somebody who is in the call, by the LiveKit identity.
pub(crate) async fn find_present_by_identity(
    on: impl Into<On<'_>>,
    call_id: Uuid,
    identity: &str,
) -> Result<Option<CallParticipant>, StoreError> {
    run!(on, fetch_optional as CallParticipant, FIND_PRESENT_BY_IDENTITY, call_id, identity)
}

/// Every stay of somebody who is in the call: tabs and devices.
pub(crate) async fn list_present_of(
    on: impl Into<On<'_>>,
    call_id: Uuid,
    subject_id: Uuid,
    limit: i64,
) -> Result<Vec<CallParticipant>, StoreError> {
    run!(on, fetch_all as CallParticipant, LIST_PRESENT_OF, call_id, subject_id, limit)
}

/// The rooms, a room and its breakouts, that somebody is in the call of, and as whom.
pub(crate) async fn list_present_in_room(
    tx: &mut Tx,
    room_id: Uuid,
    subject_id: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, String)>, StoreError> {
    run!(tx, fetch_all as (Uuid, String), LIST_PRESENT_IN_ROOM, room_id, subject_id, limit)
}

/// Lists stays in the order people came, after `after`; all, or of those who are still in.
pub(crate) async fn list_stays(
    db: &Db,
    call_id: Uuid,
    after: Uuid,
    present: bool,
    limit: i64,
) -> Result<Vec<CallParticipant>, StoreError> {
    run!(db, fetch_all as CallParticipant, LIST_STAYS, call_id, after, i64::from(present), limit)
}
