//! SQL of an organization's figures, counted from the rows themselves.

/// Ids of the calls of organization `$1`, each once: those in its rooms, those of its meetings, and those in
/// breakouts of the latter. A call that is tied to no meeting is of the one whose own room it is in.
macro_rules! calls_of_org {
    () => {
        "SELECT c.id FROM rooms r JOIN calls c ON c.room_id = r.id WHERE r.org_id = $1 \
         UNION SELECT c.id FROM meetings m JOIN calls c ON c.room_id = m.room_id \
         WHERE m.org_id = $1 AND m.deleted_at IS NULL AND ((c.meeting_id IS NULL AND m.own_room) OR c.meeting_id = m.id) \
         UNION SELECT c.id FROM meetings m JOIN rooms r ON r.parent_room_id = m.room_id \
         JOIN breakouts b ON b.room_id = r.id JOIN calls t ON t.id = b.call_id JOIN calls c ON c.room_id = r.id \
         WHERE m.org_id = $1 AND m.deleted_at IS NULL AND ((t.meeting_id IS NULL AND m.own_room) OR t.meeting_id = m.id)"
    };
}

pub(crate) mod quality;

use uuid::Uuid;

use super::db::{Db, StoreError, run};
use super::statements;
use crate::model::clock::Micros;

statements! {
    COUNT_MESSAGES_PER_DAY = "SELECT m.created_at / 86400000000 AS day, COUNT(*) AS messages FROM messages m \
        WHERE m.created_at >= $2 AND m.conversation_id IN (SELECT conversation_id FROM channels WHERE org_id = $1 \
        UNION ALL SELECT conversation_id FROM rooms WHERE org_id = $1) \
        GROUP BY m.created_at / 86400000000";
    COUNT_ACTIVE = "SELECT COUNT(*) AS members, COUNT(CASE WHEN u.last_seen_at >= $2 OR EXISTS \
        (SELECT 1 FROM sessions s WHERE s.user_id = u.id AND s.last_seen_at >= $2) THEN 1 END) AS active \
        FROM organization_members m JOIN users u ON u.id = m.user_id WHERE m.org_id = $1";
    SUM_CALLS_PER_DAY = concat!("SELECT p.joined_at / 86400000000 AS day, COUNT(DISTINCT p.call_id) AS calls, \
        COUNT(*) AS stays, CAST(SUM(COALESCE(p.left_at, $3) - p.joined_at) AS BIGINT) AS time_us \
        FROM call_participants p WHERE p.call_id IN (", calls_of_org!(), ") AND p.joined_at >= $2 \
        GROUP BY p.joined_at / 86400000000");
}

/// Messages of a day; days are counted from 1970-01-01, UTC.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct DayOfMessages {
    pub day: i64,
    pub messages: i64,
}

/// Calls of a day.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct DayOfCalls {
    pub day: i64,
    pub calls: i64,
    /// Times somebody was in one.
    pub stays: i64,
    /// How long all of them were, together.
    pub time_us: i64,
}

/// Messages in channels and rooms of an organization per day since `from`; days without any are left out.
pub(crate) async fn messages_per_day(db: &Db, org_id: Uuid, from: Micros) -> Result<Vec<DayOfMessages>, StoreError> {
    run!(db, fetch_all as DayOfMessages, COUNT_MESSAGES_PER_DAY, org_id, from)
}

/// Members of an organization, and those of them seen since `from`.
pub(crate) async fn active_members(db: &Db, org_id: Uuid, from: Micros) -> Result<(i64, i64), StoreError> {
    run!(db, fetch_one as (i64, i64), COUNT_ACTIVE, org_id, from)
}

/// Stays in calls of an organization's rooms and meetings per day since `from`; days without any are left out.
pub(crate) async fn calls_per_day(
    db: &Db,
    org_id: Uuid,
    from: Micros,
    now: Micros,
) -> Result<Vec<DayOfCalls>, StoreError> {
    run!(db, fetch_all as DayOfCalls, SUM_CALLS_PER_DAY, org_id, from, now)
}
