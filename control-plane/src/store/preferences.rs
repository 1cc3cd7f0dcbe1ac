//! SQL of preferences: how somebody wants to be told about each kind of news.

use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use super::db::{On, StoreError, run};
use super::statements;
use super::tx::Tx;
use crate::model::clock::Micros;
use crate::model::notification::{Channels, NotificationKind};

/// `$1` is a JSON array of ids in hexadecimal.
macro_rules! list_leads {
    ($ids:literal) => {
        concat!(
            "SELECT user_id, reminder_lead_min FROM notification_prefs WHERE kind = 'meeting.reminder' \
             AND reminder_lead_min IS NOT NULL AND user_id IN (",
            $ids,
            ")"
        )
    };
}

pub(super) const LIST_LEADS_ON_SQLITE: &str = list_leads!("SELECT unhex(e.value) FROM json_each($1) e");
pub(super) const LIST_LEADS_ON_POSTGRES: &str =
    list_leads!("SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($1) AS e (value)");

statements! {
    LIST_PREFERENCES = "SELECT kind, in_app, push, email, reminder_lead_min FROM notification_prefs \
        WHERE user_id = $1 LIMIT 100";
    // What is left out stays as it is, also under two changes at once.
    UPSERT_PREFERENCE = "INSERT INTO notification_prefs \
        (user_id, kind, in_app, push, email, reminder_lead_min, updated_at) \
        VALUES ($1, $2, COALESCE($3, CAST($7 AS BOOLEAN)), COALESCE($4, CAST($8 AS BOOLEAN)), \
        COALESCE($5, CAST($9 AS BOOLEAN)), $6, $10) \
        ON CONFLICT (user_id, kind) DO UPDATE SET in_app = COALESCE($3, notification_prefs.in_app), \
        push = COALESCE($4, notification_prefs.push), email = COALESCE($5, notification_prefs.email), \
        reminder_lead_min = COALESCE($6, notification_prefs.reminder_lead_min), updated_at = $10";
}

/// What somebody chose for one kind.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct PreferenceRow {
    /// As text: a kind this program does not know (any more) is no error.
    pub kind: String,
    pub in_app: bool,
    pub push: bool,
    pub email: bool,
    pub reminder_lead_min: Option<i64>,
}

/// What is to change about one kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PreferenceChange {
    pub kind: NotificationKind,
    pub in_app: Option<bool>,
    pub push: Option<bool>,
    pub email: Option<bool>,
    pub reminder_lead_min: Option<i64>,
}

/// Lists what somebody chose; kinds they never touched are missing.
pub(crate) async fn list(on: impl Into<On<'_>>, user_id: Uuid) -> Result<Vec<PreferenceRow>, StoreError> {
    run!(on, fetch_all as PreferenceRow, LIST_PREFERENCES, user_id)
}

/// Writes a choice.
pub(crate) async fn upsert(
    tx: &mut Tx,
    user_id: Uuid,
    change: PreferenceChange,
    now: Micros,
) -> Result<(), StoreError> {
    let Channels { in_app, push, email } = change.kind.default_channels();
    run!(
        tx,
        execute,
        UPSERT_PREFERENCE,
        user_id,
        change.kind,
        change.in_app,
        change.push,
        change.email,
        change.reminder_lead_min,
        in_app,
        push,
        email,
        now
    )?;
    Ok(())
}

/// How many minutes ahead people want to be reminded, for those who chose.
pub(crate) async fn list_leads(tx: &mut Tx, user_ids: &[Uuid]) -> Result<Vec<(Uuid, i64)>, StoreError> {
    let ids: Vec<String> = user_ids.iter().map(|id| id.simple().to_string()).collect();
    let sql = if tx.is_sqlite() { LIST_LEADS_ON_SQLITE } else { LIST_LEADS_ON_POSTGRES };
    let ids = Json(json!(ids));
    run!(tx, fetch_all as (Uuid, i64), sql, &ids)
}
