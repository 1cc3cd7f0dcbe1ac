//! Cursors of lists that are ordered by time: where the page before ended, as start and id.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::error::ApiError;

/// Reads a cursor.
///
/// # Errors
/// 422 for one this server did not make.
pub(super) fn read(cursor: Option<&str>) -> Result<Option<(i64, Uuid)>, ApiError> {
    let Some(cursor) = cursor else { return Ok(None) };
    let place = || {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (key, id) = bytes.split_at_checked(8)?;
        Some((i64::from_be_bytes(key.try_into().ok()?), Uuid::from_slice(id).ok()?))
    };
    place().map(Some).ok_or_else(|| ApiError::field("cursor", "is not a cursor of this list"))
}

/// Cuts what was fetched (one more than `limit`) to a page and names the next one, if there is more.
pub(super) fn cut<T>(mut rows: Vec<T>, limit: u32, place: impl Fn(&T) -> (i64, Uuid)) -> (Vec<T>, Option<String>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if rows.len() <= limit {
        return (rows, None);
    }
    rows.truncate(limit);
    let next = rows.last().map(|row| {
        let (key, id) = place(row);
        URL_SAFE_NO_PAD.encode([&key.to_be_bytes()[..], id.as_bytes()].concat())
    });
    (rows, next)
}
