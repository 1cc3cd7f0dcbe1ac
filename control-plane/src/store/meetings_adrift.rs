//! SQL of meetings that nobody can hold any more: their room is gone, or their organizer is and nobody else runs them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::db::{On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;

/// Something of the meeting `m` is still to come at `$2`, or goes on.
macro_rules! unfinished {
    () => {
        "m.deleted_at IS NULL AND m.status IN ('scheduled', 'ongoing') AND (m.status = 'ongoing' OR m.ends_at IS NULL \
         OR m.ends_at > $2 OR EXISTS (SELECT 1 FROM meeting_occurrences x WHERE x.meeting_id = m.id \
         AND x.status = 'scheduled' AND x.ends_at > $2))"
    };
}

/// As [`unfinished`], and nobody can hold it. Who runs it beside its organizer is who may change it: co-organizers, and the
/// owners and admins of its organization, which always has an owner.
macro_rules! adrift {
    () => {
        concat!(
            unfinished!(),
            " AND (EXISTS (SELECT 1 FROM rooms r WHERE r.id = m.room_id AND r.deleted_at IS NOT NULL) \
             OR (EXISTS (SELECT 1 FROM users u WHERE u.id = m.organizer_id AND u.deleted_at IS NOT NULL) \
             AND NOT EXISTS (SELECT 1 FROM organizations g WHERE g.id = m.org_id AND g.deleted_at IS NULL) \
             AND NOT EXISTS (SELECT 1 FROM meeting_invites i JOIN users c ON c.id = i.user_id \
             WHERE i.meeting_id = m.id AND i.role = 'co_organizer' AND c.deleted_at IS NULL)))"
        )
    };
}

/// The next of them: `$3` the last of the page before, `$4` entries.
macro_rules! list_adrift {
    ($which:literal) => {
        concat!(
            "SELECT m.id FROM meetings m WHERE ",
            $which,
            " AND m.id > $3 AND ",
            adrift!(),
            " ORDER BY m.id LIMIT $4"
        )
    };
}

statements! {
    LIST_UNFINISHED_IN_ROOM = concat!("SELECT m.id FROM meetings m WHERE m.room_id = $1 AND ", unfinished!(),
        " ORDER BY m.id LIMIT $3");
    LIST_ADRIFT_IN_ROOM = list_adrift!("m.room_id = $1");
    LIST_ADRIFT_OF_ACCOUNT = list_adrift!("m.id IN (SELECT id FROM meetings WHERE organizer_id = $1 \
        UNION SELECT meeting_id FROM meeting_invites WHERE user_id = $1)");
    LIST_ADRIFT_OF_ORGANIZATION = list_adrift!("m.org_id = $1");
    LIST_ADRIFT_ALONE = list_adrift!("m.id = $1");
    COUNT_ADRIFT = concat!("SELECT COUNT(*) FROM meetings m WHERE m.id = $1 AND ", adrift!());
}

/// What ended, and may have left meetings behind that nobody can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", content = "id", rename_all = "snake_case")]
pub(crate) enum Adrift {
    Room(Uuid),
    /// Of an organizer or a co-organizer.
    Account(Uuid),
    Organization(Uuid),
    /// The right to run this one.
    Meeting(Uuid),
}

/// Lists what is still to come in a room, whether or not somebody can hold it.
pub(crate) async fn list_unfinished_in_room(
    tx: &mut Tx,
    room_id: Uuid,
    now: Micros,
    limit: i64,
) -> Result<Vec<Uuid>, StoreError> {
    let rows = run!(tx, fetch_all as (Uuid,), LIST_UNFINISHED_IN_ROOM, room_id, now, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Lists meetings nobody can hold, in the order of their ids, after `after`.
pub(crate) async fn list(
    on: impl Into<On<'_>>,
    left_by: Adrift,
    now: Micros,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, StoreError> {
    let (sql, id) = match left_by {
        Adrift::Room(id) => (LIST_ADRIFT_IN_ROOM, id),
        Adrift::Account(id) => (LIST_ADRIFT_OF_ACCOUNT, id),
        Adrift::Organization(id) => (LIST_ADRIFT_OF_ORGANIZATION, id),
        Adrift::Meeting(id) => (LIST_ADRIFT_ALONE, id),
    };
    let rows = run!(on, fetch_all as (Uuid,), sql, id, now, after, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Whether nobody can hold a meeting.
pub(crate) async fn is_adrift(tx: &mut Tx, id: Uuid, now: Micros) -> Result<bool, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), COUNT_ADRIFT, id, now)?;
    Ok(count > 0)
}
