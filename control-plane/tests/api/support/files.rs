//! Files for tests: small honest ones, forms around them, and a disk that is soon full.

use std::path::{Path, PathBuf};

use axum::body::Body;
use http::Request;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use uuid::Uuid;

use super::{Answer, PASSWORD, Person, TestApp};

/// A picture of one pixel.
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82";
/// Bytes a small disk holds.
const SMALL_DISK_BYTES: usize = 1 << 20;

/// A document of so many bytes.
pub(crate) fn pdf(size: usize) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    bytes.extend((bytes.len()..size).map(|n| (n % 251) as u8));
    bytes
}

/// A ZIP archive of these entries, not compressed.
pub(crate) fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let (length, size) = ((name.len() as u16).to_le_bytes(), (content.len() as u32).to_le_bytes());
        let facts = [b"\x14\0\0\0\0\0\0\0\0\0\0\0\0\0".as_slice(), &size, &size, &length, &[0, 0]].concat();
        let start = (bytes.len() as u32).to_le_bytes();
        directory.extend([b"PK\x01\x02\x14\0", &facts[..], &[0; 10], &start, name.as_bytes()].concat());
        bytes.extend([b"PK\x03\x04", &facts[..], name.as_bytes(), content].concat());
    }
    let (count, start) = ((entries.len() as u16).to_le_bytes(), (bytes.len() as u32).to_le_bytes());
    let size = (directory.len() as u32).to_le_bytes();
    [&bytes[..], &directory, b"PK\x05\x06\0\0\0\0", &count, &count, &size, &start, &[0, 0]].concat()
}

/// What makes an archive a document of a kind: `word`, `xl` or `ppt`.
pub(crate) fn office(folder: &str) -> Vec<u8> {
    let part = format!("{folder}/main.xml");
    archive(&[("_rels/.rels", b"<x/>"), (&part, b"<x/>"), ("[Content_Types].xml", b"<Types/>")])
}

/// What makes an archive an OpenDocument: `text`, `spreadsheet` or `presentation`.
pub(crate) fn open_document(kind: &str) -> Vec<u8> {
    let mime = format!("application/vnd.oasis.opendocument.{kind}");
    archive(&[("mimetype", mime.as_bytes()), ("content.xml", b"<x/>"), ("META-INF/manifest.xml", b"<x/>")])
}

/// A part of a form.
pub(crate) struct Part<'a> {
    name: &'a str,
    content_type: &'a str,
    bytes: &'a [u8],
}

impl<'a> Part<'a> {
    pub(crate) fn new(name: &'a str, content_type: &'a str, bytes: &'a [u8]) -> Self {
        Self { name, content_type, bytes }
    }
}

/// A form with files, sent to a conversation.
pub(crate) fn form(conversation: &str, token: Option<&str>, parts: &[Part<'_>]) -> Request<Body> {
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(b"--frontier\r\nContent-Disposition: form-data; name=\"file\"; filename=\"");
        body.extend_from_slice(part.name.as_bytes());
        body.extend_from_slice(b"\"\r\n");
        if !part.content_type.is_empty() {
            body.extend_from_slice(format!("Content-Type: {}\r\n", part.content_type).as_bytes());
        }
        body.extend_from_slice(b"\r\n");
        body.extend_from_slice(part.bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--frontier--\r\n");
    let mut request = Request::post(format!("/api/v1/conversations/{conversation}/files"))
        .header("host", "meet.test")
        .header("content-length", body.len())
        .header("content-type", "multipart/form-data; boundary=frontier");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(Body::from(body)).expect("a request")
}

/// A room anybody may enter, and its conversation.
pub(crate) async fn conversation(app: &TestApp, owner: &Person) -> (String, String) {
    let room = app.room(owner, "public").await;
    (room.text("/id"), room.text("/conversation_id"))
}

/// Every file below a folder.
pub(crate) fn find_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(find_files(&path)) } else { found.push(path) }
    }
    found
}

/// The address of a new small file system, where one can be mounted.
pub(crate) fn small_disk() -> Option<String> {
    let dir = std::env::temp_dir().join(format!("plenum-small-{}", Uuid::now_v7().simple()));
    std::fs::create_dir_all(&dir).ok()?;
    let options = format!("size={SMALL_DISK_BYTES}");
    let mount = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&dir).output();
    if mount.is_ok_and(|output| output.status.success()) {
        return Some(format!("file://{}", dir.display()));
    }
    let _ = std::fs::remove_dir(&dir);
    None
}

impl TestApp {
    /// Where files are kept.
    pub(crate) fn files_dir(&self) -> PathBuf {
        self.dir.join("files")
    }

    /// The small disk of this test, if it could be mounted.
    pub(crate) fn small_disk(&self) -> Option<PathBuf> {
        self.storage_url.as_deref().and_then(|url| url.strip_prefix("file://")).map(PathBuf::from)
    }

    /// Takes the small disk away.
    pub(super) fn remove_small_disk(&self) {
        if let Some(dir) = self.small_disk() {
            let _ = std::process::Command::new("umount").arg(&dir).output();
            let _ = std::fs::remove_dir(&dir);
        }
    }

    pub(crate) async fn put_bytes(&self, path: &str, token: Option<&str>, bytes: &[u8]) -> Answer {
        self.put_typed(path, token, "application/octet-stream", bytes).await
    }

    pub(crate) async fn put_typed(&self, path: &str, token: Option<&str>, content_type: &str, bytes: &[u8]) -> Answer {
        let mut request = Request::put(format!("/api/v1{path}")).header("host", "meet.test");
        request = request.header("content-type", content_type);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.send(request.body(Body::from(bytes.to_vec())).expect("a request")).await
    }

    /// A new access token of somebody with an account.
    pub(crate) async fn sign_in(&self, email: &str) -> String {
        let body = json!({ "identifier": email, "password": PASSWORD });
        self.post("/auth/login", None, body).await.expect(200).text("/access_token")
    }

    /// The first column of what SQL finds.
    pub(crate) async fn sql_texts(&self, text: &str) -> Vec<String> {
        let sql = AssertSqlSafe(text.to_owned());
        match self.database_url() {
            Some(url) => {
                let mut connection = PgConnection::connect(&url).await.expect("the database answers");
                sqlx::query_scalar::<sqlx::Postgres, String>(sql).fetch_all(&mut connection).await.expect("good SQL")
            }
            None => {
                let url = format!("sqlite://{}", self.dir.join("plenum.sqlite3").display());
                let mut connection = SqliteConnection::connect(&url).await.expect("the database opens");
                sqlx::query_scalar::<sqlx::Sqlite, String>(sql).fetch_all(&mut connection).await.expect("good SQL")
            }
        }
    }
}
