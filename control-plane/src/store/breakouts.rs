//! SQL of breakouts: rooms that belong to a call, and who is sent to which.

use sqlx::types::Json;
use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::breakout::{Assignment, Breakout};
use crate::model::clock::Micros;
use crate::model::room::RoomConfig;

macro_rules! select_breakout {
    ($rest:literal) => {
        concat!(
            "SELECT b.room_id, r.name, b.state, b.closes_at, \
             (SELECT COUNT(*) FROM call_participants p JOIN calls c ON c.id = p.call_id WHERE c.room_id = b.room_id \
             AND c.ended_at IS NULL AND p.left_at IS NULL) AS present \
             FROM breakouts b JOIN rooms r ON r.id = b.room_id ",
            $rest
        )
    };
}

statements! {
    INSERT_BREAKOUT_CONVERSATION = "INSERT INTO conversations (id, kind, owner_id, last_seq, created_at) \
        VALUES ($1, 'room', $2, 0, $3)";
    INSERT_BREAKOUT_ROOM = "INSERT INTO rooms (id, code, name, name_folded, description, type, access_level, config, \
        is_active, conversation_id, created_by, parent_room_id, created_at, updated_at, org_id) \
        VALUES ($1, $2, $3, $4, '', 'video', 'restricted', $5, $6, $7, $8, $9, $10, $10, \
        (SELECT org_id FROM rooms WHERE id = $9)) \
        ON CONFLICT (code) DO NOTHING";
    INSERT_BREAKOUT = "INSERT INTO breakouts (room_id, call_id, parent_room_id, position, state, created_at) \
        VALUES ($1, $2, $3, $4, 'prepared', $5)";
    LIST_BREAKOUTS = select_breakout!("WHERE b.call_id = $1 AND b.state <> 'closed' ORDER BY b.position LIMIT $2");
    FIND_BREAKOUT = select_breakout!("WHERE b.call_id = $1 AND b.room_id = $2");
    COUNT_RUNNING = "SELECT COUNT(*) FROM breakouts WHERE call_id = $1 AND state IN ('open', 'closing')";
    OPEN_BREAKOUTS = "UPDATE breakouts SET state = 'open', opened_at = $2, closes_at = NULL \
        WHERE call_id = $1 AND state IN ('prepared', 'closing')";
    RECALL_BREAKOUTS = "UPDATE breakouts SET state = 'closing', closes_at = $2 WHERE call_id = $1 AND state = 'open'";
    CLOSE_BREAKOUTS = "UPDATE breakouts SET state = 'closed' WHERE call_id = $1 AND state <> 'closed' \
        RETURNING room_id";
    CLOSE_BREAKOUT_ROOMS = "UPDATE rooms SET is_active = $2 WHERE id IN \
        (SELECT room_id FROM breakouts WHERE call_id = $1 AND state <> 'closed')";
    DELETE_ASSIGNMENTS = "DELETE FROM breakout_assignments WHERE call_id = $1";
    UPSERT_ASSIGNMENT = "INSERT INTO breakout_assignments (call_id, subject_id, room_id) VALUES ($1, $2, $3) \
        ON CONFLICT (call_id, subject_id) DO UPDATE SET room_id = excluded.room_id";
    DELETE_ASSIGNMENT = "DELETE FROM breakout_assignments WHERE call_id = $1 AND subject_id = $2";
    FIND_ASSIGNMENT = "SELECT room_id FROM breakout_assignments WHERE call_id = $1 AND subject_id = $2";
    LIST_ASSIGNMENTS = "SELECT subject_id, room_id FROM breakout_assignments WHERE call_id = $1 \
        ORDER BY subject_id LIMIT $2";
    LIST_DESERTED = "SELECT DISTINCT b.call_id FROM breakouts b WHERE b.state IN ('open', 'closing') \
        AND b.opened_at < $1 \
        AND NOT EXISTS (SELECT 1 FROM call_participants p WHERE p.call_id = b.call_id AND \
        (p.left_at IS NULL OR p.left_at > $1)) \
        AND NOT EXISTS (SELECT 1 FROM call_participants p JOIN calls c ON c.id = p.call_id \
        JOIN breakouts o ON o.room_id = c.room_id WHERE o.call_id = b.call_id AND \
        (p.left_at IS NULL OR p.left_at > $1)) LIMIT $2";
    FIND_PARENT_CALL = "SELECT call_id FROM breakouts WHERE room_id = $1";
}

/// A breakout about to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewBreakout<'a> {
    pub code: &'a str,
    pub name: &'a str,
    pub config: &'a RoomConfig,
    pub call_id: Uuid,
    pub parent_room_id: Uuid,
    pub position: i64,
    pub created_by: Uuid,
}

/// Inserts a breakout with its room; `None` when the code is taken.
pub(crate) async fn insert(tx: &mut Tx, new: NewBreakout<'_>, now: Micros) -> Result<Option<Uuid>, StoreError> {
    let (id, conversation_id) = (Uuid::now_v7(), Uuid::now_v7());
    run!(&mut *tx, execute, INSERT_BREAKOUT_CONVERSATION, conversation_id, id, now)?;
    let rows = run!(
        &mut *tx,
        execute,
        INSERT_BREAKOUT_ROOM,
        id,
        new.code,
        new.name,
        new.name.to_lowercase(),
        Json(new.config),
        true,
        conversation_id,
        new.created_by,
        new.parent_room_id,
        now
    )?;
    if rows == 0 {
        return Ok(None);
    }
    run!(tx, execute, INSERT_BREAKOUT, id, new.call_id, new.parent_room_id, new.position, now)?;
    Ok(Some(id))
}

/// The breakouts of a call that are not closed, in their order.
pub(crate) async fn list(on: impl Into<On<'_>>, call_id: Uuid, limit: i64) -> Result<Vec<Breakout>, StoreError> {
    run!(on, fetch_all as Breakout, LIST_BREAKOUTS, call_id, limit)
}

pub(crate) async fn find(on: impl Into<On<'_>>, call_id: Uuid, room_id: Uuid) -> Result<Option<Breakout>, StoreError> {
    run!(on, fetch_optional as Breakout, FIND_BREAKOUT, call_id, room_id)
}

/// Whether people are, or may be, in breakouts of a call.
pub(crate) async fn is_running(tx: &mut Tx, call_id: Uuid) -> Result<bool, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), COUNT_RUNNING, call_id)?;
    Ok(count > 0)
}

/// Opens the breakouts of a call; how many.
pub(crate) async fn open(tx: &mut Tx, call_id: Uuid, now: Micros) -> Result<u64, StoreError> {
    run!(tx, execute, OPEN_BREAKOUTS, call_id, now)
}

/// Marks the open breakouts of a call as closing; how many.
pub(crate) async fn recall(tx: &mut Tx, call_id: Uuid, closes_at: Micros) -> Result<u64, StoreError> {
    run!(tx, execute, RECALL_BREAKOUTS, call_id, closes_at)
}

/// Closes the breakouts of a call and their rooms; the rooms.
pub(crate) async fn close(tx: &mut Tx, call_id: Uuid) -> Result<Vec<Uuid>, StoreError> {
    run!(&mut *tx, execute, CLOSE_BREAKOUT_ROOMS, call_id, false)?;
    let rooms = run!(&mut *tx, fetch_all as (Uuid,), CLOSE_BREAKOUTS, call_id)?;
    if !rooms.is_empty() {
        run!(tx, execute, DELETE_ASSIGNMENTS, call_id)?;
    }
    Ok(rooms.into_iter().map(|(id,)| id).collect())
}

/// Sends somebody to a breakout, or (`None`) to none.
pub(crate) async fn assign(
    tx: &mut Tx,
    call_id: Uuid,
    subject_id: Uuid,
    room_id: Option<Uuid>,
) -> Result<(), StoreError> {
    match room_id {
        Some(room_id) => run!(tx, execute, UPSERT_ASSIGNMENT, call_id, subject_id, room_id)?,
        None => run!(tx, execute, DELETE_ASSIGNMENT, call_id, subject_id)?,
    };
    Ok(())
}

/// The breakout somebody is sent to.
pub(crate) async fn find_assignment(db: &Db, call_id: Uuid, subject_id: Uuid) -> Result<Option<Uuid>, StoreError> {
    let row = run!(db, fetch_optional as (Uuid,), FIND_ASSIGNMENT, call_id, subject_id)?;
    Ok(row.map(|(room_id,)| room_id))
}

/// Who is sent where.
pub(crate) async fn list_assignments(
    on: impl Into<On<'_>>,
    call_id: Uuid,
    limit: i64,
) -> Result<Vec<Assignment>, StoreError> {
    run!(on, fetch_all as Assignment, LIST_ASSIGNMENTS, call_id, limit)
}

/// Calls whose breakouts, and who themselves, have been empty since `before`.
pub(crate) async fn list_deserted(db: &Db, before: Micros, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let rows = run!(db, fetch_all as (Uuid,), LIST_DESERTED, before, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The call a breakout belongs to.
pub(crate) async fn find_call_of(on: impl Into<On<'_>>, room_id: Uuid) -> Result<Option<Uuid>, StoreError> {
    let row = run!(on, fetch_optional as (Uuid,), FIND_PARENT_CALL, room_id)?;
    Ok(row.map(|(id,)| id))
}
