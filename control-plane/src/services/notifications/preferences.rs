//! How somebody wants to be told about each kind of news; defaults are in the model, choices in the database.

use std::collections::HashMap;

use uuid::Uuid;

use crate::app::App;
use crate::model::notification::{Channels, NotificationKind};
use crate::store::db::StoreError;
use crate::store::preferences::{self as store, PreferenceChange, PreferenceRow};
use crate::store::tx::Tx;

/// Minutes before a meeting that people are reminded who chose nothing.
pub(crate) const DEFAULT_LEAD_MIN: i64 = 10;
/// Minutes before a meeting that people may want to be reminded: up to a week.
pub(crate) const MAX_LEAD_MIN: i64 = 7 * 24 * 60;

/// What applies to one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Preference {
    pub kind: NotificationKind,
    pub channels: Channels,
    /// Of reminders only.
    pub lead_min: Option<i64>,
}

/// Lists what applies to every kind.
///
/// # Errors
/// As any statement.
pub(crate) async fn list(app: &App, user_id: Uuid) -> Result<Vec<Preference>, StoreError> {
    Ok(complete(&store::list(&app.db, user_id).await?))
}

/// Writes what is to change and lists what applies then.
///
/// # Errors
/// As any statement.
pub(crate) async fn update(
    app: &App,
    user_id: Uuid,
    changes: &[PreferenceChange],
) -> Result<Vec<Preference>, StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    for change in changes {
        store::upsert(&mut tx, user_id, *change, now).await?;
    }
    let all = complete(&store::list(&mut tx, user_id).await?);
    tx.commit(now).await?;
    Ok(all)
}

/// How many minutes ahead each of `user_ids` wants to be reminded of meetings.
///
/// # Errors
/// As any statement.
pub(crate) async fn reminder_leads(tx: &mut Tx, user_ids: &[Uuid]) -> Result<HashMap<Uuid, i64>, StoreError> {
    let mut leads: HashMap<Uuid, i64> = user_ids.iter().map(|id| (*id, DEFAULT_LEAD_MIN)).collect();
    leads.extend(store::list_leads(tx, user_ids).await?);
    Ok(leads)
}

fn complete(chosen: &[PreferenceRow]) -> Vec<Preference> {
    NotificationKind::ALL.into_iter().map(|kind| preference(kind, chosen)).collect()
}

fn preference(kind: NotificationKind, chosen: &[PreferenceRow]) -> Preference {
    let row = chosen.iter().find(|row| row.kind == kind.as_str());
    let channels =
        row.map_or(kind.default_channels(), |row| Channels { in_app: row.in_app, push: row.push, email: row.email });
    let lead_min = (kind == NotificationKind::MeetingReminder)
        .then(|| row.and_then(|row| row.reminder_lead_min).unwrap_or(DEFAULT_LEAD_MIN));
    Preference { kind, channels, lead_min }
}
