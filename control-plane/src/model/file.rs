//! Files: what people put into conversations, and their pictures.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::clock::Micros;
use super::text_enum::text_enum;

text_enum! {
    /// What a file is for.
    pub(crate) enum FilePurpose { Message = "message", Avatar = "avatar", Recording = "recording" }
}

text_enum! {
    /// `pending` until its bytes are there and checked, then `ready` or `rejected`; `deleted` until its bytes are gone.
    pub(crate) enum FileState { Pending = "pending", Ready = "ready", Rejected = "rejected", Deleted = "deleted" }
}

text_enum! {
    /// Whether a file is from somebody with an account or from a guest.
    pub(crate) enum UploaderKind { User = "user", Guest = "guest" }
}

/// A file as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct File {
    pub id: Uuid,
    pub purpose: FilePurpose,
    pub conversation_id: Option<Uuid>,
    pub uploader_kind: UploaderKind,
    pub uploader_id: Uuid,
    pub name: String,
    /// Announced while pending, measured once ready.
    pub size: i64,
    pub mime: String,
    pub sha256: Option<Vec<u8>>,
    /// Where its bytes are, or are arriving.
    pub storage_key: Option<String>,
    pub state: FileState,
    pub reject_reason: Option<String>,
    pub received: i64,
    pub message_id: Option<Uuid>,
    pub created_at: Micros,
    pub ready_at: Option<Micros>,
}

/// Who uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uploader {
    pub kind: UploaderKind,
    pub id: Uuid,
}

impl File {
    /// Whether `uploader` brought this file.
    pub(crate) fn is_of(&self, uploader: Uploader) -> bool {
        self.uploader_kind == uploader.kind && self.uploader_id == uploader.id
    }

    /// The folder in the store that holds everything of a file: made of its id alone.
    pub(crate) fn folder(id: Uuid) -> String {
        let text = id.simple().to_string();
        // The last letters of a UUIDv7 are random, so that folders fill evenly.
        let spread = text.get(30..).unwrap_or("00");
        format!("{spread}/{text}")
    }
}

/// A file, in answers and in events.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FileView {
    pub id: Uuid,
    pub conversation_id: Option<Uuid>,
    /// The message it belongs to, once it is sent.
    pub message_id: Option<Uuid>,
    pub uploader_kind: UploaderKind,
    pub uploader_id: Uuid,
    pub name: String,
    /// In bytes; what was announced while pending.
    pub size: i64,
    /// The type it is served as.
    pub content_type: String,
    pub state: FileState,
    /// Why it was rejected: `content`, `declared_type`, `mismatch`, `empty`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reject_reason: Option<String>,
    /// Bytes that have arrived so far.
    pub received: i64,
    /// Of the content, in hexadecimal; absent when the bytes did not pass this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Where the content is, once ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_url: Option<String>,
    pub created_at: Micros,
    pub ready_at: Option<Micros>,
}

impl From<File> for FileView {
    fn from(file: File) -> Self {
        let ready = file.state == FileState::Ready;
        Self {
            id: file.id,
            conversation_id: file.conversation_id,
            message_id: file.message_id,
            uploader_kind: file.uploader_kind,
            uploader_id: file.uploader_id,
            name: file.name,
            size: file.size,
            content_type: file.mime,
            state: file.state,
            reject_reason: file.reject_reason,
            received: file.received,
            sha256: file.sha256.map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
            content_url: ready.then(|| format!("/api/v1/files/{}/content", file.id)),
            created_at: file.created_at,
            ready_at: file.ready_at,
        }
    }
}
