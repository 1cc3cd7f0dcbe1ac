//! SQL of bans: who is kept out of a room, by account, by guest or by address.

use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::member::Ban;

macro_rules! ban_columns {
    () => {
        "id, subject_id, is_guest, address_hash IS NOT NULL AS by_address, name, reason, banned_by, created_at, expires_at"
    };
}

statements! {
    UPSERT_BAN = concat!("INSERT INTO room_bans (id, room_id, subject_id, is_guest, address_hash, name, reason, \
        banned_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
        ON CONFLICT (room_id, subject_id) WHERE subject_id IS NOT NULL DO UPDATE SET reason = excluded.reason, \
        name = COALESCE(NULLIF(excluded.name, ''), room_bans.name), banned_by = excluded.banned_by, expires_at = excluded.expires_at, \
        address_hash = COALESCE(excluded.address_hash, room_bans.address_hash) RETURNING ", ban_columns!());
    COUNT_BANS = "SELECT COUNT(*) FROM room_bans WHERE room_id = $1";
    LIST_BANS = concat!("SELECT ", ban_columns!(), " FROM room_bans WHERE room_id = $1 AND id < $2 \
        AND (expires_at IS NULL OR expires_at > $3) ORDER BY id DESC LIMIT $4");
    DELETE_BAN = "DELETE FROM room_bans WHERE room_id = $1 AND id = $2";
    FIND_BAN = "SELECT id FROM room_bans WHERE room_id = $1 AND (subject_id = $2 OR address_hash = $3) \
        AND (expires_at IS NULL OR expires_at > $4) LIMIT 1";
    FIND_GUEST_OF_ROOM = "SELECT name, address_hash FROM guest_sessions WHERE id = $1 AND room_id = $2";
    END_GUEST = "UPDATE guest_sessions SET expires_at = $2 WHERE id = $1 AND expires_at > $2";
    DELETE_EXPIRED_BANS = "DELETE FROM room_bans WHERE id IN \
        (SELECT id FROM room_bans WHERE expires_at < $1 LIMIT $2)";
}

/// A ban about to be written.
#[derive(Debug)]
pub(crate) struct NewBan<'a> {
    pub id: Uuid,
    pub room_id: Uuid,
    pub subject_id: Uuid,
    pub is_guest: bool,
    pub address_hash: Option<&'a [u8]>,
    pub name: &'a str,
    pub reason: &'a str,
    pub banned_by: Uuid,
    pub expires_at: Option<Micros>,
}

/// Writes a ban, or renews the one of the same subject, whose id stays.
pub(crate) async fn upsert(tx: &mut Tx, new: NewBan<'_>, now: Micros) -> Result<Ban, StoreError> {
    run!(
        tx,
        fetch_one as Ban,
        UPSERT_BAN,
        new.id,
        new.room_id,
        new.subject_id,
        new.is_guest,
        new.address_hash,
        new.name,
        new.reason,
        new.banned_by,
        now,
        new.expires_at
    )
}

pub(crate) async fn count(tx: &mut Tx, room_id: Uuid) -> Result<i64, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), COUNT_BANS, room_id)?;
    Ok(count)
}

/// Lists bans in force, the newest first, older than `before`.
pub(crate) async fn list(
    db: &Db,
    room_id: Uuid,
    before: Uuid,
    now: Micros,
    limit: i64,
) -> Result<Vec<Ban>, StoreError> {
    run!(db, fetch_all as Ban, LIST_BANS, room_id, before, now, limit)
}

pub(crate) async fn delete(tx: &mut Tx, room_id: Uuid, id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, DELETE_BAN, room_id, id)? == 1)
}

/// Whether a ban keeps this subject, or this address, out.
pub(crate) async fn is_banned(
    on: impl Into<On<'_>>,
    room_id: Uuid,
    subject_id: Option<Uuid>,
    address_hash: Option<&[u8]>,
    now: Micros,
) -> Result<bool, StoreError> {
    let row = run!(on, fetch_optional as (Uuid,), FIND_BAN, room_id, subject_id, address_hash, now)?;
    Ok(row.is_some())
}

/// A guest of the room: the name, and the hash of the address they came from.
pub(crate) async fn find_guest(
    tx: &mut Tx,
    guest_id: Uuid,
    room_id: Uuid,
) -> Result<Option<(String, Option<Vec<u8>>)>, StoreError> {
    run!(tx, fetch_optional as (String, Option<Vec<u8>>), FIND_GUEST_OF_ROOM, guest_id, room_id)
}

/// Ends a guest's pass at once.
pub(crate) async fn end_guest(tx: &mut Tx, guest_id: Uuid, now: Micros) -> Result<(), StoreError> {
    run!(tx, execute, END_GUEST, guest_id, now)?;
    Ok(())
}

/// Deletes at most `batch` bans that ended before `now`.
pub(crate) async fn delete_expired(db: &Db, now: Micros, batch: i64) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_EXPIRED_BANS, now, batch)
}
