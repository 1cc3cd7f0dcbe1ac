//! SQL of calls and of who took part in them, and of the webhook deliveries already seen.

use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::call::{Call, CallParticipant, CallRole};
use crate::model::clock::Micros;
use crate::model::room::RoomRole;
use crate::model::user::UserStatus;

macro_rules! call_columns {
    () => {
        "id, room_id, media_node_id, media_room_sid, state, created_at, started_at, ended_at, end_reason, started_by, \
         locked_at, peak_participants"
    };
}

macro_rules! select_participant {
    ($rest:literal) => {
        concat!(
            "SELECT id, user_id, guest_id, name, identity, media_participant_sid, role, joined_at, left_at \
             FROM call_participants ",
            $rest
        )
    };
}

/// People in the open call of room `$1` with what their right to be there hangs on, bans at the time `$2` included.
/// Members, guests, bans and admissions of a breakout are those of its parent.
macro_rules! select_rights {
    ($rest:literal) => {
        concat!(
            "SELECT p.identity, p.removed_at IS NOT NULL AS is_removed, p.user_id, u.status AS user_status, p.role, CASE WHEN 'owner' IN (m.role, om.role) THEN 'owner' \
             WHEN 'admin' IN (m.role, om.role) THEN 'admin' WHEN m.role IS NOT NULL OR om.role IS NOT NULL \
             THEN 'member' END AS room_role, g.id AS guest_id, \
             l.id AS admission_id, EXISTS (SELECT 1 FROM meetings mt LEFT JOIN meeting_invites mi \
             ON mi.meeting_id = mt.id AND mi.user_id = p.user_id WHERE mt.room_id = COALESCE(r.parent_room_id, r.id) \
             AND mt.deleted_at IS NULL AND mt.status <> 'cancelled' \
             AND (mt.organizer_id = p.user_id OR mi.status <> 'declined')) AS invited, (SELECT COUNT(*) FROM room_bans b WHERE b.room_id = COALESCE(r.parent_room_id, r.id) \
             AND (b.subject_id = COALESCE(p.user_id, p.guest_id) OR b.address_hash = g.address_hash) \
             AND (b.expires_at IS NULL OR b.expires_at > $2)) AS bans \
             FROM call_participants p JOIN calls c ON c.id = p.call_id JOIN rooms r ON r.id = c.room_id \
             LEFT JOIN users u ON u.id = p.user_id \
             LEFT JOIN room_members m ON m.room_id = COALESCE(r.parent_room_id, r.id) AND m.user_id = p.user_id \
             LEFT JOIN guest_sessions g ON g.id = p.guest_id AND g.room_id = COALESCE(r.parent_room_id, r.id) \
             LEFT JOIN organizations og ON og.id = r.org_id AND og.deleted_at IS NULL \
             LEFT JOIN organization_members om ON om.org_id = og.id AND om.user_id = p.user_id \
             LEFT JOIN lobby_entries l ON l.room_id = COALESCE(r.parent_room_id, r.id) \
             AND l.subject_id = COALESCE(p.user_id, p.guest_id) AND l.status = 'accepted' \
             WHERE c.room_id = $1 AND c.ended_at IS NULL AND p.left_at IS NULL ",
            $rest
        )
    };
}

statements! {
    INSERT_CALL = concat!("INSERT INTO calls \
        (id, room_id, media_node_id, media_room_sid, state, started_by, created_at, peak_participants) \
        VALUES ($1, $2, $3, $4, 'starting', $5, $6, 0) \
        ON CONFLICT (room_id) WHERE ended_at IS NULL DO NOTHING RETURNING ", call_columns!());
    FIND_OPEN_CALL = concat!("SELECT ", call_columns!(), " FROM calls WHERE room_id = $1 AND ended_at IS NULL");
    FIND_CALL = concat!("SELECT ", call_columns!(), " FROM calls WHERE id = $1");
    LIST_OPEN_CALLS_OF_NODE = concat!("SELECT ", call_columns!(),
        " FROM calls WHERE media_node_id = $1 AND ended_at IS NULL ORDER BY id LIMIT $2");
    LIST_CALLS = concat!("SELECT ", call_columns!(),
        " FROM calls WHERE room_id = $1 AND id < $2 AND state <> 'starting' ORDER BY id DESC LIMIT $3");
    PLACE_CALL = "UPDATE calls SET media_node_id = $2, media_room_sid = $3 WHERE id = $1 AND ended_at IS NULL";
    MOVE_CALL = "UPDATE calls SET media_node_id = $3, media_room_sid = $4 \
        WHERE id = $1 AND media_node_id = $2 AND ended_at IS NULL";
    REOPEN_CALL = "UPDATE calls SET state = 'active', ended_at = NULL, end_reason = NULL \
        WHERE id = $1 AND ended_at IS NOT NULL AND started_at IS NOT NULL \
        AND NOT EXISTS (SELECT 1 FROM calls newer WHERE newer.room_id = calls.room_id AND newer.id > calls.id)";
    REOPEN_STAY = "UPDATE call_participants SET left_at = NULL \
        WHERE call_id = $1 AND media_participant_sid = $2 AND left_at IS NOT NULL";
    LIST_MOVED_ROOMS = "SELECT c.media_room_sid FROM calls c WHERE c.media_node_id = $1 \
        AND c.end_reason IN ('node_lost', 'moved') AND c.ended_at > $2 AND c.media_room_sid IS NOT NULL AND EXISTS \
        (SELECT 1 FROM calls o WHERE o.room_id = c.room_id AND o.id > c.id AND o.media_node_id <> c.media_node_id) \
        ORDER BY c.id DESC LIMIT $3";
    ACTIVATE_CALL = "UPDATE calls SET state = 'active', started_at = $2, media_room_sid = $3 \
        WHERE id = $1 AND state = 'starting'";
    RAISE_PEAK = "UPDATE calls SET peak_participants = (SELECT COUNT(*) FROM call_participants \
        WHERE call_id = $1 AND left_at IS NULL) WHERE id = $1 AND peak_participants < \
        (SELECT COUNT(*) FROM call_participants WHERE call_id = $1 AND left_at IS NULL)";
    END_CALL = "UPDATE calls SET state = 'ended', ended_at = $2, end_reason = $3 WHERE id = $1 AND ended_at IS NULL";
    DELETE_CALL = "DELETE FROM calls WHERE id = $1 AND state = 'starting'";
    INSERT_PARTICIPANT = "INSERT INTO call_participants (id, call_id, user_id, guest_id, name, identity, \
        media_participant_sid, role, joined_at, left_at, recorded_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (media_participant_sid) DO NOTHING";
    CLOSE_PARTICIPANT = "UPDATE call_participants SET left_at = CASE WHEN joined_at > $2 THEN joined_at ELSE $2 END \
        WHERE media_participant_sid = $1 AND left_at IS NULL";
    CLOSE_PARTICIPANTS_OF_CALL = "UPDATE call_participants SET left_at = CASE WHEN joined_at > $2 THEN joined_at \
        ELSE $2 END WHERE call_id = $1 AND left_at IS NULL";
    CLOSE_PARTICIPANT_RECORDED_BEFORE = "UPDATE call_participants SET left_at = CASE WHEN joined_at > $2 \
        THEN joined_at ELSE $2 END WHERE media_participant_sid = $1 AND left_at IS NULL AND recorded_at < $3";
    LIST_PARTICIPANTS_NOW = select_participant!("WHERE call_id = $1 AND left_at IS NULL ORDER BY id LIMIT $2");
    LAST_LEFT_AT = "SELECT MAX(left_at) FROM call_participants WHERE call_id = $1";
    COUNT_IN_ROOM_BUT = "SELECT COUNT(*) FROM call_participants p JOIN calls c ON c.id = p.call_id \
        WHERE c.room_id = $1 AND c.ended_at IS NULL AND p.left_at IS NULL AND p.identity <> $2";
    FIND_CALL_BY_SID = concat!("SELECT ", call_columns!(), " FROM calls WHERE room_id = $1 AND media_room_sid = $2 \
        ORDER BY id DESC LIMIT 1");
    LIST_RIGHTS = select_rights!("ORDER BY p.id LIMIT $3");
    FIND_RIGHTS = select_rights!("AND p.media_participant_sid = $3");
    INSERT_WEBHOOK_EVENT = "INSERT INTO webhook_events (id, at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
    DELETE_WEBHOOK_EVENTS = "DELETE FROM webhook_events WHERE at < $1";
}

/// Somebody who came into a call.
#[derive(Debug)]
pub(crate) struct NewParticipant<'a> {
    pub call_id: Uuid,
    pub user_id: Option<Uuid>,
    pub guest_id: Option<Uuid>,
    pub name: &'a str,
    pub identity: &'a str,
    pub sid: &'a str,
    pub role: CallRole,
    pub joined_at: Micros,
    pub left_at: Option<Micros>,
}

/// Opens a call in a room; `None` when one is open already.
pub(crate) async fn insert(
    tx: &mut Tx,
    room_id: Uuid,
    node_id: &str,
    room_sid: Option<&str>,
    started_by: Option<Uuid>,
    now: Micros,
) -> Result<Option<Call>, StoreError> {
    run!(tx, fetch_optional as Call, INSERT_CALL, Uuid::now_v7(), room_id, node_id, room_sid, started_by, now)
}

pub(crate) async fn find_open(on: impl Into<On<'_>>, room_id: Uuid) -> Result<Option<Call>, StoreError> {
    run!(on, fetch_optional as Call, FIND_OPEN_CALL, room_id)
}

pub(crate) async fn list_open_of_node(db: &Db, node_id: &str, limit: i64) -> Result<Vec<Call>, StoreError> {
    run!(db, fetch_all as Call, LIST_OPEN_CALLS_OF_NODE, node_id, limit)
}

/// Lists calls that had somebody in them, the newest first, older than `before`.
pub(crate) async fn list(db: &Db, room_id: Uuid, before: Uuid, limit: i64) -> Result<Vec<Call>, StoreError> {
    run!(db, fetch_all as Call, LIST_CALLS, room_id, before, limit)
}

/// Notes on which node, and as which room there, an open call runs.
pub(crate) async fn place(tx: &mut Tx, id: Uuid, node_id: &str, room_sid: &str) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, PLACE_CALL, id, node_id, room_sid)? == 1)
}

/// Notes that a call nobody is in yet runs on another node than `from`; `false` when it changed meanwhile.
pub(crate) async fn move_to(
    tx: &mut Tx,
    id: Uuid,
    from: &str,
    node_id: &str,
    room_sid: &str,
) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, MOVE_CALL, id, from, node_id, room_sid)? == 1)
}

/// Opens an ended call again, unless the room has had another since.
pub(crate) async fn reopen(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, REOPEN_CALL, id)? == 1)
}

/// Takes the end of a stay back.
pub(crate) async fn reopen_stay(tx: &mut Tx, call_id: Uuid, sid: &str) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, REOPEN_STAY, call_id, sid)? == 1)
}

/// Media rooms of calls given up since `since` whose room has had a call on another node after that.
pub(crate) async fn list_moved_rooms(
    db: &Db,
    node_id: &str,
    since: Micros,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let rows = run!(db, fetch_all as (String,), LIST_MOVED_ROOMS, node_id, since, limit)?;
    Ok(rows.into_iter().map(|(sid,)| sid).collect())
}

/// Makes a starting call active; `false` when it was already.
pub(crate) async fn activate(tx: &mut Tx, id: Uuid, at: Micros, room_sid: &str) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, ACTIVATE_CALL, id, at, room_sid)? == 1)
}

pub(crate) async fn raise_peak(tx: &mut Tx, id: Uuid) -> Result<(), StoreError> {
    run!(tx, execute, RAISE_PEAK, id)?;
    Ok(())
}

pub(crate) async fn end(tx: &mut Tx, id: Uuid, at: Micros, reason: &str) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, END_CALL, id, at, reason)? == 1)
}

/// Drops a call nobody ever was in.
pub(crate) async fn delete_starting(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, DELETE_CALL, id)? == 1)
}

/// Inserts somebody's stay; `false` when it is known.
pub(crate) async fn insert_participant(tx: &mut Tx, new: NewParticipant<'_>, now: Micros) -> Result<bool, StoreError> {
    let rows = run!(
        tx,
        execute,
        INSERT_PARTICIPANT,
        Uuid::now_v7(),
        new.call_id,
        new.user_id,
        new.guest_id,
        new.name,
        new.identity,
        new.sid,
        new.role,
        new.joined_at,
        new.left_at,
        now
    )?;
    Ok(rows == 1)
}

/// Ends a stay; `false` when it is unknown or over.
pub(crate) async fn close_participant(tx: &mut Tx, sid: &str, at: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, CLOSE_PARTICIPANT, sid, at)? == 1)
}

/// Ends a stay that was known before `recorded_before`.
pub(crate) async fn close_participant_recorded_before(
    tx: &mut Tx,
    sid: &str,
    at: Micros,
    recorded_before: Micros,
) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, CLOSE_PARTICIPANT_RECORDED_BEFORE, sid, at, recorded_before)? == 1)
}

pub(crate) async fn close_participants(tx: &mut Tx, call_id: Uuid, at: Micros) -> Result<u64, StoreError> {
    run!(tx, execute, CLOSE_PARTICIPANTS_OF_CALL, call_id, at)
}

/// Who is in a call now.
pub(crate) async fn list_present(
    on: impl Into<On<'_>>,
    call_id: Uuid,
    limit: i64,
) -> Result<Vec<CallParticipant>, StoreError> {
    run!(on, fetch_all as CallParticipant, LIST_PARTICIPANTS_NOW, call_id, limit)
}

/// When the last person left; `None` when nobody ever came or left.
pub(crate) async fn last_left_at(tx: &mut Tx, call_id: Uuid) -> Result<Option<Micros>, StoreError> {
    let (at,) = run!(tx, fetch_one as (Option<Micros>,), LAST_LEFT_AT, call_id)?;
    Ok(at)
}

/// People in the room's open call, not counting `identity`.
pub(crate) async fn count_in_room_but(db: &Db, room_id: Uuid, identity: &str) -> Result<i64, StoreError> {
    let (count,) = run!(db, fetch_one as (i64,), COUNT_IN_ROOM_BUT, room_id, identity)?;
    Ok(count)
}

/// Somebody in a call, with what their right to be there hangs on.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Rights {
    pub identity: String,
    /// A host took them out, or refused them in the end.
    pub is_removed: bool,
    pub user_id: Option<Uuid>,
    pub user_status: Option<UserStatus>,
    /// What they are in the call, as was written down last.
    pub role: CallRole,
    /// What they are in the room now, all roles taken together.
    pub room_role: Option<RoomRole>,
    pub guest_id: Option<Uuid>,
    /// They organize or are invited to a meeting in the room.
    pub invited: bool,
    /// Somebody let them in from the lobby.
    pub admission_id: Option<Uuid>,
    /// Bans that keep them out.
    pub bans: i64,
}

/// Who is in the room's open call, each with their rights, in one statement.
pub(crate) async fn list_rights(
    on: impl Into<On<'_>>,
    room_id: Uuid,
    now: Micros,
    limit: i64,
) -> Result<Vec<Rights>, StoreError> {
    run!(on, fetch_all as Rights, LIST_RIGHTS, room_id, now, limit)
}

/// The rights of one stay in the room's open call.
pub(crate) async fn find_rights(
    on: impl Into<On<'_>>,
    room_id: Uuid,
    now: Micros,
    sid: &str,
) -> Result<Option<Rights>, StoreError> {
    run!(on, fetch_optional as Rights, FIND_RIGHTS, room_id, now, sid)
}

pub(crate) async fn find(db: &Db, id: Uuid) -> Result<Option<Call>, StoreError> {
    run!(db, fetch_optional as Call, FIND_CALL, id)
}

/// As [`find`], in a transaction.
pub(crate) async fn find_in(tx: &mut Tx, id: Uuid) -> Result<Option<Call>, StoreError> {
    run!(tx, fetch_optional as Call, FIND_CALL, id)
}

/// The latest call that ran as media room `room_sid`.
pub(crate) async fn find_by_sid(tx: &mut Tx, room_id: Uuid, room_sid: &str) -> Result<Option<Call>, StoreError> {
    run!(tx, fetch_optional as Call, FIND_CALL_BY_SID, room_id, room_sid)
}

/// Notes a webhook delivery; `false` when it was here before.
pub(crate) async fn insert_webhook_event(tx: &mut Tx, id: &str, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, INSERT_WEBHOOK_EVENT, id, now)? == 1)
}

pub(crate) async fn delete_webhook_events(db: &Db, before: Micros) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_WEBHOOK_EVENTS, before)
}
