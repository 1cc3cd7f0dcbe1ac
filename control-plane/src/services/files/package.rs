//! Documents that are ZIP archives: whether an archive holds what makes it that kind of document.
//!
//! In: a stored object. Out: yes, or why not. Reads its end and its directory, both of bounded size; unpacks nothing, so
//! it says what the archive claims to be, not that the document is sound.

use std::ops::Range;

use futures_util::StreamExt;

use super::FileError;
use super::check::Rejection;
use crate::adapters::storage::Storage;

/// How every archive with something in it begins (APPNOTE.TXT 4.3.7).
const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
/// How each entry of the directory begins (4.3.12), and its fixed part.
const ENTRY: &[u8] = b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
/// How the record behind the directory begins (4.3.16), and its fixed part; a comment of up to 65,535 bytes follows.
const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;
/// The part of an object in which that record must be.
const TAIL_BYTES: u64 = END_BYTES as u64 + 0xffff;
/// Largest directory that is read: more than ten thousand entries. An archive of more than 4 GiB or 65,535 entries has its
/// directory elsewhere (ZIP64); no document is like that.
const MAX_DIRECTORY_BYTES: u64 = 1 << 20;

/// What an archive has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Package {
    /// Office Open XML: the list of its parts' types (ECMA-376 part 2), and parts in this folder.
    Office(&'static str),
    /// OpenDocument: its type, first of all and not compressed, and its manifest (ODF 1.3 part 2, 3.2 and 3.3).
    OpenDocument,
}

impl Package {
    /// Whether an object of type `mime` may begin like this.
    pub(super) fn may_begin_with(self, head: &[u8], mime: &str) -> bool {
        match self {
            Self::Office(_) => head.starts_with(LOCAL_HEADER),
            Self::OpenDocument => names_its_type(head, mime).unwrap_or(false),
        }
    }

    /// Whether a directory lists what has to be there.
    fn is_listed_in(self, directory: &[u8]) -> bool {
        // Names of parts are the same in either case (ECMA-376 part 2, 6.2.2.3).
        let has = |wanted: &str| names(directory).any(|name| name.eq_ignore_ascii_case(wanted.as_bytes()));
        let has_below = |folder: &str| {
            let begins = |name: &[u8]| {
                name.split_at_checked(folder.len())
                    .is_some_and(|(begin, rest)| begin.eq_ignore_ascii_case(folder.as_bytes()) && !rest.is_empty())
            };
            names(directory).any(begins)
        };
        match self {
            Self::Office(folder) => has("[Content_Types].xml") && has_below(folder),
            Self::OpenDocument => has("mimetype") && has("META-INF/manifest.xml"),
        }
    }
}

/// Judges the object at `key`.
///
/// # Errors
/// [`Rejection::Content`], or that the object cannot be read.
pub(super) async fn verify(storage: &Storage, key: &str, size: u64, package: Package) -> Result<(), FileError> {
    let begin = size.saturating_sub(TAIL_BYTES);
    let tail = read(storage, key, begin..size).await?;
    let directory = find_directory(&tail, begin).ok_or(Rejection::Content)?;
    let is_listed = match within(&tail, begin, &directory) {
        Some(bytes) => package.is_listed_in(bytes),
        None => package.is_listed_in(&read(storage, key, directory).await?),
    };
    if is_listed { Ok(()) } else { Err(Rejection::Content.into()) }
}

async fn read(storage: &Storage, key: &str, range: Range<u64>) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let mut pieces = storage.read(key, Some(range)).await?;
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes)
}

/// Where the directory is, as told by the record at the end of `tail`, which begins at byte `begin` of the archive.
fn find_directory(tail: &[u8], begin: u64) -> Option<Range<u64>> {
    let last = tail.len().checked_sub(END_BYTES)?;
    let is_end = |at: &usize| {
        let record = tail.get(*at..).unwrap_or_default();
        let comment = u16_at(record, 20).map(usize::from);
        record.starts_with(END) && comment == record.len().checked_sub(END_BYTES)
    };
    let at = (0..=last).rev().find(is_end)?;
    let record = tail.get(at..)?;
    // An archive in several pieces is none that anybody opens from here.
    let is_whole = u32_at(record, 4)? == 0;
    let (size, start) = (u64::from(u32_at(record, 12)?), u64::from(u32_at(record, 16)?));
    let end = start + size;
    let fits = size <= MAX_DIRECTORY_BYTES && end <= begin + u64::try_from(at).ok()?;
    (is_whole && fits).then_some(start..end)
}

/// The bytes of `range`, if they are among those of `tail`.
fn within<'a>(tail: &'a [u8], begin: u64, range: &Range<u64>) -> Option<&'a [u8]> {
    let place = |at: u64| at.checked_sub(begin).and_then(|at| usize::try_from(at).ok());
    tail.get(place(range.start)?..place(range.end)?)
}

/// The names a directory lists, up to where it makes no sense any more.
fn names(mut directory: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if !directory.starts_with(ENTRY) {
            return None;
        }
        let lengths = [28, 30, 32].map(|at| u16_at(directory, at).map(usize::from));
        let [Some(name), Some(extra), Some(comment)] = lengths else { return None };
        let found = directory.get(ENTRY_BYTES..ENTRY_BYTES + name)?;
        directory = directory.get(ENTRY_BYTES + name + extra + comment..)?;
        Some(found)
    })
}

/// Whether the first entry is the stored text `mime`.
fn names_its_type(head: &[u8], mime: &str) -> Option<bool> {
    let (method, name, extra) = (u16_at(head, 8)?, usize::from(u16_at(head, 26)?), usize::from(u16_at(head, 28)?));
    let is_first = head.starts_with(LOCAL_HEADER) && method == 0 && head.get(30..30 + name)? == b"mimetype";
    let content = head.get(30 + name + extra..)?;
    let rest = content.strip_prefix(mime.as_bytes());
    // Longer types begin the same: those of templates.
    Some(is_first && rest.is_some_and(|rest| rest.first() != Some(&b'-')))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests;
