//! Work that an act causes and nobody waits for: enqueued in the act's transaction, run at least once.
//!
//! In: rows of the job table. Out: calls to media nodes and deletions. Handlers are idempotent; a job that keeps
//! failing ends as `dead`, visible to admins.

mod files;
mod handlers;
mod mail;
pub(crate) mod meetings;
mod notifications;
mod organizations;
mod rooms;
mod worker;

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::model::clock::Micros;

pub(crate) use worker::run_worker;

/// Ends a room on its media node and closes its call.
pub(super) const CLOSE_ROOM: &str = "media.close_room";
/// Removes from a room's call whoever is no longer admitted.
pub(super) const RECHECK_ROOM: &str = "media.recheck_room";
/// Makes a live participant what hosts made them.
pub(super) const APPLY_GRANTS: &str = "media.apply_grants";
/// Tells the people of a call to which breakout they are sent, or to come back.
pub(super) const SEND_TO_BREAKOUTS: &str = "breakouts.send";
/// Closes breakouts whose grace is over.
pub(super) const CLOSE_BREAKOUTS: &str = "breakouts.close";
/// Removes one participant from a call.
pub(super) const REMOVE_PARTICIPANT: &str = "media.remove_participant";

/// Renders and sends a mail.
pub(super) const SEND_MAIL: &str = "mail.send";

/// Renders and sends a code.
pub(super) const SEND_CODE: &str = "mail.code";

/// Takes a deleted account out of history.
pub(super) const ERASE_ACCOUNT: &str = "account.erase";

/// Tries of a job that touches the database alone: with the growing delays of the worker about a day, the time in which
/// names have to be gone.
const ERASE_TRIES: i64 = 250;
/// Tries of a job that sends a code: no longer than codes live.
const CODE_TRIES: i64 = 9;
/// Tries of a job that sends mail: with the growing delays of the worker about half an hour, longer than servers that
/// turn strangers away at first want them to wait.
const MAIL_TRIES: i64 = 14;
/// Tries of a job that speaks to a media node: with the growing delays of the worker about ten minutes.
const MEDIA_TRIES: i64 = 10;

/// A job about to be enqueued.
#[derive(Debug)]
pub(crate) struct NewJob {
    pub kind: &'static str,
    pub payload: Value,
    /// `None` = at once.
    pub run_at: Option<Micros>,
    pub max_attempts: i64,
    /// A waiting job with the same key makes this one needless.
    pub dedupe_key: Option<String>,
}

impl NewJob {
    fn media(kind: &'static str, payload: Value, dedupe_key: String) -> Self {
        Self { kind, payload, run_at: None, max_attempts: MEDIA_TRIES, dedupe_key: Some(dedupe_key) }
    }

    /// A mail, as [`crate::services::mail::enqueue`] wrote it.
    pub(crate) fn mail(payload: Value, dedupe_key: Option<String>) -> Self {
        let dedupe_key = dedupe_key.map(|key| format!("{SEND_MAIL}:{key}"));
        Self { kind: SEND_MAIL, payload, run_at: None, max_attempts: MAIL_TRIES, dedupe_key }
    }

    /// The delivery of a code; its digits are computed when they are sent.
    pub(crate) fn code(id: Uuid) -> Self {
        let payload = json!({ "code_id": id });
        Self { kind: SEND_CODE, payload, run_at: None, max_attempts: CODE_TRIES, dedupe_key: None }
    }

    /// The blanking of a deleted account.
    pub(crate) fn erase_account(user_id: Uuid) -> Self {
        let payload = json!({ "user_id": user_id });
        let dedupe_key = Some(format!("{ERASE_ACCOUNT}:{user_id}"));
        Self { kind: ERASE_ACCOUNT, payload, run_at: None, max_attempts: ERASE_TRIES, dedupe_key }
    }

    pub(crate) fn close_room(room_id: Uuid, reason: &'static str) -> Self {
        Self::media(CLOSE_ROOM, json!({ "room_id": room_id, "reason": reason }), format!("{CLOSE_ROOM}:{room_id}"))
    }

    pub(crate) fn recheck_room(room_id: Uuid) -> Self {
        Self::media(RECHECK_ROOM, json!({ "room_id": room_id }), format!("{RECHECK_ROOM}:{room_id}"))
    }

    pub(crate) fn apply_grants(room_id: Uuid, identity: &str) -> Self {
        let key = format!("{APPLY_GRANTS}:{room_id}:{identity}");
        Self::media(APPLY_GRANTS, json!({ "room_id": room_id, "identity": identity }), key)
    }

    pub(crate) fn send_to_breakouts(call_id: Uuid) -> Self {
        Self::media(SEND_TO_BREAKOUTS, json!({ "call_id": call_id }), format!("{SEND_TO_BREAKOUTS}:{call_id}"))
    }

    pub(crate) fn close_breakouts(call_id: Uuid, at: Micros) -> Self {
        // A recall that was taken back and made again is another one.
        let key = format!("{CLOSE_BREAKOUTS}:{call_id}:{}", at.0);
        Self { run_at: Some(at), ..Self::media(CLOSE_BREAKOUTS, json!({ "call_id": call_id }), key) }
    }

    pub(crate) fn remove_participant(room_id: Uuid, identity: &str) -> Self {
        let key = format!("{REMOVE_PARTICIPANT}:{room_id}:{identity}");
        Self::media(REMOVE_PARTICIPANT, json!({ "room_id": room_id, "identity": identity }), key)
    }
}

/// Wakes the workers of this process when there is something to do; others find it by polling.
#[derive(Clone, Debug, Default)]
pub(crate) struct JobQueue {
    wake: Arc<Notify>,
}

impl JobQueue {
    pub(crate) fn wake(&self) {
        self.wake.notify_waiters();
        self.wake.notify_one();
    }

    async fn woken(&self) {
        self.wake.notified().await;
    }
}
