//! `POST /api/v1/conversations/{conversation_id}/files`: a whole file, or word that one will come.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use garde::Validate;
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{content_length, conversation_id, form};
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Body, Segment};
use crate::model::clock::Micros;
use crate::model::file::FileView;
use crate::model::user::Actor;
use crate::routes::problems::{Conflict, Problems};
use crate::services::files::presigned::{self, Target};
use crate::services::files::upload::{self, Announcement};

/// A form with one part.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described: the form is read as a stream")]
pub(crate) struct FileForm {
    /// The file, with its name and type.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// A file that will come.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub(crate) struct AnnounceFileRequest {
    #[garde(length(bytes, min = 1, max = 255))]
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// Exactly, in bytes.
    #[garde(range(min = 1))]
    #[schema(minimum = 1)]
    size: u64,
    #[serde(default)]
    #[garde(length(bytes, max = 255))]
    #[schema(max_length = 255)]
    content_type: String,
    /// Of the content, in hexadecimal; checked when the content has come.
    #[garde(inner(pattern("^[0-9a-fA-F]{64}$")))]
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    sha256: Option<String>,
}

/// Where the content goes.
#[derive(Serialize, ToSchema)]
pub(crate) struct UploadTarget {
    /// Always PUT.
    method: &'static str,
    /// Absolute, or a path on this server.
    url: String,
    /// To be sent along.
    headers: BTreeMap<&'static str, &'static str>,
    expires_at: Micros,
}

impl From<Target> for UploadTarget {
    fn from(target: Target) -> Self {
        Self { method: "PUT", url: target.url, headers: target.headers, expires_at: target.expires_at }
    }
}

/// A file that has come, or where its content goes.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedFile {
    #[serde(flatten)]
    file: FileView,
    /// For an announced file alone. After a presigned upload, `POST /files/{id}/complete`.
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<UploadTarget>,
}

/// Put a file into a conversation: as a form in one request, or announced as JSON and sent afterwards.
///
/// 409 `quota_exceeded`, `too_many_uploads`, `channel_archived`; 413 `file_too_large`; 422 `file_rejected`; 507
/// `storage_full`.
#[utoipa::path(post, path = "/conversations/{conversation_id}/files", tag = "files", operation_id = "create_file",
    params(("conversation_id" = uuid::Uuid, Path)),
    request_body(content((FileForm = "multipart/form-data"), (AnnounceFileRequest = "application/json"))),
    security(("bearer" = []), ("cookie" = [])), responses((status = 201, body = CreatedFile), Problems, Conflict))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(conversation): Segment,
    request: Request,
) -> Result<(StatusCode, Json<CreatedFile>), ApiError> {
    if matches!(caller.actor, Actor::Anonymous) {
        return Err(ApiError::sign_in_required());
    }
    let conversation = conversation_id(&conversation)?;
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let created = match content_type.map(multer::parse_boundary) {
        Some(Ok(boundary)) => {
            let limit = app.live().files.max_bytes;
            // Nothing in the form but the file is larger than nothing: the body bounds the file.
            let size = content_length(request.headers()).unwrap_or(limit);
            if size > limit.saturating_add(64 << 10) {
                return Err(crate::services::files::FileError::TooLarge(limit).into());
            }
            let part = form::read(boundary, request.into_body(), limit).await?;
            let (name, content_type) = (part.name, part.content_type);
            let new = Announcement { name, size: size.min(limit), content_type, sha256: None };
            let file = upload::take(&app, &caller, conversation, new, part.content).await?;
            CreatedFile { file: file.into(), upload: None }
        }
        _ => {
            let Body(new) = <Body<AnnounceFileRequest> as FromRequest<_>>::from_request(request, &app).await?;
            let sha256 = new.sha256.as_deref().map(from_hex);
            let new = Announcement { name: new.name, size: new.size, content_type: new.content_type, sha256 };
            let (file, target) = presigned::begin(&app, &caller, conversation, new).await?;
            CreatedFile { file: file.into(), upload: Some(target.into()) }
        }
    };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Bytes of a text that is known to be hexadecimal.
fn from_hex(text: &str) -> Vec<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
    text.as_bytes().chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, c| (byte << 4) | digit(*c))).collect()
}
