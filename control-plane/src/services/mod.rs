//! The rules: who may do what, what has to hold, what an act causes. One file per noun.
//!
//! In: the app, an actor, parsed requests. Out: models, or an error enum of the operation. No SQL, no HTTP types.

pub(crate) mod accounts;
pub(crate) mod activities;
pub(crate) mod addresses;
pub(crate) mod administration;
pub(crate) mod admission;
pub(crate) mod analytics;
pub(crate) mod authorize;
pub(crate) mod bans;
pub(crate) mod breakouts;
pub(crate) mod call_access;
pub(crate) mod calls;
pub(crate) mod channels;
pub(crate) mod codes;
pub(crate) mod conversations;
pub(crate) mod credentials;
pub(crate) mod erasure;
mod erasure_of_deleted;
pub(crate) mod files;
pub(crate) mod hosting;
pub(crate) mod hosting_media;
pub(crate) mod identities;
pub(crate) mod joins;
pub(crate) mod listeners;
pub(crate) mod lobby;
pub(crate) mod mail;
pub(crate) mod meetings;
pub(crate) mod members;
pub(crate) mod messages;
pub(crate) mod node_watch;
pub(crate) mod nodes;
pub(crate) mod notifications;
pub(crate) mod organization_invites;
pub(crate) mod organizations;
pub(crate) mod passwords;
pub(crate) mod placement;
pub(crate) mod presence;
pub(crate) mod providers;
pub(crate) mod quality;
pub(crate) mod reconcile;
pub(crate) mod removals;
pub(crate) mod retention;
pub(crate) mod rings;
pub(crate) mod room_members;
pub(crate) mod room_sweep;
pub(crate) mod rooms;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod setup;
pub(crate) mod tickets;
pub(crate) mod topics;
pub(crate) mod users;
pub(crate) mod web_pages;

use uuid::Uuid;

use crate::http::extract::Caller;
use crate::model::clock::Micros;
use crate::store::db::StoreError;
use crate::store::outbox::{self, AuditRow};
use crate::store::rooms as rooms_store;
use crate::store::tx::Tx;

/// Writes the audit row of an act of `caller` into its transaction.
pub(crate) async fn audit(
    tx: &mut Tx,
    caller: &Caller,
    action: &'static str,
    target: (&'static str, Uuid),
    diff: serde_json::Value,
    now: Micros,
) -> Result<(), StoreError> {
    audit_in(tx, caller, None, action, target, diff, now).await
}

/// As [`audit`], for an act in an organization, whose admins read it too.
pub(crate) async fn audit_in(
    tx: &mut Tx,
    caller: &Caller,
    org_id: Option<Uuid>,
    action: &'static str,
    target: (&'static str, Uuid),
    diff: serde_json::Value,
    now: Micros,
) -> Result<(), StoreError> {
    let session = caller.session();
    let row = AuditRow {
        actor_id: session.map(|(user, _)| user.id),
        session_id: session.map(|(_, session)| session.id),
        ip: &caller.facts.ip_text,
        action,
        target_kind: target.0,
        target_id: Some(target.1),
        diff,
    };
    outbox::insert_audit_in(tx, org_id, row, now).await
}

/// As [`audit_in`], for an act on a room of which only the id is at hand.
pub(crate) async fn audit_on_room(
    tx: &mut Tx,
    caller: &Caller,
    room_id: Uuid,
    action: &'static str,
    diff: serde_json::Value,
    now: Micros,
) -> Result<(), StoreError> {
    let org_id = rooms_store::find_organization(&mut *tx, room_id).await?;
    audit_in(tx, caller, org_id, action, ("room", room_id), diff, now).await
}
