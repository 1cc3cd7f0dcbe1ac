//! Activities: what people of an organization see happening, as far as they may see what it is about.
//!
//! In: an act, in its own transaction. Out: a row, and an event for everybody who may know.

use serde_json::json;
use uuid::Uuid;

use super::organizations::topic;
use crate::app::App;
use crate::model::activity::{Activity, NewActivity};
use crate::model::clock::Micros;
use crate::store::activities as store;
use crate::store::db::StoreError;
use crate::store::tx::Tx;

/// Writes an activity down and tells those who listen at `audience`, or everybody in the organization.
///
/// # Errors
/// As any statement.
pub(crate) async fn record(
    tx: &mut Tx,
    new: NewActivity<'_>,
    audience: Option<String>,
    now: Micros,
) -> Result<(), StoreError> {
    let id = store::insert(tx, &new, now).await?;
    let told = json!({
        "id": id,
        "org_id": new.org_id,
        "actor": new.actor.map(|(id, name)| json!({ "id": id, "display_name": name })),
        "type": new.kind,
        "ref_kind": new.of.0,
        "ref_id": new.of.1,
        "data": new.data,
        "created_at": now,
    });
    tx.event(audience.unwrap_or_else(|| topic(new.org_id)), "activity.created", &told);
    Ok(())
}

/// Writes down that a call began or ended, when its room belongs to an organization.
///
/// # Errors
/// As any statement.
pub(crate) async fn record_call(
    tx: &mut Tx,
    room_id: Uuid,
    call_id: Uuid,
    kind: &'static str,
    now: Micros,
) -> Result<(), StoreError> {
    let Some((org_id, name)) = store::find_org_of_room(tx, room_id).await? else { return Ok(()) };
    let data = json!({ "call_id": call_id, "room_name": name });
    let new = NewActivity { org_id, actor: None, kind, of: ("room", room_id), data };
    record(tx, new, None, now).await
}

/// Lists what happened in an organization, as far as `user_id` may see it, the newest first.
///
/// # Errors
/// As any statement.
pub(crate) async fn list(
    app: &App,
    org_id: Uuid,
    user_id: Uuid,
    kind: &str,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Activity>, StoreError> {
    store::list(&app.db, org_id, user_id, kind, before, limit).await
}
