//! Receiving a file: announced, written to the store while it is counted, hashed and checked, then made ready.
//!
//! In: a stream of bytes. Out: a ready file, or none and nothing left behind. At most one part of an upload is in
//! memory, however large the file.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use uuid::Uuid;

use super::check::{HEAD_BYTES, Kind, NAME_BYTES, Rejection, clean_name, promised};
use super::{FileError, abandoned, find, package, tell, uploader, writable};
use crate::adapters::storage::Upload;
use crate::app::App;
use crate::http::extract::Caller;
use crate::jobs::NewJob;
use crate::model::clock::Micros;
use crate::model::file::{File, FilePurpose, FileState, Uploader, UploaderKind};
use crate::services::audit;
use crate::services::topics;
use crate::store::db::StoreError;
use crate::store::files::{self as store, NewFile};
use crate::store::tx::Tx;

/// How long an upload is nobody else's; renewed while bytes arrive.
pub(super) const LEASE: Duration = Duration::from_secs(120);
/// How often it is noted how far an upload is.
const NOTE_EVERY: Duration = Duration::from_secs(1);

/// The body of an upload; an error says that it broke off.
pub(crate) type Incoming = BoxStream<'static, Result<Bytes, BrokenBody>>;

/// The sender went away, or sent nonsense.
#[derive(Debug)]
pub(crate) struct BrokenBody;

/// What somebody is going to upload.
#[derive(Clone, Debug)]
pub(crate) struct Announcement {
    pub name: String,
    /// In bytes; the most it can be when it is not known exactly.
    pub size: u64,
    pub content_type: String,
    pub sha256: Option<Vec<u8>>,
}

/// How much may come.
#[derive(Clone, Copy)]
pub(super) enum Bound {
    AtMost(u64),
    Exactly(u64),
}

/// What arrived.
pub(super) struct Received {
    pub size: u64,
    pub sha256: Vec<u8>,
}

/// A row about to be inserted.
pub(super) struct NewRow<'a> {
    pub purpose: FilePurpose,
    pub conversation_id: Option<Uuid>,
    pub uploader: Uploader,
    pub name: &'a str,
    pub kind: &'static Kind,
}

/// Inserts a pending file within the bounds of its uploader.
pub(super) async fn insert(
    app: &App,
    tx: &mut Tx,
    row: NewRow<'_>,
    new: &Announcement,
    now: Micros,
) -> Result<File, FileError> {
    let live = app.live();
    let limits = &live.files;
    if new.size > limits.max_bytes {
        return Err(FileError::TooLarge(limits.max_bytes));
    }
    let (bytes, pending) = store::count_of(tx, row.uploader).await?;
    let quota = match row.uploader.kind {
        UploaderKind::User => limits.quota_bytes,
        UploaderKind::Guest => limits.guest_quota_bytes,
    };
    if u64::try_from(bytes).unwrap_or(0).saturating_add(new.size) > quota {
        return Err(FileError::Quota);
    }
    if pending >= limits.max_pending {
        return Err(FileError::TooManyPending);
    }
    let declared: String = new.content_type.chars().filter(|c| !c.is_control()).take(NAME_BYTES).collect();
    let new = NewFile {
        purpose: row.purpose,
        conversation_id: row.conversation_id,
        uploader: row.uploader,
        name: row.name,
        size: i64::try_from(new.size).unwrap_or(i64::MAX),
        mime_declared: &declared,
        mime: row.kind.mime,
        sha256: new.sha256.as_deref(),
    };
    Ok(store::insert(tx, new, now).await?)
}

/// Notes that a file of a conversation will come.
pub(super) async fn announce(
    app: &App,
    tx: &mut Tx,
    uploader: Uploader,
    conversation_id: Uuid,
    new: &Announcement,
    now: Micros,
) -> Result<File, FileError> {
    let name = clean_name(&new.name)?;
    let kind = promised(name, &new.content_type)?;
    let row = NewRow { purpose: FilePurpose::Message, conversation_id: Some(conversation_id), uploader, name, kind };
    insert(app, tx, row, new, now).await
}

/// Takes a file in one request: whatever goes wrong, nothing of it stays.
///
/// # Errors
/// See [`FileError`].
pub(crate) async fn take(
    app: &Arc<App>,
    caller: &Caller,
    conversation_id: Uuid,
    new: Announcement,
    body: Incoming,
) -> Result<File, FileError> {
    let uploader = writable(app, &caller.actor, conversation_id).await?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let file = announce(app, &mut tx, uploader, conversation_id, &new, now).await?;
    tx.commit(now).await?;
    let id = file.id;
    let result = store_content(app, caller, file, Bound::AtMost(new.size), body).await;
    if result.is_err() {
        discard(app, id).await;
    }
    result
}

/// Takes the content of an announced file; may be tried again until it is ready.
///
/// # Errors
/// See [`FileError`].
pub(crate) async fn put(app: &Arc<App>, caller: &Caller, id: Uuid, body: Incoming) -> Result<File, FileError> {
    let file = find_pending(app, caller, id).await?;
    let size = u64::try_from(file.size).unwrap_or(0);
    let result = store_content(app, caller, file, Bound::Exactly(size), body).await;
    if let Err(FileError::Rejected(reason)) = &result {
        reject(app, id, *reason).await?;
    }
    result
}

/// Finds a file whose content the caller may still bring.
pub(super) async fn find_pending(app: &App, caller: &Caller, id: Uuid) -> Result<File, FileError> {
    let file = find(app, &caller.actor, id).await?;
    if !file.is_of(uploader(&caller.actor)?) {
        return Err(FileError::Forbidden);
    }
    // The right to write may have been lost since the announcement.
    writable(app, &caller.actor, file.conversation_id.ok_or(FileError::NotFound)?).await?;
    if file.state != FileState::Pending || file.created_at < abandoned(app.clock.now()) {
        return Err(FileError::NotPending);
    }
    Ok(file)
}

/// Receives content in a task of its own, so that a client that goes away is noticed and cleaned up after.
pub(super) async fn store_content(
    app: &Arc<App>,
    caller: &Caller,
    file: File,
    bound: Bound,
    body: Incoming,
) -> Result<File, FileError> {
    let (app, caller) = (Arc::clone(app), caller.clone());
    let task = tokio::spawn(async move { receive(&app, &caller, &file, bound, body).await });
    task.await.unwrap_or(Err(FileError::Broken))
}

async fn receive(app: &App, caller: &Caller, file: &File, bound: Bound, body: Incoming) -> Result<File, FileError> {
    let key = fresh_key(file.id);
    let now = app.clock.now();
    if !store::claim(&app.db, file.id, &key, now.plus(LEASE), now).await? {
        return Err(FileError::Busy);
    }
    let limit = Duration::from_secs(app.live().files.upload_timeout_s);
    let received = tokio::time::timeout(limit, write(app, file, &key, bound, body)).await;
    let outcome = match received.unwrap_or(Err(FileError::TimedOut)) {
        Ok(received) => make_ready(app, caller, file, &key, received).await,
        Err(error) => Err(error),
    };
    if outcome.is_err() {
        let left = (app.storage.delete(&key).await, store::release(&app.db, file.id, &key).await);
        if let (Err(error), _) = left {
            tracing::warn!(%error, file = %file.id, "a failed upload is left to the sweep");
        }
    }
    outcome
}

/// Where the bytes of one attempt go: two attempts never write to the same place.
pub(super) fn fresh_key(id: Uuid) -> String {
    format!("{}/{}", File::folder(id), Uuid::now_v7().simple())
}

/// Writes the bytes to the store, looking at them as they pass.
async fn write(app: &App, file: &File, key: &str, bound: Bound, body: Incoming) -> Result<Received, FileError> {
    let mut upload = app.storage.begin(key).await?;
    match pass(app, file, key, bound, &mut upload, body).await {
        Ok(received) => {
            upload.finish().await?;
            look_inside(app, file, key, received.size).await?;
            Ok(received)
        }
        Err(error) => {
            upload.abort().await;
            Err(error)
        }
    }
}

async fn pass(
    app: &App,
    file: &File,
    key: &str,
    bound: Bound,
    upload: &mut Upload,
    mut body: Incoming,
) -> Result<Received, FileError> {
    let (Bound::AtMost(limit) | Bound::Exactly(limit)) = bound;
    let mut eye = Eye::new(file)?;
    let mut noted = Instant::now();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|BrokenBody| FileError::Broken)?;
        eye.look(&piece)?;
        if eye.size > limit {
            return Err(FileError::TooLarge(limit));
        }
        upload.write(piece).await?;
        if noted.elapsed() >= NOTE_EVERY {
            noted = Instant::now();
            let until = app.clock.now().plus(LEASE);
            let received = i64::try_from(eye.size).unwrap_or(i64::MAX);
            if !store::renew(&app.db, file.id, key, received, until).await? {
                return Err(FileError::NotPending);
            }
        }
    }
    eye.judge(file, matches!(bound, Bound::Exactly(_)).then_some(limit))
}

/// Sees bytes pass: counts, hashes and keeps the beginning.
pub(super) struct Eye {
    kind: &'static Kind,
    size: u64,
    head: Vec<u8>,
    hash: Sha256,
}

impl Eye {
    pub(super) fn new(file: &File) -> Result<Self, Rejection> {
        let kind = Kind::of_mime(&file.mime).ok_or(Rejection::Declared)?;
        Ok(Self { kind, size: 0, head: Vec::with_capacity(HEAD_BYTES), hash: Sha256::new() })
    }

    /// Looks at the next piece; refuses as soon as the beginning shows what it is.
    pub(super) fn look(&mut self, piece: &[u8]) -> Result<(), Rejection> {
        self.size = self.size.saturating_add(piece.len() as u64);
        self.hash.update(piece);
        let missing = HEAD_BYTES.saturating_sub(self.head.len());
        if missing == 0 {
            return Ok(());
        }
        self.head.extend(piece.iter().take(missing));
        if self.head.len() == HEAD_BYTES { self.kind.is_kept_by(&self.head, false) } else { Ok(()) }
    }

    /// Judges the whole, of exactly `size` bytes if that was announced.
    pub(super) fn judge(self, file: &File, size: Option<u64>) -> Result<Received, FileError> {
        if self.head.len() < HEAD_BYTES {
            self.kind.is_kept_by(&self.head, true)?;
        }
        let sha256 = self.hash.finalize().to_vec();
        let fits = size.is_none_or(|size| size == self.size)
            && file.sha256.as_ref().is_none_or(|announced| *announced == sha256);
        if fits { Ok(Received { size: self.size, sha256 }) } else { Err(Rejection::Mismatch.into()) }
    }
}

/// Judges what can only be judged once all of it is there.
pub(super) async fn look_inside(app: &App, file: &File, key: &str, size: u64) -> Result<(), FileError> {
    match Kind::of_mime(&file.mime).and_then(Kind::package) {
        Some(package) => package::verify(&app.storage, key, size, package).await,
        None => Ok(()),
    }
}

async fn make_ready(app: &App, caller: &Caller, file: &File, key: &str, received: Received) -> Result<File, FileError> {
    // Bytes take their time: whoever sends them may have lost the right to meanwhile.
    let actor = topics::refresh_actor(app, &caller.actor).await?.ok_or(FileError::NotFound)?;
    if let Some(conversation_id) = file.conversation_id {
        writable(app, &actor, conversation_id).await?;
    }
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let size = i64::try_from(received.size).unwrap_or(i64::MAX);
    let ready = store::finish(&mut tx, file.id, key, size, &received.sha256, now).await?;
    let ready = ready.ok_or(FileError::NotPending)?;
    let diff = json!({ "conversation_id": ready.conversation_id, "size": ready.size, "type": ready.mime });
    audit(&mut tx, caller, "file.uploaded", ("file", ready.id), diff, now).await?;
    tell(&mut tx, "file.ready", &ready);
    tx.commit(now).await?;
    Ok(ready)
}

/// Lets nothing stay of a file that did not arrive.
pub(super) async fn discard(app: &App, id: Uuid) {
    let now = app.clock.now();
    let done = async {
        let mut tx = app.begin().await?;
        if store::delete(&mut tx, id, now).await? {
            tx.enqueue(NewJob::erase_file(id), now).await?;
        }
        tx.commit(now).await
    };
    if let Err(error) = done.await {
        tracing::warn!(%error, file = %id, "a failed upload is left to the sweep");
    }
}

/// Writes down that the content of a file is not what it claims to be.
pub(super) async fn reject(app: &App, id: Uuid, reason: Rejection) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    store::reject(&mut tx, id, reason.code()).await?;
    tx.commit(now).await
}
