//! Telling people: one row each, once, which feeds inbox, socket, push and mail as far as the person wants.
//!
//! In: who, what, and a key that makes it the same news. Out: rows, events and one job, in the transaction of the act
//! that caused them. Must not send anything itself: jobs do.

pub(crate) mod announce;
pub(crate) mod deliver;
pub(crate) mod inbox;
pub(crate) mod mail;
pub(crate) mod mentions;
pub(crate) mod preferences;
pub(crate) mod push;
pub(crate) mod unsubscribe;
mod wording;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::jobs::NewJob;
use crate::model::clock::Micros;
use crate::model::notification::NotificationKind;
use crate::store::db::StoreError;
use crate::store::notifications::{self as store, News};
use crate::store::tx::Tx;

/// People told within one act: each is an event, and an act may cause 256 of them in all.
pub(crate) const PEOPLE_PER_ACT: usize = 50;
/// People one call may name; the rest would be a defect of the caller, who pages through large audiences.
const MAX_PEOPLE: usize = 10_000;
/// Characters of each text in a payload: an announcement, no document.
const TEXT_CHARS: usize = 2_000;

/// Tells people something, once each; how many were told now.
///
/// `dedupe_key` makes it the same news: whoever has a row with that key, even a deleted one, is left alone, so that jobs
/// may repeat. Texts in `payload` that pushes and mails are worded with: `title`, `actor_name`, `text`, `link` (a path of
/// the web app) and `starts_at`. Whose name `actor_name` is says `actor_id`, if they have an account: by it the name is
/// found when the account is erased. Up to [`PEOPLE_PER_ACT`] are told with the commit; more of them by jobs soon after.
///
/// # Errors
/// As any statement.
pub(crate) async fn notify(
    tx: &mut Tx,
    user_ids: &[Uuid],
    kind: NotificationKind,
    payload: Value,
    dedupe_key: &str,
    now: Micros,
) -> Result<usize, StoreError> {
    if user_ids.len() > MAX_PEOPLE {
        tracing::error!(kind = kind.as_str(), people = user_ids.len(), "too many people for one notification");
    }
    let payload = clipped(payload);
    let mut user_ids = user_ids.get(..MAX_PEOPLE.min(user_ids.len())).unwrap_or_default().to_vec();
    user_ids.sort_unstable();
    user_ids.dedup();
    let mut chunks = user_ids.chunks(PEOPLE_PER_ACT);
    let told = match chunks.next() {
        Some(first) => tell(tx, first, kind, &payload, dedupe_key, now).await?,
        None => 0,
    };
    for more in chunks {
        let payload = json!({ "user_ids": more, "kind": kind, "payload": payload, "dedupe_key": dedupe_key });
        tx.enqueue(NewJob::notification_tell(payload), now).await?;
    }
    Ok(told)
}

/// Makes the rows, events and the delivery job of at most [`PEOPLE_PER_ACT`] people.
async fn tell(
    tx: &mut Tx,
    user_ids: &[Uuid],
    kind: NotificationKind,
    payload: &Value,
    dedupe_key: &str,
    now: Micros,
) -> Result<usize, StoreError> {
    let told = store::insert(tx, user_ids, News { kind, payload, dedupe_key }, now).await?;
    for row in told.iter().filter(|row| row.in_app) {
        let entry = json!({ "id": row.id, "kind": kind, "payload": payload, "created_at": now, "read_at": null });
        tx.event(topic(row.user_id), "notification.created", &entry);
    }
    let outside: Vec<Uuid> = told.iter().filter(|row| row.push || row.email).map(|row| row.id).collect();
    if !outside.is_empty() {
        tx.enqueue(NewJob::notification_deliver(&outside), now).await?;
    }
    Ok(told.len())
}

/// Where somebody's devices listen.
pub(crate) fn topic(user_id: Uuid) -> String {
    format!("notifications:{user_id}")
}

/// The payload with no text longer than [`TEXT_CHARS`].
fn clipped(mut payload: Value) -> Value {
    if let Some(fields) = payload.as_object_mut() {
        for value in fields.values_mut() {
            if let Value::String(text) = value
                && let Some((end, _)) = text.char_indices().nth(TEXT_CHARS)
            {
                text.truncate(end);
                text.push('…');
            }
        }
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_letters() {
        let cut = clipped(json!({ "text": "ß".repeat(TEXT_CHARS + 1), "n": 1, "title": "short" }));
        assert_eq!(cut["text"].as_str().unwrap().chars().count(), TEXT_CHARS + 1);
        assert_eq!((&cut["n"], &cut["title"]), (&json!(1), &json!("short")));
    }
}
