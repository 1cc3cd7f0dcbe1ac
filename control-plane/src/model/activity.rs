//! What happened in an organization: for everybody in it, and for the audit log.

use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::clock::Micros;

/// An activity about to be written.
#[derive(Debug)]
pub(crate) struct NewActivity<'a> {
    pub org_id: Uuid,
    /// Who did it, and their name.
    pub actor: Option<(Uuid, &'a str)>,
    /// What they did, such as `channel.created`.
    pub kind: &'static str,
    /// What it is about: `organization`, `user`, `channel`, `room`, `meeting`.
    pub of: (&'static str, Uuid),
    pub data: Value,
}

/// An activity as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Activity {
    pub id: Uuid,
    pub org_id: Uuid,
    pub actor_id: Option<Uuid>,
    pub actor_name: Option<String>,
    #[sqlx(rename = "type")]
    pub kind: String,
    pub ref_kind: String,
    pub ref_id: Uuid,
    pub data: Json<Value>,
    pub created_at: Micros,
}

/// A row of the audit log, with its actor's name.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct AuditEntry {
    pub id: Uuid,
    pub actor_id: Option<Uuid>,
    pub actor_name: Option<String>,
    pub action: String,
    pub target_kind: String,
    pub target_id: Option<Uuid>,
    pub diff: Json<Value>,
    pub ip: String,
    pub created_at: Micros,
}
