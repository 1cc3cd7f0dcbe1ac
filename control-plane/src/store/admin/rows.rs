//! The rows of the admin lists, as admins see them: no hash, no token, no payload.

use serde::Serialize;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::call::CallState;
use crate::model::clock::Micros;
use crate::model::conversation::{ConversationKind, SenderKind};
use crate::model::file::{FilePurpose, FileState, UploaderKind};
use crate::model::job::JobState;
use crate::model::meeting::MeetingStatus;
use crate::model::room::{AccessLevel, RoomType};
use crate::model::user::{PlatformRole, UserStatus};

/// An account, deleted ones too.
#[derive(Debug, sqlx::FromRow, Serialize, ToSchema)]
pub(crate) struct AdminUser {
    pub id: Uuid,
    pub email: String,
    pub username: Option<String>,
    pub display_name: String,
    pub platform_role: PlatformRole,
    pub status: UserStatus,
    pub email_verified_at: Option<Micros>,
    pub last_seen_at: Option<Micros>,
    pub created_at: Micros,
    pub deleted_at: Option<Micros>,
}

/// A room, deleted ones too.
#[derive(Debug, sqlx::FromRow, Serialize, ToSchema)]
pub(crate) struct AdminRoom {
    pub id: Uuid,
    pub code: String,
    pub org_id: Option<Uuid>,
    pub name: String,
    #[sqlx(rename = "type")]
    #[serde(rename = "type")]
    pub room_type: RoomType,
    pub access_level: AccessLevel,
    pub is_active: bool,
    pub expires_at: Option<Micros>,
    pub created_by: Uuid,
    pub members: i64,
    /// The open call, if there is one.
    pub call_id: Option<Uuid>,
    pub created_at: Micros,
    pub deleted_at: Option<Micros>,
}

/// A call, open or ended.
#[derive(Debug, sqlx::FromRow, Serialize, ToSchema)]
pub(crate) struct AdminCall {
    pub id: Uuid,
    pub room_id: Uuid,
    pub room_name: String,
    pub media_node_id: String,
    pub state: CallState,
    pub started_by: Option<Uuid>,
    pub created_at: Micros,
    pub started_at: Option<Micros>,
    pub ended_at: Option<Micros>,
    pub end_reason: Option<String>,
    pub peak_participants: i64,
    /// People in it now.
    pub participants: i64,
}

/// A job; what it carries is not shown.
#[derive(Debug, sqlx::FromRow, Serialize, ToSchema)]
pub(crate) struct AdminJob {
    pub id: Uuid,
    pub kind: String,
    pub state: JobState,
    pub attempts: i64,
    pub max_attempts: i64,
    pub run_at: Micros,
    /// Whose request caused it.
    pub user_id: Option<Uuid>,
    pub last_error: Option<String>,
    pub created_at: Micros,
    pub finished_at: Option<Micros>,
}

/// An entry of the audit log.
#[derive(Debug, sqlx::FromRow, Serialize, ToSchema)]
pub(crate) struct AdminAuditRow {
    pub id: Uuid,
    pub org_id: Option<Uuid>,
    pub actor_id: Option<Uuid>,
    pub actor_name: Option<String>,
    pub session_id: Option<Uuid>,
    pub ip: String,
    pub action: String,
    pub target_kind: String,
    pub target_id: Option<Uuid>,
    /// What changed; never passwords, tokens or what people wrote.
    #[schema(value_type = serde_json::Value)]
    pub diff: Json<serde_json::Value>,
    pub created_at: Micros,
}

/// An organization, deleted ones too.
#[derive(Debug, sqlx::FromRow, Serialize, ToSchema)]
pub(crate) struct AdminOrganization {
    pub id: Uuid,
    pub slug: String,
    pub name: String,
    pub created_by: Uuid,
    pub members: i64,
    pub channels: i64,
    pub created_at: Micros,
    pub deleted_at: Option<Micros>,
}

/// A message, deleted ones too.
#[derive(Debug, sqlx::FromRow, Serialize, ToSchema)]
pub(crate) struct AdminMessage {
    pub id: Uuid,
    pub conversation_id: Uuid,
    pub conversation_kind: ConversationKind,
    pub seq: i64,
    pub sender_kind: SenderKind,
    pub sender_id: Uuid,
    /// Null in direct conversations: those are nobody else's.
    pub body: Option<String>,
    pub created_at: Micros,
    pub edited_at: Option<Micros>,
    pub deleted_at: Option<Micros>,
}

/// A meeting, deleted ones too.
#[derive(Debug, sqlx::FromRow, Serialize, ToSchema)]
pub(crate) struct AdminMeeting {
    pub id: Uuid,
    pub room_id: Uuid,
    pub org_id: Option<Uuid>,
    pub organizer_id: Uuid,
    pub title: String,
    pub starts_at: Micros,
    pub duration_min: i64,
    pub timezone: String,
    pub rrule: Option<String>,
    pub status: MeetingStatus,
    pub created_at: Micros,
    pub deleted_at: Option<Micros>,
}

/// A notification, without what it says.
#[derive(Debug, sqlx::FromRow, Serialize, ToSchema)]
pub(crate) struct AdminNotification {
    pub id: Uuid,
    pub user_id: Uuid,
    pub kind: String,
    pub in_app: bool,
    pub push: bool,
    pub email: bool,
    pub created_at: Micros,
    pub read_at: Option<Micros>,
    pub deleted_at: Option<Micros>,
}

/// A file, without its content.
#[derive(Debug, sqlx::FromRow, Serialize, ToSchema)]
pub(crate) struct AdminFile {
    pub id: Uuid,
    pub purpose: FilePurpose,
    pub conversation_id: Option<Uuid>,
    pub uploader_kind: UploaderKind,
    pub uploader_id: Uuid,
    pub name: String,
    pub size: i64,
    pub mime: String,
    pub state: FileState,
    pub reject_reason: Option<String>,
    pub message_id: Option<Uuid>,
    pub created_at: Micros,
    pub ready_at: Option<Micros>,
    pub deleted_at: Option<Micros>,
}

/// How much there is of everything.
#[derive(Debug, sqlx::FromRow, Serialize, ToSchema)]
pub(crate) struct AdminCounts {
    pub users_active: i64,
    pub users_suspended: i64,
    pub organizations: i64,
    pub rooms: i64,
    pub meetings: i64,
    pub messages: i64,
    pub files: i64,
    /// Of the ready ones.
    pub files_bytes: i64,
    pub calls_open: i64,
    pub calls_ended: i64,
    pub people_in_calls: i64,
    pub jobs_ready: i64,
    pub jobs_running: i64,
    pub jobs_dead: i64,
    pub nodes_up: i64,
    pub nodes_not_up: i64,
}
