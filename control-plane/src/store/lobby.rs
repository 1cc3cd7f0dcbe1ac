//! SQL of the lobby: who waits to be let into a room, who was, who was not.

use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::lobby::{LobbyEntry, LobbyStatus};

macro_rules! entry_columns {
    () => {
        "id, subject_id, is_guest, name, status, call_id, created_at"
    };
}

statements! {
    INSERT_ENTRY = concat!("INSERT INTO lobby_entries (id, room_id, subject_id, is_guest, name, status, created_at, \
        seen_at, expires_at) VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $6, $7) \
        ON CONFLICT (room_id, subject_id) DO UPDATE SET id = excluded.id, name = excluded.name, status = 'waiting', \
        call_id = NULL, created_at = excluded.created_at, seen_at = excluded.seen_at, \
        expires_at = excluded.expires_at RETURNING ", entry_columns!());
    FIND_ENTRY = concat!("SELECT ", entry_columns!(), " FROM lobby_entries WHERE room_id = $1 AND id = $2 \
        AND expires_at > $3");
    FIND_ENTRY_OF = concat!("SELECT ", entry_columns!(), " FROM lobby_entries WHERE room_id = $1 AND subject_id = $2 \
        AND expires_at > $3");
    TOUCH_ENTRY = "UPDATE lobby_entries SET seen_at = $2, expires_at = $3 WHERE id = $1 AND status = 'waiting'";
    LIST_WAITING = concat!("SELECT ", entry_columns!(), " FROM lobby_entries WHERE room_id = $1 \
        AND status = 'waiting' AND expires_at > $2 AND id > $3 ORDER BY id LIMIT $4");
    COUNT_WAITING = "SELECT COUNT(*) FROM lobby_entries WHERE room_id = $1 AND status = 'waiting' AND expires_at > $2";
    DECIDE_ENTRY = concat!("UPDATE lobby_entries SET status = $3, call_id = $4, expires_at = $5 \
        WHERE room_id = $1 AND id = $2 AND expires_at > $6 AND status <> $3 RETURNING ", entry_columns!());
    ADMIT_ALL = "UPDATE lobby_entries SET status = 'accepted', call_id = $2, expires_at = $3 \
        WHERE room_id = $1 AND status = 'waiting' AND expires_at > $4";
    BIND_ENTRY = "UPDATE lobby_entries SET call_id = $3, expires_at = $4 \
        WHERE room_id = $1 AND subject_id = $2 AND status = 'accepted'";
    // Who runs the lobby, unless somebody who does is in the call and hears of it there.
    LIST_ABSENT_HOSTS = "SELECT m.user_id FROM room_members m WHERE m.room_id = $1 AND m.role IN ('owner', 'admin') \
        AND NOT EXISTS (SELECT 1 FROM call_participants p JOIN calls c ON c.id = p.call_id WHERE c.room_id = $1 \
        AND c.ended_at IS NULL AND p.left_at IS NULL AND p.role IN ('host', 'cohost')) ORDER BY m.user_id LIMIT $2";
    LIST_ENTRIES_OF_USER = "SELECT room_id, id FROM lobby_entries WHERE subject_id = $1 AND NOT is_guest LIMIT $2";
    DELETE_ENTRY = "DELETE FROM lobby_entries WHERE room_id = $1 AND id = $2 AND subject_id = $3";
    DELETE_ENTRY_OF = "DELETE FROM lobby_entries WHERE room_id = $1 AND subject_id = $2";
    DELETE_ADMISSIONS_OF_CALL = "DELETE FROM lobby_entries WHERE room_id = $1 AND call_id = $2";
    DELETE_EXPIRED_ENTRIES = "DELETE FROM lobby_entries WHERE id IN \
        (SELECT id FROM lobby_entries WHERE expires_at < $1 LIMIT $2)";
}

/// Somebody who comes to the door.
#[derive(Debug)]
pub(crate) struct NewEntry<'a> {
    pub room_id: Uuid,
    pub subject_id: Uuid,
    pub is_guest: bool,
    pub name: &'a str,
    pub expires_at: Micros,
}

/// Has somebody wait, from the beginning if they were here before.
pub(crate) async fn insert(tx: &mut Tx, new: NewEntry<'_>, now: Micros) -> Result<LobbyEntry, StoreError> {
    run!(
        tx,
        fetch_one as LobbyEntry,
        INSERT_ENTRY,
        Uuid::now_v7(),
        new.room_id,
        new.subject_id,
        new.is_guest,
        new.name,
        now,
        new.expires_at
    )
}

/// Finds an entry whose time is not over.
pub(crate) async fn find(
    on: impl Into<On<'_>>,
    room_id: Uuid,
    id: Uuid,
    now: Micros,
) -> Result<Option<LobbyEntry>, StoreError> {
    run!(on, fetch_optional as LobbyEntry, FIND_ENTRY, room_id, id, now)
}

/// Finds the entry of a user or guest, if its time is not over.
pub(crate) async fn find_of(
    on: impl Into<On<'_>>,
    room_id: Uuid,
    subject_id: Uuid,
    now: Micros,
) -> Result<Option<LobbyEntry>, StoreError> {
    run!(on, fetch_optional as LobbyEntry, FIND_ENTRY_OF, room_id, subject_id, now)
}

/// Owners and admins of a room, while nobody who leads is in its call.
pub(crate) async fn list_absent_hosts(tx: &mut Tx, room_id: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let rows = run!(tx, fetch_all as (Uuid,), LIST_ABSENT_HOSTS, room_id, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Notes that somebody still waits.
pub(crate) async fn touch(db: &Db, id: Uuid, now: Micros, expires_at: Micros) -> Result<(), StoreError> {
    run!(db, execute, TOUCH_ENTRY, id, now, expires_at)?;
    Ok(())
}

/// Lists who waits, the longest first, after `after`.
pub(crate) async fn list_waiting(
    db: &Db,
    room_id: Uuid,
    now: Micros,
    after: Uuid,
    limit: i64,
) -> Result<Vec<LobbyEntry>, StoreError> {
    run!(db, fetch_all as LobbyEntry, LIST_WAITING, room_id, now, after, limit)
}

pub(crate) async fn count_waiting(tx: &mut Tx, room_id: Uuid, now: Micros) -> Result<i64, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), COUNT_WAITING, room_id, now)?;
    Ok(count)
}

/// Lets somebody in or not; `None` when there is no such entry or it stands so already.
pub(crate) async fn decide(
    tx: &mut Tx,
    room_id: Uuid,
    id: Uuid,
    status: LobbyStatus,
    call_id: Option<Uuid>,
    expires_at: Micros,
    now: Micros,
) -> Result<Option<LobbyEntry>, StoreError> {
    run!(tx, fetch_optional as LobbyEntry, DECIDE_ENTRY, room_id, id, status, call_id, expires_at, now)
}

/// Lets everybody in who waits; how many.
pub(crate) async fn admit_all(
    tx: &mut Tx,
    room_id: Uuid,
    call_id: Option<Uuid>,
    expires_at: Micros,
    now: Micros,
) -> Result<u64, StoreError> {
    run!(tx, execute, ADMIT_ALL, room_id, call_id, expires_at, now)
}

/// Binds an admission to the call it is used for.
pub(crate) async fn bind(
    on: impl Into<On<'_>>,
    room_id: Uuid,
    subject_id: Uuid,
    call_id: Uuid,
    expires_at: Micros,
) -> Result<(), StoreError> {
    run!(on, execute, BIND_ENTRY, room_id, subject_id, call_id, expires_at)?;
    Ok(())
}

/// Deletes one's own entry; `false` when it is not there or somebody else's.
pub(crate) async fn delete(tx: &mut Tx, room_id: Uuid, id: Uuid, subject_id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, DELETE_ENTRY, room_id, id, subject_id)? == 1)
}

/// Lists what a user has in lobbies: rooms and entries.
pub(crate) async fn list_of_user(db: &Db, user_id: Uuid, limit: i64) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    run!(db, fetch_all as (Uuid, Uuid), LIST_ENTRIES_OF_USER, user_id, limit)
}

/// Withdraws whatever a user or guest has in a room's lobby.
pub(crate) async fn delete_of(tx: &mut Tx, room_id: Uuid, subject_id: Uuid) -> Result<(), StoreError> {
    run!(tx, execute, DELETE_ENTRY_OF, room_id, subject_id)?;
    Ok(())
}

/// Withdraws the admissions that held for one call; whether there were any.
pub(crate) async fn delete_of_call(tx: &mut Tx, room_id: Uuid, call_id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, DELETE_ADMISSIONS_OF_CALL, room_id, call_id)? > 0)
}

/// Deletes at most `batch` entries whose time is over.
pub(crate) async fn delete_expired(db: &Db, now: Micros, batch: i64) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_EXPIRED_ENTRIES, now, batch)
}
