//! Uploads in two steps: announced here, sent to the address that this gives, which may be the store's own.
//!
//! In: announcements, and the word that a presigned upload is done. Out: a target, then a checked file. What is
//! checked and read is a copy: its sender cannot change it any more.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use uuid::Uuid;

use super::check::Rejection;
use super::upload::{Announcement, Eye, LEASE, Received, announce, find_pending, fresh_key, look_inside, reject};
use super::{FileError, sweep, tell, writable};
use crate::adapters::storage::StorageError;
use crate::app::App;
use crate::http::extract::Caller;
use crate::jobs::NewJob;
use crate::model::clock::Micros;
use crate::model::file::{File, FileState};
use crate::store::files as store;

/// How long a presigned address can be written to.
const TARGET_VALID_FOR: Duration = Duration::from_secs(3_600);

/// Where the bytes of an announced file go.
#[derive(Debug)]
pub(crate) struct Target {
    pub url: String,
    pub headers: BTreeMap<&'static str, &'static str>,
    pub expires_at: Micros,
}

/// Where a presigned upload arrives.
fn incoming(id: Uuid) -> String {
    format!("{}/incoming", File::folder(id))
}

/// Notes that a file will come, and says where its bytes go.
///
/// # Errors
/// See [`FileError`].
pub(crate) async fn begin(
    app: &App,
    caller: &Caller,
    conversation_id: Uuid,
    new: Announcement,
) -> Result<(File, Target), FileError> {
    let uploader = writable(app, &caller.actor, conversation_id).await?;
    if new.size == 0 {
        return Err(Rejection::Empty.into());
    }
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let file = announce(app, &mut tx, uploader, conversation_id, &new, now).await?;
    let target = match app.storage.upload_url(&incoming(file.id), TARGET_VALID_FOR).await? {
        Some(url) => Target { url: url.into(), headers: BTreeMap::new(), expires_at: now.plus(TARGET_VALID_FOR) },
        None => Target {
            url: format!("/api/v1/files/{}/content", file.id),
            headers: BTreeMap::from([("content-type", "application/octet-stream")]),
            expires_at: now.plus(sweep::ABANDONED_AFTER),
        },
    };
    tx.commit(now).await?;
    Ok((file, target))
}

/// Notes that a presigned upload is done; a job checks it. The file as it is, and the job.
///
/// # Errors
/// See [`FileError`].
pub(crate) async fn complete(app: &App, caller: &Caller, id: Uuid) -> Result<(File, Option<Uuid>), FileError> {
    let file = find_pending(app, caller, id).await?;
    match app.storage.size(&incoming(id)).await {
        Ok(_) => {}
        Err(StorageError::NotFound) => return Err(FileError::Incomplete),
        Err(error) => return Err(error.into()),
    }
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let job = NewJob::check_file(id);
    let job_id = match caller.actor.user() {
        Some(user) => tx.enqueue_for(user.id, job, now).await?,
        None => {
            tx.enqueue(job, now).await?;
            None
        }
    };
    tx.commit(now).await?;
    Ok((file, job_id))
}

/// Checks a presigned upload; doing it twice has no second effect.
///
/// # Errors
/// What may pass when it is tried again.
pub(crate) async fn check(app: &App, id: Uuid) -> Result<(), FileError> {
    let Some(file) = store::find(&app.db, id).await?.filter(|file| file.state == FileState::Pending) else {
        return Ok(());
    };
    let key = fresh_key(id);
    let now = app.clock.now();
    if !store::claim(&app.db, id, &key, now.plus(LEASE), now).await? {
        return Err(FileError::Busy);
    }
    match judge(app, &file, &key).await {
        Ok(received) => finish(app, &file, &key, received).await?,
        Err(FileError::Rejected(reason)) => {
            app.storage.delete(&key).await?;
            reject(app, id, reason).await?;
        }
        Err(error) => {
            store::release(&app.db, id, &key).await?;
            return Err(error);
        }
    }
    Ok(app.storage.delete(&incoming(id)).await?)
}

async fn judge(app: &App, file: &File, key: &str) -> Result<Received, FileError> {
    match app.storage.copy(&incoming(file.id), key).await {
        Err(StorageError::NotFound) => return Err(Rejection::Empty.into()),
        other => other?,
    }
    let announced = u64::try_from(file.size).unwrap_or(0);
    if app.storage.size(key).await? != announced {
        return Err(Rejection::Mismatch.into());
    }
    let mut eye = Eye::new(file)?;
    let mut pieces = app.storage.read(key, None).await?;
    while let Some(piece) = pieces.next().await {
        eye.look(&piece?)?;
    }
    let received = eye.judge(file, Some(announced))?;
    look_inside(app, file, key, received.size).await?;
    Ok(received)
}

async fn finish(app: &App, file: &File, key: &str, received: Received) -> Result<(), FileError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let size = i64::try_from(received.size).unwrap_or(i64::MAX);
    if let Some(ready) = store::finish(&mut tx, file.id, key, size, &received.sha256, now).await? {
        tell(&mut tx, "file.ready", &ready);
    }
    Ok(tx.commit(now).await?)
}
