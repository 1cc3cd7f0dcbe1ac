//! Archives as they are, as they are not, and as nobody should make them.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const WORD: Package = Package::Office("word/");
const ODT: &str = "application/vnd.oasis.opendocument.text";

/// An archive of stored entries.
fn archive(entries: &[(&str, &[u8])], comment: &[u8]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let (lengths, size) = ((name.len() as u16).to_le_bytes(), (content.len() as u32).to_le_bytes());
        directory.extend_from_slice(b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0\0\0\0\0");
        directory.extend_from_slice(&[size, size].concat());
        directory.extend_from_slice(&[&lengths[..], &[0; 12]].concat());
        directory.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0");
        bytes.extend_from_slice(&[&size[..], &size, &lengths, &[0, 0], name.as_bytes(), content].concat());
    }
    let (count, start) = ((entries.len() as u16).to_le_bytes(), (bytes.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&directory);
    bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    bytes.extend_from_slice(&[count, count].concat());
    bytes.extend_from_slice(&(directory.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&[&start[..], &(comment.len() as u16).to_le_bytes(), comment].concat());
    bytes
}

const DOCX: &[(&str, &[u8])] =
    &[("_rels/.rels", b"x"), ("word/document.xml", b"<w:document/>"), ("[Content_Types].xml", b"<Types/>")];

/// Whether an archive is what `package` asks for, when `tail` bytes of its end are looked at.
fn judge(bytes: &[u8], tail: u64, package: Package) -> bool {
    let begin = (bytes.len() as u64).saturating_sub(tail);
    let Some(range) = find_directory(&bytes[begin as usize..], begin) else { return false };
    package.is_listed_in(&bytes[range.start as usize..range.end as usize])
}

#[test]
fn a_document_is_known_by_its_parts() {
    for comment in [&b""[..], b"made by hand", b"PK\x05\x06 in a comment of more than twenty-two bytes"] {
        let bytes = archive(DOCX, comment);
        assert!(judge(&bytes, TAIL_BYTES, WORD));
        assert!(judge(&bytes, 22 + comment.len() as u64, WORD), "the directory may lie before the tail");
        assert!(!judge(&bytes, TAIL_BYTES, Package::Office("xl/")));
        assert!(!judge(&bytes, TAIL_BYTES, Package::OpenDocument));
    }
    let upper = archive(&[("WORD/Document.xml", b""), ("[content_types].XML", b"")], b"");
    assert!(judge(&upper, TAIL_BYTES, WORD));
    assert!(!judge(&archive(&[("word/", b""), ("[Content_Types].xml", b"")], b""), TAIL_BYTES, WORD));
    assert!(!judge(&archive(&[("word/document.xml", b"")], b""), TAIL_BYTES, WORD));
    assert!(!judge(&archive(&[("a.txt", b"word/ [Content_Types].xml")], b""), TAIL_BYTES, WORD));
    // A document inside an archive makes no document of the archive.
    assert!(!judge(&archive(&[("a.docx", &archive(DOCX, b""))], b""), TAIL_BYTES, WORD));
}

#[test]
fn an_archive_that_is_none_is_no_document() {
    let zeros = [LOCAL_HEADER, &[0; 4_000]].concat();
    assert!(WORD.may_begin_with(&zeros, "") && !judge(&zeros, TAIL_BYTES, WORD));
    let whole = archive(DOCX, b"");
    for cut in 1..whole.len() {
        assert!(!judge(&whole[..whole.len() - cut], TAIL_BYTES, WORD), "{cut} bytes are missing");
    }
    let end = whole.len() - END_BYTES;
    for (at, value) in [(4, 1_u32), (12, u32::MAX), (12, 1 << 21), (16, u32::MAX), (16, 1), (12, 0)] {
        let mut bytes = whole.clone();
        bytes[end + at..end + at + 4].copy_from_slice(&value.to_le_bytes());
        assert!(!judge(&bytes, TAIL_BYTES, WORD), "{value} at {at}");
    }
}

#[test]
fn an_open_document_names_its_type_first() {
    let rest: &[(&str, &[u8])] = &[("content.xml", b"<x/>"), ("META-INF/manifest.xml", b"<m/>")];
    let of = |mime: &str| archive(&[&[("mimetype", mime.as_bytes())], rest].concat(), b"");
    let kind = Package::OpenDocument;
    assert!(kind.may_begin_with(&of(ODT), ODT) && judge(&of(ODT), TAIL_BYTES, kind));
    assert!(!kind.may_begin_with(&of(&format!("{ODT}-template")), ODT));
    assert!(!kind.may_begin_with(&of("application/vnd.oasis.opendocument.spreadsheet"), ODT));
    let late = archive(&[rest, &[("mimetype", ODT.as_bytes())]].concat(), b"");
    assert!(!kind.may_begin_with(&late, ODT));
    let mut compressed = of(ODT);
    compressed[8] = 8;
    assert!(!kind.may_begin_with(&compressed, ODT));
    assert!(!judge(&archive(&[("mimetype", ODT.as_bytes())], b""), TAIL_BYTES, kind), "without a manifest");
    let zeros = [LOCAL_HEADER, &[0; 4_000]].concat();
    assert!(!kind.may_begin_with(&zeros, ODT) && !kind.may_begin_with(LOCAL_HEADER, ODT));
}

#[tokio::test]
async fn what_is_stored_is_read_in_parts() {
    let dir = std::env::temp_dir().join(format!("plenum-package-{}", uuid::Uuid::now_v7().simple()));
    let storage = Storage::open(None, None, &dir).unwrap();
    // More names than the end of the archive holds.
    let names: Vec<String> = (0..3_000).map(|n| format!("word/media/image{n}.png")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"12345678"[..])).collect();
    for (key, bytes, good) in [
        ("small", archive(DOCX, b""), true),
        ("large", archive(&[DOCX, &many].concat(), b""), true),
        ("plain", archive(&[("a.txt", b"hello")], b""), false),
        ("tiny", LOCAL_HEADER.to_vec(), false),
    ] {
        let size = bytes.len() as u64;
        let mut upload = storage.begin(key).await.unwrap();
        upload.write(Bytes::from(bytes)).await.unwrap();
        upload.finish().await.unwrap();
        let verdict = verify(&storage, key, size, WORD).await;
        assert!(
            if good { verdict.is_ok() } else { matches!(verdict, Err(FileError::Rejected(Rejection::Content))) },
            "{key}"
        );
    }
    std::fs::remove_dir_all(dir).unwrap();
}

proptest! {
    #[test]
    fn whatever_comes_nothing_breaks(
        bytes in prop::collection::vec(any::<u8>(), 0..2_000),
        places in prop::collection::vec((0..400_usize, any::<u8>()), 0..20),
    ) {
        let mut damaged = archive(DOCX, b"a comment");
        for (at, value) in places {
            if let Some(byte) = damaged.get_mut(at) {
                *byte = value;
            }
        }
        for bytes in [bytes, damaged] {
            for package in [WORD, Package::OpenDocument] {
                package.may_begin_with(&bytes, ODT);
                package.is_listed_in(&bytes);
                judge(&bytes, TAIL_BYTES, package);
            }
        }
    }
}
