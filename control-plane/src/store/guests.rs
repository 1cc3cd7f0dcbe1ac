//! SQL of guests: a name and a token for one room.

use uuid::Uuid;

use super::db::{Db, StoreError, run};
use super::statements;
use super::tx::Tx;
use crate::model::clock::Micros;
use crate::model::user::GuestSession;

/// A pass that has not expired by `$2`; a pass is given out in the lobby already, so it says whether its guest is in.
macro_rules! select_guest {
    ($which:literal) => {
        concat!(
            "SELECT g.id, g.room_id, g.name, g.tab, g.expires_at, \
             (EXISTS (SELECT 1 FROM conversation_guests cg WHERE cg.guest_id = g.id) \
             OR EXISTS (SELECT 1 FROM lobby_entries l WHERE l.room_id = g.room_id AND l.subject_id = g.id \
             AND l.status = 'accepted' AND l.expires_at > $2)) AS is_admitted \
             FROM guest_sessions g WHERE g.expires_at > $2 AND ",
            $which
        )
    };
}

statements! {
    INSERT_GUEST = "INSERT INTO guest_sessions (id, room_id, name, tab, token_hash, created_at, expires_at, \
        address_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    FIND_GUEST = select_guest!("g.token_hash = $1");
    FIND_GUEST_BY_ID = select_guest!("g.id = $1");
    SHUT_OUT = "DELETE FROM conversation_guests WHERE guest_id = $1";
    SHUT_OUT_STRANGERS = "DELETE FROM conversation_guests WHERE guest_id IN (SELECT g.id FROM guest_sessions g \
        WHERE g.room_id = $1 AND NOT EXISTS (SELECT 1 FROM lobby_entries l WHERE l.room_id = $1 \
        AND l.subject_id = g.id AND l.status = 'accepted'))";
    UPDATE_GUEST_NAME = "UPDATE guest_sessions SET name = $2, expires_at = $3 WHERE id = $1";
    EXTEND_GUESTS_OF_CALL = "UPDATE guest_sessions SET expires_at = $2 WHERE expires_at < $2 AND id IN \
        (SELECT guest_id FROM call_participants WHERE call_id = $1 AND guest_id IS NOT NULL)";
    EXTEND_GUESTS_IN_CALLS = "UPDATE guest_sessions SET expires_at = $1 WHERE expires_at < $2 AND id IN \
        (SELECT guest_id FROM call_participants WHERE left_at IS NULL AND guest_id IS NOT NULL)";
    DELETE_EXPIRED_GUESTS = "DELETE FROM guest_sessions WHERE id IN \
        (SELECT id FROM guest_sessions WHERE expires_at < $1 LIMIT $2)";
}

/// Inserts a guest of a room, with a keyed hash of where they come from.
pub(crate) async fn insert(
    tx: &mut Tx,
    guest: &GuestSession,
    token_hash: &[u8],
    now: Micros,
    address_hash: &[u8],
) -> Result<(), StoreError> {
    run!(
        tx,
        execute,
        INSERT_GUEST,
        guest.id,
        guest.room_id,
        &guest.name,
        &guest.tab,
        token_hash,
        now,
        guest.expires_at,
        address_hash
    )?;
    Ok(())
}

/// Finds the guest of a token that has not expired.
pub(crate) async fn find_by_token(db: &Db, hash: &[u8], now: Micros) -> Result<Option<GuestSession>, StoreError> {
    run!(db, fetch_optional as GuestSession, FIND_GUEST, hash, now)
}

/// Finds a guest whose pass has not expired.
pub(crate) async fn find_by_id(db: &Db, id: Uuid, now: Micros) -> Result<Option<GuestSession>, StoreError> {
    run!(db, fetch_optional as GuestSession, FIND_GUEST_BY_ID, id, now)
}

/// Takes the conversation of the room away from a guest, until they are let in again.
pub(crate) async fn shut_out(tx: &mut Tx, guest_id: Uuid) -> Result<(), StoreError> {
    run!(tx, execute, SHUT_OUT, guest_id)?;
    Ok(())
}

/// Takes the conversation of a room away from the guests whom nobody let in: they had walked in.
pub(crate) async fn shut_out_strangers(tx: &mut Tx, room_id: Uuid) -> Result<(), StoreError> {
    run!(tx, execute, SHUT_OUT_STRANGERS, room_id)?;
    Ok(())
}

/// Gives a guest who comes back a new name and more time.
pub(crate) async fn renew(tx: &mut Tx, id: Uuid, name: &str, expires_at: Micros) -> Result<(), StoreError> {
    run!(tx, execute, UPDATE_GUEST_NAME, id, name, expires_at)?;
    Ok(())
}

/// Lets the guests of a call that ended keep their passes until `until`.
pub(crate) async fn extend_of_call(tx: &mut Tx, call_id: Uuid, until: Micros) -> Result<(), StoreError> {
    run!(tx, execute, EXTEND_GUESTS_OF_CALL, call_id, until)?;
    Ok(())
}

/// Extends, to `until`, the passes of guests in a call now that would end before `due`.
pub(crate) async fn extend_in_calls(db: &Db, until: Micros, due: Micros) -> Result<u64, StoreError> {
    run!(db, execute, EXTEND_GUESTS_IN_CALLS, until, due)
}

/// Deletes at most `batch` passes that expired before `before`; how many went.
pub(crate) async fn delete_expired(db: &Db, before: Micros, batch: i64) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_EXPIRED_GUESTS, before, batch)
}
