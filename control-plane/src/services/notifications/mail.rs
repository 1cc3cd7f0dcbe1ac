//! Notifications as mail: one by itself where it would come too late otherwise, else everything unread in one.

use serde_json::Value;
use uuid::Uuid;

use super::unsubscribe;
use super::wording::wording;
use crate::app::App;
use crate::model::notification::Notification;
use crate::services::mail::{self, Button, Mail};
use crate::store::db::StoreError;
use crate::store::notifications::{self as store, Address};

/// Entries of one mail.
const MAX_ENTRIES: i64 = 50;

/// Enqueues the mail about one unread notification, or about all of them, in the transaction that marks them as mailed.
///
/// # Errors
/// As any statement.
pub(crate) async fn mail(app: &App, user_id: Uuid, one: Option<Uuid>) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let Some(address) = store::find_address(&mut tx, user_id).await? else { return Ok(()) };
    let entries = store::take_for_mail(&mut tx, user_id, one, now, MAX_ENTRIES).await?;
    if entries.is_empty() {
        return Ok(());
    }
    let mut kinds = Vec::new();
    for entry in &entries {
        if !kinds.contains(&entry.kind) {
            kinds.push(entry.kind);
        }
    }
    let unsubscribe = unsubscribe::link(app, user_id, &kinds);
    mail::enqueue(&mut tx, Mail { unsubscribe, ..compose(app, &address, &entries) }, now).await?;
    tx.commit(now).await
}

fn compose(app: &App, address: &Address, entries: &[Notification]) -> Mail {
    let words: Vec<_> = entries.iter().map(|entry| wording(entry.kind, &entry.payload.0)).collect();
    let mut paragraphs = Vec::with_capacity(entries.len() * 2 + 1);
    for (entry, words) in entries.iter().zip(&words) {
        let when = starts_at(&entry.payload.0, &address.timezone);
        paragraphs.push(when.map_or_else(|| words.title.clone(), |when| format!("{}, {when}", words.title)));
        if !words.body.is_empty() {
            paragraphs.push(words.body.clone());
        }
    }
    paragraphs.push("You choose what you get by mail in your settings.".to_owned());
    let (subject, path) = match words.as_slice() {
        [only] => (only.title.clone(), only.link.as_deref().unwrap_or("/")),
        all => (format!("{} new notifications", all.len()), "/"),
    };
    let button = mail::link(app, path).map(|url| Button { label: "Open".to_owned(), url });
    Mail { to: address.email.clone(), subject, paragraphs, button, calendar: None, unsubscribe: None, dedupe_key: None }
}

/// When something starts, as the clock on the receiver's wall shows it.
fn starts_at(payload: &Value, timezone: &str) -> Option<String> {
    let stamp: jiff::Timestamp = payload.get("starts_at")?.as_str()?.parse().ok()?;
    let zoned = stamp.in_tz(timezone).ok()?;
    Some(zoned.strftime("%a %-d %b %Y, %H:%M (%Q)").to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::starts_at;

    #[test]
    fn tells_the_time_where_the_reader_is() {
        let payload = json!({ "starts_at": "2030-07-01T07:30:00Z" });
        assert_eq!(starts_at(&payload, "Europe/Berlin").unwrap(), "Mon 1 Jul 2030, 09:30 (Europe/Berlin)");
        assert_eq!(starts_at(&payload, "Nowhere/Else"), None);
        assert_eq!(starts_at(&json!({ "starts_at": "soon" }), "UTC"), None);
    }
}
