//! SQL of the settings that admins change while the server runs.

use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::db::{Db, StoreError, run};
use super::statements;
use super::tx::Tx;
use crate::model::clock::Micros;

/// Settings read at once; the table holds one row per known key.
const MAX_SETTINGS: i64 = 1_000;

statements! {
    LIST_SETTINGS = "SELECT key, value, updated_by, updated_at FROM settings ORDER BY key LIMIT $1";
    UPSERT_SETTING = "INSERT INTO settings (key, value, updated_by, updated_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_by = excluded.updated_by, \
        updated_at = excluded.updated_at";
    DELETE_SETTING = "DELETE FROM settings WHERE key = $1";
}

/// A setting as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct StoredSetting {
    pub key: String,
    pub value: Json<Value>,
    pub updated_by: Option<Uuid>,
    pub updated_at: Micros,
}

/// Every stored setting.
pub(crate) async fn list(db: &Db) -> Result<Vec<StoredSetting>, StoreError> {
    run!(db, fetch_all as StoredSetting, LIST_SETTINGS, MAX_SETTINGS)
}

/// Writes one setting.
pub(crate) async fn upsert(tx: &mut Tx, key: &str, value: &Value, by: Uuid, now: Micros) -> Result<(), StoreError> {
    run!(tx, execute, UPSERT_SETTING, key, Json(value), by, now)?;
    Ok(())
}

/// Forgets one setting, so that the configured value holds again.
pub(crate) async fn delete(tx: &mut Tx, key: &str) -> Result<(), StoreError> {
    run!(tx, execute, DELETE_SETTING, key)?;
    Ok(())
}
