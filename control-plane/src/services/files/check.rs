//! Whether bytes are what they claim to be: the name, the declared type and the first bytes have to agree.
//!
//! In: a name, a declared type, the head of the content. Out: the kind of file, or why not. Nothing is decoded or
//! unpacked, so a bomb stays as small as it came. What an archive lists at its end is for [`package`](super::package).

use super::package::Package;

/// Bytes from the beginning that are looked at.
pub(crate) const HEAD_BYTES: usize = 8 << 10;
/// Longest name, in bytes: what file systems take.
pub(crate) const NAME_BYTES: usize = 255;

/// How a kind of file shows itself.
#[derive(Clone, Copy, Debug)]
enum Magic {
    /// One of these types, recognized by its first bytes.
    Bytes(&'static [&'static str]),
    /// Plain text that is no page, script or document in disguise.
    Text,
    /// Text with an `<svg` element near its beginning.
    Svg,
    /// An archive with certain entries.
    Archive(Package),
}

/// A kind of file that is allowed.
#[derive(Debug)]
pub(crate) struct Kind {
    /// The type it is served as.
    pub mime: &'static str,
    extensions: &'static [&'static str],
    /// Other names of the same type that clients use.
    aliases: &'static [&'static str],
    magic: Magic,
    /// Browsers may show it in place: nothing in it can run.
    pub inline: bool,
}

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejection {
    #[error("The name is not usable: give one line of at most 255 bytes, without control characters.")]
    Name,
    #[error("Files with this extension are not allowed.")]
    Extension,
    #[error("The declared type does not fit the extension.")]
    Declared,
    #[error("The content is not what the extension says.")]
    Content,
    #[error("The file is empty.")]
    Empty,
    #[error("The size or the checksum is not what was announced.")]
    Mismatch,
    #[error("The picture has too many pixels or none.")]
    Dimensions,
}

impl Rejection {
    /// For programs.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Extension => "extension",
            Self::Declared => "declared_type",
            Self::Content => "content",
            Self::Empty => "empty",
            Self::Mismatch => "mismatch",
            Self::Dimensions => "dimensions",
        }
    }
}

const fn kind(
    mime: &'static str,
    extensions: &'static [&'static str],
    aliases: &'static [&'static str],
    magic: Magic,
    inline: bool,
) -> Kind {
    Kind { mime, extensions, aliases, magic, inline }
}

const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const SHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const SLIDES: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
const ODT: &str = "application/vnd.oasis.opendocument.text";
const ODS: &str = "application/vnd.oasis.opendocument.spreadsheet";
const ODP: &str = "application/vnd.oasis.opendocument.presentation";
const ZIP: &str = "application/zip";
const OPEN: Magic = Magic::Archive(Package::OpenDocument);
/// Containers that audio and video share.
const OGG: Magic = Magic::Bytes(&["audio/ogg", "audio/opus", "video/ogg"]);
const MPEG4: Magic = Magic::Bytes(&["video/mp4", "video/x-m4v", "audio/m4a"]);

/// Everything that is allowed.
static KINDS: &[Kind] = &[
    kind("image/png", &["png"], &["image/x-png"], Magic::Bytes(&["image/png"]), true),
    kind("image/jpeg", &["jpg", "jpeg"], &["image/jpg", "image/pjpeg"], Magic::Bytes(&["image/jpeg"]), true),
    kind("image/gif", &["gif"], &[], Magic::Bytes(&["image/gif"]), true),
    kind("image/webp", &["webp"], &[], Magic::Bytes(&["image/webp"]), true),
    kind("image/avif", &["avif"], &[], Magic::Bytes(&["image/avif"]), true),
    kind("image/svg+xml", &["svg"], &[], Magic::Svg, false),
    kind("video/mp4", &["mp4", "m4v"], &["video/x-m4v"], MPEG4, true),
    kind("video/webm", &["webm"], &["audio/webm"], Magic::Bytes(&["video/webm"]), true),
    kind("video/quicktime", &["mov"], &[], Magic::Bytes(&["video/quicktime"]), true),
    kind("audio/mpeg", &["mp3"], &["audio/mp3"], Magic::Bytes(&["audio/mpeg"]), true),
    kind("audio/mp4", &["m4a"], &["audio/m4a", "audio/x-m4a"], MPEG4, true),
    kind("audio/ogg", &["ogg", "oga", "opus"], &["audio/opus", "application/ogg"], OGG, true),
    kind("audio/wav", &["wav"], &["audio/x-wav", "audio/wave"], Magic::Bytes(&["audio/x-wav"]), true),
    kind("audio/webm", &["weba"], &[], Magic::Bytes(&["video/webm"]), true),
    kind("audio/flac", &["flac"], &["audio/x-flac"], Magic::Bytes(&["audio/x-flac"]), true),
    kind("application/pdf", &["pdf"], &["application/x-pdf"], Magic::Bytes(&["application/pdf"]), true),
    kind(ZIP, &["zip"], &["application/x-zip-compressed"], Magic::Bytes(&[ZIP]), false),
    kind("application/gzip", &["gz"], &["application/x-gzip"], Magic::Bytes(&["application/gzip"]), false),
    kind(WORD, &["docx"], &[], Magic::Archive(Package::Office("word/")), false),
    kind(SHEET, &["xlsx"], &[], Magic::Archive(Package::Office("xl/")), false),
    kind(SLIDES, &["pptx"], &[], Magic::Archive(Package::Office("ppt/")), false),
    kind(ODT, &["odt"], &[], OPEN, false),
    kind(ODS, &["ods"], &[], OPEN, false),
    kind(ODP, &["odp"], &[], OPEN, false),
    kind("text/plain", &["txt", "log"], &[], Magic::Text, false),
    kind("text/markdown", &["md"], &["text/x-markdown", "text/plain"], Magic::Text, false),
    kind("text/csv", &["csv"], &["text/plain", "application/csv", "application/vnd.ms-excel"], Magic::Text, false),
    kind("application/json", &["json"], &["text/plain", "text/json"], Magic::Text, false),
    kind("text/calendar", &["ics"], &["text/plain"], Magic::Text, false),
];

/// Extensions that programs, pages and scripts have: not even in the middle of a name.
const DANGEROUS: &[&str] = &[
    "app", "asp", "aspx", "bat", "cgi", "class", "cmd", "com", "cpl", "dll", "exe", "hta", "htm", "html", "jar",
    "jnlp", "js", "jse", "jsp", "lnk", "mjs", "msi", "msp", "phar", "php", "php3", "phtml", "pif", "pl", "ps1", "py",
    "reg", "scr", "sh", "shtml", "svgz", "vb", "vbe", "vbs", "wsf", "xht", "xhtml",
];

/// The last part of a name as some client sent it, if people can be shown it.
pub(crate) fn clean_name(name: &str) -> Result<&str, Rejection> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let visible = !last.chars().any(|c| c.is_control() || is_invisible(c));
    if last.is_empty() || last.len() > NAME_BYTES || last.chars().all(|c| c == '.') || !visible {
        return Err(Rejection::Name);
    }
    Ok(last)
}

/// Characters that turn the direction of text or cannot be seen: `gpj.exe` must not read as `exe.jpg`.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The kind a name and a declared type promise.
pub(crate) fn promised(name: &str, declared: &str) -> Result<&'static Kind, Rejection> {
    let folded = name.to_lowercase();
    let mut parts = folded.split('.');
    let (_, middle) = (parts.next(), parts.collect::<Vec<_>>());
    let (extension, middle) = middle.split_last().ok_or(Rejection::Extension)?;
    if middle.iter().any(|part| DANGEROUS.contains(&part.trim())) {
        return Err(Rejection::Extension);
    }
    let kind = KINDS.iter().find(|kind| kind.extensions.contains(extension)).ok_or(Rejection::Extension)?;
    let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let unknown = essence.is_empty() || essence == "application/octet-stream";
    if unknown || essence == kind.mime || kind.aliases.contains(&essence.as_str()) {
        Ok(kind)
    } else {
        Err(Rejection::Declared)
    }
}

impl Kind {
    /// Finds a kind by the type it is served as.
    pub(crate) fn of_mime(mime: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.mime == mime)
    }

    /// What the end of the content has to show as well.
    pub(super) fn package(&self) -> Option<Package> {
        match self.magic {
            Magic::Archive(package) => Some(package),
            Magic::Bytes(_) | Magic::Text | Magic::Svg => None,
        }
    }

    /// Whether content that begins with `head` keeps the promise; `is_whole` when there is nothing after it.
    pub(crate) fn is_kept_by(&self, head: &[u8], is_whole: bool) -> Result<(), Rejection> {
        if head.is_empty() {
            return Err(Rejection::Empty);
        }
        let found = infer::get(head).map(|found| found.mime_type());
        let kept = match self.magic {
            Magic::Bytes(types) => found.is_some_and(|found| types.contains(&found)),
            Magic::Text => is_text(head, is_whole) && !is_disguise(found) && !begins_like_a_page(head),
            Magic::Archive(package) => package.may_begin_with(head, self.mime),
            Magic::Svg => is_text(head, is_whole) && contains(head, b"<svg") && !contains(head, b"<html"),
        };
        if kept { Ok(()) } else { Err(Rejection::Content) }
    }
}

/// UTF-8 without NUL; the last character may be cut where `head` ends.
fn is_text(head: &[u8], is_whole: bool) -> bool {
    let cut_only = |error: std::str::Utf8Error| !is_whole && error.error_len().is_none();
    !head.contains(&0) && std::str::from_utf8(head).map_or_else(cut_only, |_| true)
}

/// Types that are text to look at and something else to whoever opens them.
fn is_disguise(found: Option<&str>) -> bool {
    matches!(found, Some("text/html" | "text/xml" | "text/x-shellscript" | "application/pdf" | "application/rtf"))
}

fn begins_like_a_page(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let begin = text.get(..text.len().min(16)).unwrap_or_default().to_ascii_lowercase();
    [&b"<!doctype"[..], b"<html", b"<head", b"<body", b"<script", b"<?xml", b"<?php", b"<svg", b"#!"]
        .iter()
        .any(|opening| begin.starts_with(opening))
}

fn contains(head: &[u8], needle: &[u8]) -> bool {
    head.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";

    fn judge(name: &str, declared: &str, content: &[u8]) -> Result<&'static str, Rejection> {
        let kind = promised(clean_name(name)?, declared)?;
        kind.is_kept_by(content, true).map(|()| kind.mime)
    }

    #[test]
    fn honest_files_are_taken() {
        for (name, declared, content, mime) in [
            ("a.png", "image/png", PNG, "image/png"),
            ("A.PNG", "", PNG, "image/png"),
            ("a.png", "application/octet-stream", PNG, "image/png"),
            ("a.txt", "text/plain; charset=utf-8", "häßlich 😀".as_bytes(), "text/plain"),
            ("BMW.txt", "text/plain", b"BMW owners", "text/plain"),
            ("data.csv", "application/vnd.ms-excel", b"a,b\n1,2", "text/csv"),
            ("a.b.c.json", "application/json", b"{}", "application/json"),
            ("p.pdf", "application/pdf", b"%PDF-1.7\n", "application/pdf"),
            ("z.zip", "application/zip", b"PK\x03\x04aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ZIP),
            ("i.svg", "image/svg+xml", b"<?xml version='1.0'?><svg><script/></svg>", "image/svg+xml"),
        ] {
            assert_eq!(judge(name, declared, content), Ok(mime), "{name} {declared}");
        }
    }

    #[test]
    fn tricks_are_refused() {
        let page = b"<html><script>alert(1)</script>";
        for (name, declared, content, why) in [
            ("a.exe", "image/png", PNG, Rejection::Extension),
            ("a", "image/png", PNG, Rejection::Extension),
            (".png", "image/png", b"", Rejection::Empty),
            ("a.png.", "image/png", PNG, Rejection::Extension),
            ("a.png ", "text/html", PNG, Rejection::Declared),
            ("a.exe.png", "image/png", PNG, Rejection::Extension),
            ("page.html.png", "image/png", PNG, Rejection::Extension),
            ("a.html", "text/html", page, Rejection::Extension),
            ("a.png", "text/html", PNG, Rejection::Declared),
            ("a.png", "image/gif", PNG, Rejection::Declared),
            ("a.gif", "image/gif", PNG, Rejection::Content),
            ("a.txt", "text/plain", page, Rejection::Content),
            ("a.txt", "text/plain", b"  \n<ScRiPt>", Rejection::Content),
            ("a.txt", "text/plain", b"\xef\xbb\xbf<!DOCTYPE html>", Rejection::Content),
            ("a.txt", "text/plain", b"#!/bin/sh\nrm", Rejection::Content),
            ("a.txt", "text/plain", b"a\0b", Rejection::Content),
            ("a.txt", "text/plain", b"\xff\xfe", Rejection::Content),
            ("a.txt", "text/plain", b"%PDF-1.7 also text", Rejection::Content),
            ("a.pdf", "application/pdf", PNG, Rejection::Content),
            ("a.png", "image/png", page, Rejection::Content),
            ("a.svg", "image/svg+xml", page, Rejection::Content),
            ("a.jpg", "image/jpeg", b"MZ\x90\0\x03\0\0\0", Rejection::Content),
            ("photo\u{202e}gnp.exe", "", PNG, Rejection::Name),
            ("a\0.png", "image/png", PNG, Rejection::Name),
            ("a\n.png", "image/png", PNG, Rejection::Name),
            ("..", "image/png", PNG, Rejection::Name),
            ("../", "image/png", PNG, Rejection::Name),
            ("", "image/png", PNG, Rejection::Name),
            ("a.zip", ZIP, b"Rar!\x1a\x07\0", Rejection::Content),
            ("a.docx", WORD, b"PK\x05\x06\0\0\0\0", Rejection::Content),
            ("a.odt", ODT, b"PK\x03\x04\0\0\0\0", Rejection::Content),
        ] {
            assert_eq!(judge(name, declared, content), Err(why), "{name:?} {declared}");
        }
        assert_eq!(clean_name(&format!("{}.png", "x".repeat(252))), Err(Rejection::Name));
    }

    #[test]
    fn folders_in_a_name_are_cut_off() {
        for name in ["../../etc/passwd.txt", "C:\\users\\passwd.txt", "/passwd.txt", "a/..\\passwd.txt"] {
            assert_eq!(clean_name(name), Ok("passwd.txt"));
        }
    }

    #[test]
    fn a_character_may_be_cut_where_the_head_ends_only() {
        let cut = &"ä".as_bytes()[..1];
        assert!(is_text(cut, false) && !is_text(cut, true));
        assert!(!is_text(b"\xff", false));
    }

    #[test]
    fn what_runs_is_never_shown_in_place() {
        for kind in KINDS {
            let text = matches!(kind.magic, Magic::Text | Magic::Svg);
            assert!(!(text && kind.inline), "{}", kind.mime);
            assert!(kind.extensions.iter().all(|extension| !DANGEROUS.contains(extension)), "{}", kind.mime);
        }
    }
}
