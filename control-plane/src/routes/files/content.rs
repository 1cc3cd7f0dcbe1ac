//! `GET /api/v1/files/{file_id}/content`: the bytes, whole or in part, for whoever may read them now.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;

use super::disposition::{Wanted, disposition, wanted};
use super::file_id;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::{Anyone, Params, Segment};
use crate::model::file::File;
use crate::routes::problems::{Conflict, Forbidden, Problems, RangeNotSatisfiable};
use crate::services::files;
use crate::services::files::check::Kind;

/// Nothing in a file may run, load or frame anything, even opened as a page of its own.
const CONTENT_POLICY: &str =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'";
/// Pages of other sites cannot embed what their visitor may read.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// How the content is wanted.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(crate) struct ContentQuery {
    /// Saved instead of shown in place.
    #[serde(default)]
    download: Option<bool>,
}

/// The content of a ready file. One range is answered in part; several get everything.
///
/// Pictures, sound, video and PDF are shown in place unless `download=true`; all else is an attachment.
#[utoipa::path(get, path = "/files/{file_id}/content", tag = "files", operation_id = "get_file_content",
    params(("file_id" = uuid::Uuid, Path), ContentQuery), security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "Everything", content_type = "*/*", body = Vec<u8>),
        (status = 206, description = "The range asked for", content_type = "*/*", body = Vec<u8>),
        (status = 304, description = "What `If-None-Match` names is still right"),
        Problems, Forbidden, Conflict, RangeNotSatisfiable
    ))]
pub(crate) async fn content(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Segment(id): Segment,
    Params(query): Params<ContentQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let file = files::find_readable(&app, &caller.actor, file_id(&id)?).await?;
    let inline = !query.download.unwrap_or(false) && Kind::of_mime(&file.mime).is_some_and(|kind| kind.inline);
    send(&app, &file, &headers, &disposition(inline, &file.name), "private, no-cache").await
}

/// Answers the content of a file that may be read.
pub(super) async fn send(
    app: &App,
    file: &File,
    asked: &HeaderMap,
    disposition: &str,
    caching: &'static str,
) -> Result<Response, ApiError> {
    let text = |name| asked.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    // The content of an id never changes.
    let tag = format!("\"{}\"", file.id.simple());
    let mut headers = HeaderMap::new();
    headers.insert(ETAG, value(&tag)?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    let knows =
        |known: &str| known.trim() == "*" || known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag);
    if text(IF_NONE_MATCH).is_some_and(knows) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let size = u64::try_from(file.size).unwrap_or(0);
    // A range of what the client has another version of would be nonsense.
    let range = text(RANGE).filter(|_| text(IF_RANGE).is_none_or(|known| known.trim() == tag));
    let (status, range) = match wanted(range, size) {
        Wanted::Whole => (StatusCode::OK, None),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, Some(range)),
        Wanted::Nothing => return Ok(unsatisfiable(size)),
    };
    let length = range.as_ref().map_or(size, |range| range.end - range.start);
    if let Some(range) = &range {
        headers.insert(CONTENT_RANGE, value(&format!("bytes {}-{}/{size}", range.start, range.end - 1))?);
    }
    let key = file.storage_key.as_deref().unwrap_or_default();
    let pieces = app.storage.read(key, range).await?;
    headers.insert(CONTENT_TYPE, value(&served_as(&file.mime))?);
    headers.insert(CONTENT_LENGTH, length.into());
    headers.insert(CONTENT_DISPOSITION, value(disposition)?);
    Ok((status, headers, Body::from_stream(pieces)).into_response())
}

fn value(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(text).map_err(|error| ApiError::internal(&error))
}

/// Text was checked to be UTF-8.
fn served_as(mime: &str) -> String {
    if mime.starts_with("text/") { format!("{mime}; charset=utf-8") } else { mime.to_owned() }
}

fn unsatisfiable(size: u64) -> Response {
    let error = ApiError::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "range_not_satisfiable",
        format!("The content has {size} bytes; the range lies behind them."),
    );
    let mut response = error.into_response();
    if let Ok(range) = HeaderValue::from_str(&format!("bytes */{size}")) {
        response.headers_mut().insert(CONTENT_RANGE, range);
    }
    response
}
