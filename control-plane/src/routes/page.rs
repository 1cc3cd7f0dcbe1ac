//! Cursor pages: how every list is asked for and answered.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use garde::Validate;
use serde::Deserialize;
use uuid::Uuid;

use crate::error::ApiError;

/// Entries of a page nobody gave a size for.
pub(crate) const DEFAULT_LIMIT: u32 = 50;
/// Entries of a page at most.
pub(crate) const MAX_LIMIT: u32 = 100;

/// Which page of a list without filters.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Entries of the page: 1 to 100, 50 unless given.
    #[garde(inner(range(min = 1, max = MAX_LIMIT)))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(chars, max = 100)))]
    pub cursor: Option<String>,
}

impl PageQuery {
    /// Entries of the page.
    pub(crate) fn limit(&self) -> u32 {
        self.limit.unwrap_or(DEFAULT_LIMIT)
    }

    /// Rows to fetch: one more than the page shows, which tells whether there is another page.
    pub(crate) fn fetch(&self) -> i64 {
        i64::from(self.limit()) + 1
    }

    /// The last entry of the page before.
    ///
    /// # Errors
    /// 422 for a cursor this server did not make.
    pub(crate) fn after(&self) -> Result<Option<Uuid>, ApiError> {
        read_cursor(self.cursor.as_deref())
    }
}

/// The last entry of the page before, out of its cursor.
///
/// # Errors
/// 422 for a cursor this server did not make.
pub(crate) fn read_cursor(cursor: Option<&str>) -> Result<Option<Uuid>, ApiError> {
    let Some(cursor) = cursor else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    match bytes.and_then(|bytes| Uuid::from_slice(&bytes).ok()) {
        Some(id) => Ok(Some(id)),
        None => Err(ApiError::field("cursor", "is not a cursor of this list")),
    }
}

/// The place in the order of the last entry of the page before, for lists that are not ordered by id alone.
///
/// # Errors
/// 422 for a cursor this server did not make.
pub(crate) fn read_place(cursor: Option<&str>) -> Result<Option<(i64, Uuid)>, ApiError> {
    let Some(cursor) = cursor else { return Ok(None) };
    let bytes: Option<[u8; 24]> = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| bytes.try_into().ok());
    let place = bytes.as_ref().and_then(|bytes| {
        let (key, id) = bytes.split_first_chunk::<8>()?;
        Some((i64::from_be_bytes(*key), Uuid::from_slice(id).ok()?))
    });
    place.map(Some).ok_or_else(|| ApiError::field("cursor", "is not a cursor of this list"))
}

/// As [`cut`], for lists that are not ordered by id alone.
pub(crate) fn cut_at<T>(mut rows: Vec<T>, limit: u32, place: impl Fn(&T) -> (i64, Uuid)) -> (Vec<T>, Option<String>) {
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

/// Cuts what was fetched (one more than `limit`) to a page and names the next one, if there is more.
pub(crate) fn cut<T>(mut rows: Vec<T>, limit: u32, id: impl Fn(&T) -> Uuid) -> (Vec<T>, Option<String>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if rows.len() <= limit {
        return (rows, None);
    }
    rows.truncate(limit);
    let next = rows.last().map(|row| URL_SAFE_NO_PAD.encode(id(row).as_bytes()));
    (rows, next)
}
