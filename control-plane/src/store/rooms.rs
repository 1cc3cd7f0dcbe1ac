//! SQL of rooms, their members and the conversation each of them owns.

use sqlx::types::Json;
use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::room::{AccessLevel, PersonInside, Room, RoomConfig, RoomName, RoomRole, RoomType};

/// A room with the role of user `$1` in it and its active call.
macro_rules! select_room {
    ($rest:literal) => {
        concat!(
            "SELECT r.id, r.code, r.name, r.description, r.type, r.access_level, r.config, r.capacity, r.is_active, \
             r.expires_at, r.conversation_id, r.parent_room_id, r.org_id, r.created_at, r.updated_at, CASE WHEN 'owner' IN (m.role, om.role) THEN 'owner' \
             WHEN 'admin' IN (m.role, om.role) THEN 'admin' WHEN m.role IS NOT NULL OR om.role IS NOT NULL \
             THEN 'member' END AS role, c.id AS call_id, \
             c.started_at AS call_started_at, (SELECT COUNT(*) FROM call_participants p \
             WHERE p.call_id = c.id AND p.left_at IS NULL) AS call_participants, EXISTS (SELECT 1 FROM meetings mt \
             LEFT JOIN meeting_invites mi ON mi.meeting_id = mt.id AND mi.user_id = $1 WHERE mt.room_id = COALESCE(r.parent_room_id, r.id) \
             AND mt.deleted_at IS NULL AND mt.status <> 'cancelled' \
             AND (mt.organizer_id = $1 OR mi.status <> 'declined')) AS invited, \
             (SELECT COALESCE(b.expires_at, 9223372036854775807) FROM room_bans b \
             WHERE b.room_id = COALESCE(r.parent_room_id, r.id) AND b.subject_id = $1) AS banned_until, \
             (SELECT l.expires_at FROM lobby_entries l WHERE l.room_id = COALESCE(r.parent_room_id, r.id) \
             AND l.subject_id = $1 AND l.status = 'accepted') AS admitted_until, \
             EXISTS (SELECT 1 FROM call_participants p WHERE p.call_id = c.id AND p.user_id = $1 \
             AND p.left_at IS NULL AND p.removed_at IS NULL) AS is_inside \
             FROM rooms r LEFT JOIN room_members m ON m.room_id = COALESCE(r.parent_room_id, r.id) AND m.user_id = $1 \
             LEFT JOIN organizations og ON og.id = r.org_id AND og.deleted_at IS NULL \
             LEFT JOIN organization_members om ON om.org_id = og.id AND om.user_id = $1 \
             LEFT JOIN calls c ON c.room_id = r.id AND c.ended_at IS NULL AND c.state = 'active' ",
            $rest
        )
    };
}

statements! {
    INSERT_CONVERSATION = "INSERT INTO conversations (id, kind, owner_id, last_seq, created_at) \
        VALUES ($1, 'room', $2, 0, $3)";
    INSERT_ROOM = "INSERT INTO rooms (id, code, name, name_folded, description, type, access_level, config, capacity, \
        is_active, expires_at, conversation_id, created_by, created_at, updated_at, org_id) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15) ON CONFLICT (code) DO NOTHING";
    INSERT_MEMBER = "INSERT INTO room_members (room_id, user_id, role, created_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (room_id, user_id) DO NOTHING";
    FIND_ROOM_BY_ID = select_room!("WHERE r.id = $2 AND r.deleted_at IS NULL");
    FIND_ROOM_BY_CODE = select_room!("WHERE r.code = $2 AND r.deleted_at IS NULL");
    LIST_PEOPLE_INSIDE = "SELECT identity, name FROM call_participants \
        WHERE call_id = $1 AND left_at IS NULL ORDER BY joined_at, id LIMIT $2";
    LIST_ROOMS_NEWEST_FIRST = select_room!(
        "WHERE (m.user_id IS NOT NULL OR om.user_id IS NOT NULL) AND r.parent_room_id IS NULL AND r.deleted_at IS NULL AND r.id < $2 \
        AND ($3 = '' OR r.type = $3) AND ($4 = '' OR r.name_folded LIKE $4 ESCAPE '!') \
        AND ('owner' IN (m.role, om.role) OR NOT EXISTS (SELECT 1 FROM room_bans x WHERE x.room_id = r.id \
        AND x.subject_id = $1 AND (x.expires_at IS NULL OR x.expires_at > $6))) ORDER BY r.id DESC LIMIT $5");
    LIST_ROOMS_OLDEST_FIRST = select_room!(
        "WHERE (m.user_id IS NOT NULL OR om.user_id IS NOT NULL) AND r.parent_room_id IS NULL AND r.deleted_at IS NULL AND r.id > $2 \
        AND ($3 = '' OR r.type = $3) AND ($4 = '' OR r.name_folded LIKE $4 ESCAPE '!') \
        AND ('owner' IN (m.role, om.role) OR NOT EXISTS (SELECT 1 FROM room_bans x WHERE x.room_id = r.id \
        AND x.subject_id = $1 AND (x.expires_at IS NULL OR x.expires_at > $6))) ORDER BY r.id ASC LIMIT $5");
    UPDATE_ROOM = "UPDATE rooms SET name = $2, name_folded = $3, description = $4, access_level = $5, config = $6, \
        capacity = $7, is_active = $8, expires_at = $9, updated_at = $10, \
        expiry_noted_at = CASE WHEN expires_at = $9 THEN expiry_noted_at ELSE NULL END WHERE id = $1 AND deleted_at IS NULL";
    DELETE_ROOM = "UPDATE rooms SET deleted_at = $2, updated_at = $2, is_active = $3 \
        WHERE id = $1 AND deleted_at IS NULL";
    COUNT_OWNED = "SELECT COUNT(*) FROM room_members m JOIN rooms r ON r.id = m.room_id \
        WHERE m.user_id = $1 AND m.role = 'owner' AND r.deleted_at IS NULL";
    FIND_ROOM_STATE = "SELECT r.id, COALESCE(p.access_level, r.access_level) AS access_level, r.is_active, \
        p.is_active AS parent_is_active, COALESCE(p.expires_at, r.expires_at) AS expires_at, \
        COALESCE(p.deleted_at, r.deleted_at) AS deleted_at FROM rooms r \
        LEFT JOIN rooms p ON p.id = r.parent_room_id WHERE r.id = $1";
    FIND_ORGANIZATION_OF = "SELECT COALESCE(p.org_id, r.org_id) FROM rooms r \
        LEFT JOIN rooms p ON p.id = r.parent_room_id WHERE r.id = $1";
    LIST_EXPIRED_WITH_CALL = "SELECT r.id FROM rooms r JOIN calls c ON c.room_id = r.id AND c.ended_at IS NULL \
        WHERE r.expires_at < $1 AND r.deleted_at IS NULL LIMIT $2";
    NOTE_EXPIRED = "UPDATE rooms SET expiry_noted_at = $1 WHERE id IN (SELECT id FROM rooms WHERE expires_at < $1 \
        AND expiry_noted_at IS NULL AND deleted_at IS NULL LIMIT $2) AND expiry_noted_at IS NULL RETURNING id";
    LIST_BREAKOUT_CALLS = "SELECT r.id FROM rooms r JOIN calls c ON c.room_id = r.id AND c.ended_at IS NULL \
        WHERE r.parent_room_id = $1 LIMIT $2";
}

/// A room about to be made.
#[derive(Debug)]
pub(crate) struct NewRoom<'a> {
    pub code: &'a str,
    pub name: &'a str,
    pub description: &'a str,
    pub room_type: RoomType,
    pub access_level: AccessLevel,
    pub config: RoomConfig,
    pub capacity: Option<i64>,
    pub is_active: bool,
    pub expires_at: Option<Micros>,
    pub owner_id: Uuid,
    pub org_id: Option<Uuid>,
}

/// Which of somebody's rooms a list shows.
#[derive(Debug)]
pub(crate) struct RoomFilter<'a> {
    pub room_type: Option<RoomType>,
    /// Part of the name, any case.
    pub q: &'a str,
    /// The last room of the page before.
    pub after: Option<Uuid>,
    pub oldest_first: bool,
    pub limit: i64,
}

/// Inserts a room with its conversation and its owner; `None` when the code is taken.
pub(crate) async fn insert(tx: &mut Tx, new: NewRoom<'_>, now: Micros) -> Result<Option<Uuid>, StoreError> {
    let (id, conversation_id) = (Uuid::now_v7(), Uuid::now_v7());
    run!(&mut *tx, execute, INSERT_CONVERSATION, conversation_id, id, now)?;
    let inserted = run!(
        &mut *tx,
        execute,
        INSERT_ROOM,
        id,
        new.code,
        new.name,
        new.name.to_lowercase(),
        new.description,
        new.room_type,
        new.access_level,
        Json(&new.config),
        new.capacity,
        new.is_active,
        new.expires_at,
        conversation_id,
        new.owner_id,
        now,
        new.org_id
    )?;
    if inserted == 0 {
        return Ok(None);
    }
    run!(tx, execute, INSERT_MEMBER, id, new.owner_id, RoomRole::Owner, now)?;
    Ok(Some(id))
}

/// Finds a room that is not deleted, with the role `user_id` has in it.
pub(crate) async fn find(
    on: impl Into<On<'_>>,
    name: &RoomName,
    user_id: Option<Uuid>,
) -> Result<Option<Room>, StoreError> {
    let user_id = user_id.unwrap_or(Uuid::nil());
    match name {
        RoomName::Id(id) => run!(on, fetch_optional as Room, FIND_ROOM_BY_ID, user_id, id),
        RoomName::Code(code) => run!(on, fetch_optional as Room, FIND_ROOM_BY_CODE, user_id, code),
    }
}

/// Lists who is in a call, in the order they came.
pub(crate) async fn list_people_inside(db: &Db, call_id: Uuid, limit: i64) -> Result<Vec<PersonInside>, StoreError> {
    run!(db, fetch_all as PersonInside, LIST_PEOPLE_INSIDE, call_id, limit)
}

/// Lists the rooms `user_id` belongs to, without those they are kept out of.
pub(crate) async fn list(db: &Db, user_id: Uuid, filter: RoomFilter<'_>, now: Micros) -> Result<Vec<Room>, StoreError> {
    let (sql, first) = if filter.oldest_first {
        (LIST_ROOMS_OLDEST_FIRST, Uuid::nil())
    } else {
        (LIST_ROOMS_NEWEST_FIRST, Uuid::max())
    };
    let pattern = like_pattern(filter.q);
    let room_type = filter.room_type.map_or("", RoomType::as_str);
    run!(db, fetch_all as Room, sql, user_id, filter.after.unwrap_or(first), room_type, &pattern, filter.limit, now)
}

/// `%text%` folded, with the wildcards of LIKE taken literally; empty for no filter.
pub(crate) fn like_pattern(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// Writes what people may change of `room`.
pub(crate) async fn update(tx: &mut Tx, room: &Room, now: Micros) -> Result<(), StoreError> {
    run!(
        tx,
        execute,
        UPDATE_ROOM,
        room.id,
        &room.name,
        room.name.to_lowercase(),
        &room.description,
        room.access_level,
        &room.config,
        room.capacity,
        room.is_active,
        room.expires_at,
        now
    )?;
    Ok(())
}

/// Marks a room deleted; `false` when it was already.
pub(crate) async fn delete(tx: &mut Tx, id: Uuid, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, DELETE_ROOM, id, now, false)? == 1)
}

/// Rooms somebody owns.
pub(crate) async fn count_owned(on: impl Into<On<'_>>, user_id: Uuid) -> Result<i64, StoreError> {
    let (count,) = run!(on, fetch_one as (i64,), COUNT_OWNED, user_id)?;
    Ok(count)
}

/// What calls need to know of a room, deleted or not.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct RoomState {
    pub id: Uuid,
    pub access_level: AccessLevel,
    pub is_active: bool,
    /// `None` = it is no breakout.
    pub parent_is_active: Option<bool>,
    pub expires_at: Option<Micros>,
    pub deleted_at: Option<Micros>,
}

impl RoomState {
    /// Whether people may be inside at `now`.
    pub(crate) fn is_open(&self, now: Micros) -> bool {
        let is_active = self.is_active && self.parent_is_active != Some(false);
        is_active && self.deleted_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }
}

/// Finds the state of a room, deleted or not.
pub(crate) async fn find_state(on: impl Into<On<'_>>, id: Uuid) -> Result<Option<RoomState>, StoreError> {
    run!(on, fetch_optional as RoomState, FIND_ROOM_STATE, id)
}

/// The organization a room belongs to, a breakout with its parent; deleted or not.
pub(crate) async fn find_organization(tx: &mut Tx, id: Uuid) -> Result<Option<Uuid>, StoreError> {
    let found = run!(tx, fetch_optional as (Option<Uuid>,), FIND_ORGANIZATION_OF, id)?;
    Ok(found.and_then(|(org_id,)| org_id))
}

/// Rooms that expired before `now` while a call is open in them.
pub(crate) async fn list_expired_with_call(db: &Db, now: Micros, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let rows = run!(db, fetch_all as (Uuid,), LIST_EXPIRED_WITH_CALL, now, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Notes which rooms expired before `now`, each once; their ids.
pub(crate) async fn note_expired(tx: &mut Tx, now: Micros, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let rows = run!(tx, fetch_all as (Uuid,), NOTE_EXPIRED, now, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Breakouts of a room in which a call is open.
pub(crate) async fn list_breakout_calls(db: &Db, parent_id: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let rows = run!(db, fetch_all as (Uuid,), LIST_BREAKOUT_CALLS, parent_id, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

#[cfg(test)]
mod tests {
    use super::like_pattern;

    #[test]
    fn wildcards_are_letters() {
        assert_eq!(like_pattern(""), "");
        assert_eq!(like_pattern("50%_Off!"), "%50!%!_off!!%");
    }
}
