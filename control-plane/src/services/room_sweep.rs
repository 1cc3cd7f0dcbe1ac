//! The sweep of rooms: what ends by time and not by anybody's act.
//!
//! In: the time, every half minute. Out: rooms noted as expired and their calls closed, lobby entries, bans and
//! invitations whose time is over forgotten, deserted breakouts closed. Several replicas may sweep at once.

use serde_json::json;

use super::breakouts;
use crate::app::App;
use crate::jobs::NewJob;
use crate::model::clock::Micros;
use crate::store::db::StoreError;
use crate::store::{bans, lobby, members, rooms};

/// Expired rooms looked at in one round.
const MAX_EXPIRED: i64 = 100;
/// Rows of one kind forgotten in one round.
const BATCH: i64 = 1_000;

/// Sweeps once.
///
/// # Errors
/// As any statement.
pub(crate) async fn run(app: &App, now: Micros) -> Result<(), StoreError> {
    note_expired(app, now).await?;
    close_expired(app, now).await?;
    breakouts::close_deserted(app, now).await?;
    lobby::delete_expired(&app.db, now, BATCH).await?;
    bans::delete_expired(&app.db, now, BATCH).await?;
    members::delete_expired_invitations(&app.db, now, BATCH).await?;
    Ok(())
}

/// Tells once of each room that it has expired.
async fn note_expired(app: &App, now: Micros) -> Result<(), StoreError> {
    let mut tx = app.begin().await?;
    for room_id in rooms::note_expired(&mut tx, now, MAX_EXPIRED).await? {
        tx.event(format!("room:{room_id}"), "room.expired", &json!({ "room_id": room_id }));
        metrics::counter!("plenum_rooms_expired_total").increment(1);
    }
    tx.commit(now).await
}

/// Closes the calls of rooms that expired, also of those somebody slipped into since.
async fn close_expired(app: &App, now: Micros) -> Result<(), StoreError> {
    let expired = rooms::list_expired_with_call(&app.db, now, MAX_EXPIRED).await?;
    if expired.is_empty() {
        return Ok(());
    }
    let mut tx = app.begin().await?;
    for room_id in expired {
        tx.enqueue(NewJob::close_room(room_id, "room_expired"), now).await?;
    }
    tx.commit(now).await
}
