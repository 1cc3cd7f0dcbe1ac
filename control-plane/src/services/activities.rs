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

/// Organizations that read of one call; only a room with meetings of ever so many has more.
const MAX_ORGS_OF_CALL: i64 = 10;

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

/// Writes down that a call began or ended, for every organization it belongs to.
///
/// # Errors
/// As any statement.
pub(crate) async fn record_call(tx: &mut Tx, call_id: Uuid, kind: &'static str, now: Micros) -> Result<(), StoreError> {
    for org in store::list_orgs_of_call(tx, call_id, MAX_ORGS_OF_CALL).await? {
        if org.ref_kind == "meeting" {
            let data = json!({ "call_id": call_id, "title": org.name });
            let new = NewActivity { org_id: org.org_id, actor: None, kind, of: ("meeting", org.ref_id), data };
            // No topic has exactly those for listeners who may see the meeting; its call is told on that of the room.
            store::insert(tx, &new, now).await?;
        } else {
            let data = json!({ "call_id": call_id, "room_name": org.name });
            let new = NewActivity { org_id: org.org_id, actor: None, kind, of: ("room", org.ref_id), data };
            record(tx, new, None, now).await?;
        }
    }
    Ok(())
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
