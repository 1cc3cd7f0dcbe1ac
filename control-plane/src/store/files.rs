//! SQL of files: announced, received under a lease, ready or rejected, attached, deleted, erased.

use uuid::Uuid;

use super::db::{Db, On, Pool, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::file::{File, FilePurpose, Uploader, UploaderKind};

/// The columns of a [`File`].
macro_rules! select_file {
    ($before:literal, $rest:literal) => {
        concat!(
            $before,
            "id, purpose, conversation_id, uploader_kind, uploader_id, name, size, mime, sha256, storage_key, state, \
             reject_reason, received, message_id, created_at, ready_at ",
            $rest
        )
    };
}

statements! {
    INSERT_FILE = select_file!("INSERT INTO files (id, purpose, conversation_id, uploader_kind, uploader_id, name, \
        size, mime_declared, mime, sha256, state, received, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pending', 0, $11) RETURNING ", "");
    // Whoever holds the row of an uploader counts alone.
    LOCK_USER = "UPDATE users SET updated_at = updated_at WHERE id = $1";
    LOCK_GUEST = "UPDATE guest_sessions SET expires_at = expires_at WHERE id = $1";
    COUNT_OF_UPLOADER = "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT), \
        COALESCE(SUM(CASE WHEN state = 'pending' THEN 1 ELSE 0 END), 0) FROM files \
        WHERE uploader_id = $1 AND uploader_kind = $2 AND state IN ('pending', 'ready')";
    FIND_FILE = select_file!("SELECT ", "FROM files WHERE id = $1 AND state <> 'deleted'");
    FIND_AVATAR = select_file!("SELECT ", "FROM files WHERE purpose = 'avatar' AND state = 'ready' \
        AND id = (SELECT avatar_file_id FROM users WHERE id = $1 AND deleted_at IS NULL)");
    LIST_READY = select_file!("SELECT ", "FROM files WHERE conversation_id = $1 AND state = 'ready' AND id < $2 \
        AND created_at >= $3 ORDER BY id DESC LIMIT $4");
    CLAIM_UPLOAD = "UPDATE files SET storage_key = $2, upload_until = $3, received = 0 WHERE id = $1 \
        AND state = 'pending' AND (upload_until IS NULL OR upload_until < $4)";
    RENEW_UPLOAD = "UPDATE files SET received = $3, upload_until = $4 WHERE id = $1 AND storage_key = $2 \
        AND state = 'pending'";
    RELEASE_UPLOAD = "UPDATE files SET received = 0, upload_until = NULL WHERE id = $1 AND storage_key = $2 \
        AND state = 'pending'";
    FINISH_FILE = select_file!("UPDATE files SET state = 'ready', size = $3, received = $3, sha256 = $4, ready_at = $5, \
        upload_until = NULL WHERE id = $1 AND storage_key = $2 AND state = 'pending' RETURNING ", "");
    REJECT_FILE = "UPDATE files SET state = 'rejected', reject_reason = $2, upload_until = NULL \
        WHERE id = $1 AND state = 'pending'";
    DELETE_FILE = "UPDATE files SET state = 'deleted', deleted_at = $2 WHERE id = $1 AND state <> 'deleted'";
    ATTACH_FILE = select_file!("UPDATE files SET message_id = $2 WHERE id = $1 AND conversation_id = $3 \
        AND uploader_kind = $4 AND uploader_id = $5 AND state = 'ready' AND message_id IS NULL RETURNING ", "");
    DELETE_OF_MESSAGE = "UPDATE files SET state = 'deleted', deleted_at = $2 \
        WHERE message_id = $1 AND state <> 'deleted' RETURNING id";
    DELETE_ABANDONED = "UPDATE files SET state = 'deleted', deleted_at = $1 WHERE id IN (SELECT f.id FROM files f \
        WHERE (f.state IN ('pending', 'rejected') AND f.created_at < $2) OR (f.purpose = 'avatar' AND f.state = 'ready' \
        AND f.ready_at < $2 AND NOT EXISTS (SELECT 1 FROM users u WHERE u.avatar_file_id = f.id)) \
        OR (f.state = 'ready' AND f.conversation_id IS NOT NULL \
        AND NOT EXISTS (SELECT 1 FROM conversations c WHERE c.id = f.conversation_id)) LIMIT $3)";
    LIST_TO_ERASE = "SELECT id FROM files WHERE state = 'deleted' ORDER BY created_at LIMIT $1";
    ERASE_FILE = "DELETE FROM files WHERE id = $1 AND state = 'deleted'";
    SET_AVATAR = "UPDATE users SET avatar_file_id = $2, updated_at = $3 WHERE id = $1 AND deleted_at IS NULL";
    FIND_AVATAR_ID = "SELECT avatar_file_id FROM users WHERE id = $1";
}

pub(super) const LIST_OF_MESSAGES_ON_SQLITE: &str = select_file!(
    "SELECT ",
    "FROM files WHERE message_id IN (SELECT unhex(value) FROM json_each($1)) AND state = 'ready' ORDER BY id"
);
pub(super) const LIST_OF_MESSAGES_ON_POSTGRES: &str = select_file!(
    "SELECT ",
    "FROM files WHERE message_id IN (SELECT CAST(value AS UUID) FROM json_array_elements_text(CAST($1 AS JSON))) \
     AND state = 'ready' ORDER BY id"
);

/// A file about to arrive.
#[derive(Debug)]
pub(crate) struct NewFile<'a> {
    pub purpose: FilePurpose,
    pub conversation_id: Option<Uuid>,
    pub uploader: Uploader,
    pub name: &'a str,
    pub size: i64,
    pub mime_declared: &'a str,
    pub mime: &'a str,
    /// What the client says it will be.
    pub sha256: Option<&'a [u8]>,
}

/// Inserts a pending file.
pub(crate) async fn insert(tx: &mut Tx, new: NewFile<'_>, now: Micros) -> Result<File, StoreError> {
    run!(
        tx,
        fetch_one as File,
        INSERT_FILE,
        Uuid::now_v7(),
        new.purpose,
        new.conversation_id,
        new.uploader.kind,
        new.uploader.id,
        new.name,
        new.size,
        new.mime_declared,
        new.mime,
        new.sha256,
        now
    )
}

/// Bytes and open uploads of somebody; nobody else counts them until this transaction ends.
pub(crate) async fn count_of(tx: &mut Tx, uploader: Uploader) -> Result<(i64, i64), StoreError> {
    let lock = match uploader.kind {
        UploaderKind::User => LOCK_USER,
        UploaderKind::Guest => LOCK_GUEST,
    };
    run!(&mut *tx, execute, lock, uploader.id)?;
    run!(tx, fetch_one as (i64, i64), COUNT_OF_UPLOADER, uploader.id, uploader.kind)
}

/// Finds a file that is not deleted.
pub(crate) async fn find(on: impl Into<On<'_>>, id: Uuid) -> Result<Option<File>, StoreError> {
    run!(on, fetch_optional as File, FIND_FILE, id)
}

/// Finds somebody's picture.
pub(crate) async fn find_avatar(db: &Db, user_id: Uuid) -> Result<Option<File>, StoreError> {
    run!(db, fetch_optional as File, FIND_AVATAR, user_id)
}

/// Lists the ready files of a conversation, the newest first.
pub(crate) async fn list_ready(
    db: &Db,
    conversation_id: Uuid,
    before: Option<Uuid>,
    since: Micros,
    limit: i64,
) -> Result<Vec<File>, StoreError> {
    run!(db, fetch_all as File, LIST_READY, conversation_id, before.unwrap_or(Uuid::max()), since, limit)
}

/// The ready files of messages, in one statement. The ids travel as JSON, which is a table to both engines.
pub(crate) async fn list_of_messages(db: &Db, ids: &[Uuid]) -> Result<Vec<File>, StoreError> {
    let sql = match &db.pool {
        Pool::Sqlite(_) => LIST_OF_MESSAGES_ON_SQLITE,
        Pool::Postgres(_) => LIST_OF_MESSAGES_ON_POSTGRES,
    };
    let ids: Vec<String> = ids.iter().map(|id| id.simple().to_string()).collect();
    let ids = serde_json::Value::from(ids).to_string();
    run!(db, fetch_all as File, sql, &ids)
}

/// Takes the right to write a pending file under `key` until `until`; `false` while somebody else has it.
pub(crate) async fn claim(db: &Db, id: Uuid, key: &str, until: Micros, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(db, execute, CLAIM_UPLOAD, id, key, until, now)? == 1)
}

/// Notes how far an upload is; `false` when it is nobody's business any more.
pub(crate) async fn renew(db: &Db, id: Uuid, key: &str, received: i64, until: Micros) -> Result<bool, StoreError> {
    Ok(run!(db, execute, RENEW_UPLOAD, id, key, received, until)? == 1)
}

/// Gives the right to write back, so that the upload can be tried again.
pub(crate) async fn release(db: &Db, id: Uuid, key: &str) -> Result<(), StoreError> {
    run!(db, execute, RELEASE_UPLOAD, id, key)?;
    Ok(())
}

/// Makes a file ready whose bytes are under `key`; `None` when another upload took over.
pub(crate) async fn finish(
    tx: &mut Tx,
    id: Uuid,
    key: &str,
    size: i64,
    sha256: &[u8],
    now: Micros,
) -> Result<Option<File>, StoreError> {
    run!(tx, fetch_optional as File, FINISH_FILE, id, key, size, sha256, now)
}

pub(crate) async fn reject(tx: &mut Tx, id: Uuid, reason: &str) -> Result<(), StoreError> {
    run!(tx, execute, REJECT_FILE, id, reason)?;
    Ok(())
}

/// Marks a file deleted; `false` when it was already.
pub(crate) async fn delete(tx: &mut Tx, id: Uuid, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, DELETE_FILE, id, now)? == 1)
}

/// Attaches a ready file of `uploader` to a message; `None` when it is no such file or is attached already.
pub(crate) async fn attach(
    tx: &mut Tx,
    id: Uuid,
    message_id: Uuid,
    conversation_id: Uuid,
    uploader: Uploader,
) -> Result<Option<File>, StoreError> {
    run!(tx, fetch_optional as File, ATTACH_FILE, id, message_id, conversation_id, uploader.kind, uploader.id)
}

/// Marks the files of a message deleted; which.
pub(crate) async fn delete_of_message(tx: &mut Tx, message_id: Uuid, now: Micros) -> Result<Vec<Uuid>, StoreError> {
    let rows = run!(tx, fetch_all as (Uuid,), DELETE_OF_MESSAGE, message_id, now)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Marks at most `batch` files deleted that nobody finished before `before`, or pictures that nobody shows.
pub(crate) async fn delete_abandoned(tx: &mut Tx, before: Micros, batch: i64, now: Micros) -> Result<u64, StoreError> {
    run!(tx, execute, DELETE_ABANDONED, now, before, batch)
}

/// Deleted files whose bytes may still be there.
pub(crate) async fn list_to_erase(on: impl Into<On<'_>>, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let rows = run!(on, fetch_all as (Uuid,), LIST_TO_ERASE, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Forgets a deleted file.
pub(crate) async fn erase(db: &Db, id: Uuid) -> Result<(), StoreError> {
    run!(db, execute, ERASE_FILE, id)?;
    Ok(())
}

/// Shows `file_id` as the picture of somebody, or none; the picture before.
pub(crate) async fn set_avatar(
    tx: &mut Tx,
    user_id: Uuid,
    file_id: Option<Uuid>,
    now: Micros,
) -> Result<Option<Uuid>, StoreError> {
    let before = run!(&mut *tx, fetch_optional as (Option<Uuid>,), FIND_AVATAR_ID, user_id)?;
    run!(tx, execute, SET_AVATAR, user_id, file_id, now)?;
    Ok(before.and_then(|(id,)| id))
}
