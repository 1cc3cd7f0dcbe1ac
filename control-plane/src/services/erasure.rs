//! The end of an account: out of every call at once, out of history soon after.
//!
//! In: an account that is suspended or deleted. Out: jobs; later blank names. Each step may be done twice.

use serde_json::json;
use uuid::Uuid;

use super::meetings::adrift;
use super::topics::room_rights_changed;
use super::{lobby, rings};
use crate::app::App;
use crate::jobs::NewJob;
use crate::model::clock::Micros;
use crate::model::room::RoomName;
use crate::store::db::StoreError;
use crate::store::meetings_adrift::Adrift;
use crate::store::tx::Tx;
use crate::store::{codes, erasure as store, identities, members, rooms, users};

/// Calls somebody can be in at the same time.
const MAX_PRESENCE: i64 = 200;
/// Rows of history changed by one statement.
const BATCH: i64 = 1_000;
/// Rooms closed in one transaction.
const ROOMS: i64 = 50;
/// What history says instead of a name.
pub(crate) const NOBODY: &str = "Deleted account";

/// Enqueues the removal of somebody from every call they are in.
pub(super) async fn leave_calls(tx: &mut Tx, user_id: Uuid, now: Micros) -> Result<(), StoreError> {
    for (room_id, identity) in store::list_presence(&mut *tx, user_id, MAX_PRESENCE).await? {
        tx.enqueue(NewJob::remove_participant(room_id, &identity), now).await?;
    }
    Ok(())
}

/// Takes a deleted account out of everything that still names it.
///
/// # Errors
/// As any statement; what was done stays done.
pub(crate) async fn erase(app: &App, user_id: Uuid) -> Result<(), StoreError> {
    // Blanked late: until then the address finds what hangs on it.
    let Some((email, deleted_at)) = store::find_deleted(&app.db, user_id).await? else { return Ok(()) };
    let blank = format!("{user_id}@deleted.invalid");
    close_rooms(app, user_id).await?;
    // After the rooms, with which meetings of others may go too; those have jobs of their own.
    adrift::run(app, Adrift::Account(user_id)).await?;
    lobby::withdraw(app, user_id).await?;
    while store::blank_addresses(&app.db, &email, &blank, deleted_at, BATCH).await? == BATCH.unsigned_abs() {}
    while store::blank_call_names(&app.db, user_id, NOBODY, BATCH).await? == BATCH.unsigned_abs() {}
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    users::delete_password(&mut tx, user_id).await?;
    identities::delete_of(&mut tx, user_id).await?;
    store::delete_belongings(&mut tx, user_id).await?;
    store::blank_invites(&mut tx, user_id, &blank).await?;
    // Somebody else may have the address by now, and codes and invitations of theirs.
    if users::find_by_email(&mut tx, &email).await?.is_none() {
        codes::delete_of(&mut tx, &email).await?;
        store::delete_waiting_invites(&mut tx, &email).await?;
    }
    store::blank_user(&mut tx, user_id, &blank, NOBODY, now).await?;
    tx.commit(now).await?;
    // After that: nothing takes the name from the account any more.
    blank_copies(app, user_id).await
}

/// Takes the name out of what copied it, beside the id of the account.
async fn blank_copies(app: &App, user_id: Uuid) -> Result<(), StoreError> {
    while store::blank_actors(&app.db, user_id, NOBODY, BATCH).await? == BATCH.unsigned_abs() {}
    while store::blank_removed(&app.db, user_id, NOBODY, BATCH).await? == BATCH.unsigned_abs() {}
    rings::forget_name(app, user_id, NOBODY).await
}

/// Deletes the rooms nobody else owns, and leaves the others.
async fn close_rooms(app: &App, user_id: Uuid) -> Result<(), StoreError> {
    loop {
        let owned = store::list_rooms_owned(&app.db, user_id, ROOMS).await?;
        if owned.is_empty() {
            return Ok(());
        }
        let now = app.clock.now();
        let mut tx = app.begin().await?;
        for room_id in owned {
            // Under the lock under which members change: the other owner may be about to leave.
            members::lock_room(&mut tx, room_id).await?;
            members::delete(&mut tx, room_id, user_id).await?;
            if members::is_owned(&mut tx, room_id).await? {
                continue;
            }
            let room = rooms::find(&mut tx, &RoomName::Id(room_id), None).await?;
            rooms::delete(&mut tx, room_id, now).await?;
            if let Some(room) = room {
                room_rights_changed(&mut tx, room_id, room.conversation_id);
            }
            tx.event(format!("room:{room_id}"), "room.deleted", &json!({ "room_id": room_id }));
            adrift::enqueue(&mut tx, Adrift::Room(room_id), now).await?;
            tx.enqueue(NewJob::close_room(room_id, "room_deleted"), now).await?;
        }
        tx.commit(now).await?;
    }
}
