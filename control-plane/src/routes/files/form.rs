//! The file in a `multipart/form-data` body, as a stream: never more than one piece of it is in memory.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use multer::{Constraints, Multipart, SizeLimit};

use crate::error::ApiError;
use crate::services::files::upload::{BrokenBody, Incoming};

/// The part that carries the file.
const FIELD: &str = "file";
/// Bytes before the content of the file begins: boundaries and headers.
const PREAMBLE_BYTES: usize = 16 << 10;

/// A file in a form.
pub(super) struct FilePart {
    pub name: String,
    pub content_type: String,
    pub content: Incoming,
}

/// Finds the file in a form.
///
/// # Errors
/// 400 for what is no form, 422 for a form without a file.
pub(super) async fn read(boundary: String, body: Body, limit: u64) -> Result<FilePart, ApiError> {
    let in_content = Arc::new(AtomicBool::new(false));
    let measured =
        Measured { inner: body.into_data_stream(), in_content: Arc::clone(&in_content), preamble: 0, gave: false };
    let limits = SizeLimit::new().whole_stream(limit.saturating_add(2 * PREAMBLE_BYTES as u64));
    let mut form = Multipart::with_constraints(measured, boundary, Constraints::new().size_limit(limits));
    let part = form.next_field().await.map_err(|error| malformed(&error))?;
    let part = part.ok_or_else(|| ApiError::field(FIELD, "is required"))?;
    if part.name() != Some(FIELD) {
        return Err(ApiError::field(FIELD, "must be the first part of the form"));
    }
    let Some(name) = part.file_name().map(str::to_owned) else {
        return Err(ApiError::field(FIELD, "must have a file name"));
    };
    // As it is: one that cannot be parsed is wrong, not missing.
    let content_type = part.headers().get(CONTENT_TYPE);
    let content_type =
        content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default();
    in_content.store(true, Ordering::Relaxed);
    // The form has to live as long as its part.
    let content = part.map_err(|_| BrokenBody).chain(futures_util::stream::once(async move {
        let mut form = form;
        match form.next_field().await {
            Ok(None) => Ok(Bytes::new()),
            // A second part, or no end.
            Ok(Some(_)) | Err(_) => Err(BrokenBody),
        }
    }));
    Ok(FilePart { name, content_type, content: content.boxed() })
}

fn malformed(error: &multer::Error) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "malformed_body", format!("The form could not be read: {error}."))
}

/// Hands a body on piece by piece: the parser takes as much as it can get, and must not get all at once; before the
/// content begins it gets little at all.
struct Measured {
    inner: BodyDataStream,
    in_content: Arc<AtomicBool>,
    preamble: usize,
    gave: bool,
}

impl Stream for Measured {
    type Item = Result<Bytes, io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.gave) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = futures_util::ready!(self.inner.poll_next_unpin(context));
        self.gave = true;
        let Some(piece) = piece else { return Poll::Ready(None) };
        let piece = piece.map_err(io::Error::other)?;
        if !self.in_content.load(Ordering::Relaxed) {
            // The piece in which the content begins may be as large as the sender likes; the next may not come.
            if self.preamble > PREAMBLE_BYTES {
                return Poll::Ready(Some(Err(io::Error::other("the head of the form is too long"))));
            }
            self.preamble += piece.len();
        }
        Poll::Ready(Some(Ok(piece)))
    }
}
