//! SQL of what the installation knows of itself.

use sqlx::types::Json;
use uuid::Uuid;

use super::db::{Db, StoreError, run};
use super::statements;
use crate::model::clock::Micros;

statements! {
    INSERT_OWN_SETTING = "INSERT INTO settings (key, value, updated_by, updated_at) VALUES ($1, $2, NULL, $3) \
        ON CONFLICT (key) DO NOTHING";
    FIND_OWN_SETTING = "SELECT value FROM settings WHERE key = $1";
}

/// Key of the id that replicas on one database share.
const INSTALLATION: &str = "installation_id";

/// The id of this database's installation, made when it is first asked for. Whoever inserts first decides.
pub(crate) async fn installation_id(db: &Db, now: Micros) -> Result<Uuid, StoreError> {
    let fresh = Json(Uuid::now_v7());
    run!(db, execute, INSERT_OWN_SETTING, INSTALLATION, &fresh, now)?;
    let (id,): (Json<Uuid>,) = run!(db, fetch_one as (Json<Uuid>,), FIND_OWN_SETTING, INSTALLATION)?;
    Ok(id.0)
}
