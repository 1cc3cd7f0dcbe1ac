//! SQL of rings, and of the one room that two people have for calling each other.

use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::ring::{Ring, RingState};
use crate::model::room::RoomRole;

macro_rules! select_ring {
    ($rest:literal) => {
        concat!(
            "SELECT g.id, g.room_id, r.code AS room_code, r.conversation_id, g.caller_id, a.display_name AS caller_name, \
             g.callee_id, b.display_name AS callee_name, g.state, g.created_at, g.expires_at, g.ended_at \
             FROM call_rings g JOIN rooms r ON r.id = g.room_id JOIN users a ON a.id = g.caller_id \
             JOIN users b ON b.id = g.callee_id ",
            $rest
        )
    };
}

statements! {
    FIND_DIRECT_ROOM = "SELECT d.room_id FROM direct_rooms d JOIN rooms r ON r.id = d.room_id \
        WHERE d.low_id = $1 AND d.high_id = $2 AND r.deleted_at IS NULL AND r.is_active = $3";
    UPSERT_DIRECT_ROOM = "INSERT INTO direct_rooms (low_id, high_id, room_id, created_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (low_id, high_id) DO UPDATE SET room_id = excluded.room_id, created_at = excluded.created_at \
        WHERE direct_rooms.room_id IN (SELECT id FROM rooms WHERE deleted_at IS NOT NULL OR is_active = $5)";
    INSERT_DIRECT_MEMBER = "INSERT INTO room_members (room_id, user_id, role, created_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (room_id, user_id) DO NOTHING";
    TIE_CONVERSATION = "UPDATE rooms SET conversation_id = $2 WHERE id = $1 AND conversation_id <> $2 \
        AND NOT EXISTS (SELECT 1 FROM conversations c WHERE c.id = rooms.conversation_id AND c.last_seq > 0)";
    LIST_DIRECT_ROOMS_OF = "SELECT d.room_id, u.display_name FROM direct_rooms d \
        JOIN users u ON u.id = CASE WHEN d.low_id = $1 THEN d.high_id ELSE d.low_id END \
        WHERE (d.low_id = $1 OR d.high_id = $1) AND d.room_id > $2 ORDER BY d.room_id LIMIT $3";
    RENAME_DIRECT_ROOM = "UPDATE rooms SET name = $2, name_folded = $3, updated_at = $4 WHERE id = $1";
    INSERT_RING = "INSERT INTO call_rings (id, room_id, caller_id, callee_id, state, created_at, expires_at) \
        VALUES ($1, $2, $3, $4, 'ringing', $5, $6) ON CONFLICT DO NOTHING";
    FIND_RING = select_ring!("WHERE g.id = $1");
    FIND_RINGING = select_ring!("WHERE g.room_id = $1 AND g.state = 'ringing'");
    COUNT_RINGING = "SELECT COUNT(*) FROM call_rings WHERE caller_id = $1 AND state = 'ringing' AND expires_at > $2";
    END_RING = "UPDATE call_rings SET state = $2, ended_at = $3 WHERE id = $1 AND state = 'ringing'";
}

fn pair(a: Uuid, b: Uuid) -> (Uuid, Uuid) {
    if a < b { (a, b) } else { (b, a) }
}

/// Finds the room of two people, while it can be used.
pub(crate) async fn find_room(on: impl Into<On<'_>>, a: Uuid, b: Uuid) -> Result<Option<Uuid>, StoreError> {
    let (low, high) = pair(a, b);
    let row = run!(on, fetch_optional as (Uuid,), FIND_DIRECT_ROOM, low, high, true)?;
    Ok(row.map(|(id,)| id))
}

/// Makes `room_id` the room of two people, with `b` as a second owner; `false` when they have a usable one.
pub(crate) async fn set_room(tx: &mut Tx, a: Uuid, b: Uuid, room_id: Uuid, now: Micros) -> Result<bool, StoreError> {
    let (low, high) = pair(a, b);
    if run!(&mut *tx, execute, UPSERT_DIRECT_ROOM, low, high, room_id, now, false)? == 0 {
        return Ok(false);
    }
    run!(tx, execute, INSERT_DIRECT_MEMBER, room_id, b, RoomRole::Owner, now)?;
    Ok(true)
}

/// Lets a room share a conversation, unless something was said in its own.
pub(crate) async fn tie_conversation(tx: &mut Tx, room_id: Uuid, conversation_id: Uuid) -> Result<(), StoreError> {
    run!(tx, execute, TIE_CONVERSATION, room_id, conversation_id)?;
    Ok(())
}

/// The rooms somebody has with one other person each, and that person's name, by id after `after`.
pub(crate) async fn list_rooms_of(
    db: &Db,
    user_id: Uuid,
    after: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, String)>, StoreError> {
    run!(db, fetch_all as (Uuid, String), LIST_DIRECT_ROOMS_OF, user_id, after, limit)
}

/// Gives the room of two people another name.
pub(crate) async fn rename_room(tx: &mut Tx, room_id: Uuid, name: &str, now: Micros) -> Result<(), StoreError> {
    run!(tx, execute, RENAME_DIRECT_ROOM, room_id, name, name.to_lowercase(), now)?;
    Ok(())
}

/// Inserts a ring; `None` when one rings in that room.
pub(crate) async fn insert(
    tx: &mut Tx,
    room_id: Uuid,
    caller_id: Uuid,
    callee_id: Uuid,
    now: Micros,
    expires_at: Micros,
) -> Result<Option<Uuid>, StoreError> {
    let id = Uuid::now_v7();
    let rows = run!(tx, execute, INSERT_RING, id, room_id, caller_id, callee_id, now, expires_at)?;
    Ok((rows == 1).then_some(id))
}

pub(crate) async fn find(on: impl Into<On<'_>>, id: Uuid) -> Result<Option<Ring>, StoreError> {
    run!(on, fetch_optional as Ring, FIND_RING, id)
}

/// The ring that rings in a room.
pub(crate) async fn find_ringing(on: impl Into<On<'_>>, room_id: Uuid) -> Result<Option<Ring>, StoreError> {
    run!(on, fetch_optional as Ring, FIND_RINGING, room_id)
}

/// How many people somebody rings at the moment.
pub(crate) async fn count_ringing(tx: &mut Tx, caller_id: Uuid, now: Micros) -> Result<i64, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), COUNT_RINGING, caller_id, now)?;
    Ok(count)
}

/// Ends a ring that rings; `false` when it does not any more.
pub(crate) async fn end(tx: &mut Tx, id: Uuid, state: RingState, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, END_RING, id, state, now)? == 1)
}
