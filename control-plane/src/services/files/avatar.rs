//! People's pictures: small, of three kinds, shown to whoever is signed in or in a room.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use serde_json::json;
use uuid::Uuid;

use super::check::{Kind, Rejection, promised};
use super::upload::{Announcement, Bound, BrokenBody, Incoming, NewRow, discard, insert, store_content};
use super::{FileError, picture};
use crate::app::App;
use crate::http::extract::SignedIn;
use crate::jobs::NewJob;
use crate::model::file::{File, FilePurpose, FileState, Uploader, UploaderKind};
use crate::model::user::Actor;
use crate::services::audit;
use crate::store::db::StoreError;
use crate::store::files as store;

/// Bytes of a picture: all of it is in memory while its header is read.
const AVATAR_BYTES: usize = 2 << 20;
/// Pixels each way.
const AVATAR_PIXELS: u32 = 4_096;
/// The names pictures are kept under, one for each allowed type.
const NAMES: [(&str, &str); 3] =
    [("image/png", "avatar.png"), ("image/jpeg", "avatar.jpg"), ("image/webp", "avatar.webp")];

/// Shows a new picture of the caller.
///
/// # Errors
/// See [`FileError`].
pub(crate) async fn set(app: &Arc<App>, who: &SignedIn, content_type: &str, body: Incoming) -> Result<File, FileError> {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (_, name) = NAMES.iter().find(|(mime, _)| *mime == essence).ok_or(Rejection::Declared)?;
    let kind = promised(name, &essence)?;
    let bytes = collect(body).await?;
    judge(kind, &bytes)?;
    let now = app.clock.now();
    let size = bytes.len() as u64;
    let new = Announcement { name: (*name).to_owned(), size, content_type: essence, sha256: None };
    let uploader = Uploader { kind: UploaderKind::User, id: who.user.id };
    let row = NewRow { purpose: FilePurpose::Avatar, conversation_id: None, uploader, name, kind };
    let mut tx = app.begin().await?;
    let file = insert(app, &mut tx, row, &new, now).await?;
    tx.commit(now).await?;
    let id = file.id;
    let body = stream::once(async move { Ok(bytes) }).boxed();
    match store_content(app, &who.caller, file, Bound::Exactly(size), body).await {
        Ok(file) => {
            show(app, who, Some(file.id)).await?;
            Ok(file)
        }
        Err(error) => {
            discard(app, id).await;
            Err(error)
        }
    }
}

/// Shows no picture of the caller any more.
///
/// # Errors
/// As any statement.
pub(crate) async fn remove(app: &App, who: &SignedIn) -> Result<(), StoreError> {
    show(app, who, None).await
}

async fn show(app: &App, who: &SignedIn, file_id: Option<Uuid>) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let before = store::set_avatar(&mut tx, who.user.id, file_id, now).await?;
    if before == file_id {
        return Ok(());
    }
    if let Some(before) = before
        && store::delete(&mut tx, before, now).await?
    {
        tx.enqueue(NewJob::erase_file(before), now).await?;
    }
    let diff = json!({ "changed": ["avatar"] });
    audit(&mut tx, &who.caller, "user.updated", ("user", who.user.id), diff, now).await?;
    tx.commit(now).await
}

/// Finds somebody's picture, for people who are signed in and guests of a room.
///
/// # Errors
/// See [`FileError`].
pub(crate) async fn find(app: &App, actor: &Actor, user_id: Uuid) -> Result<File, FileError> {
    if matches!(actor, Actor::Anonymous) {
        return Err(FileError::SignInRequired);
    }
    store::find_avatar(&app.db, user_id).await?.ok_or(FileError::NotFound)
}

/// Finds a picture by its file.
///
/// # Errors
/// See [`FileError`].
pub(crate) async fn find_by_file(app: &App, actor: &Actor, id: Uuid) -> Result<File, FileError> {
    if matches!(actor, Actor::Anonymous) {
        return Err(FileError::SignInRequired);
    }
    let file = store::find(&app.db, id).await?;
    let shown = |file: &File| file.purpose == FilePurpose::Avatar && file.state == FileState::Ready;
    file.filter(shown).ok_or(FileError::NotFound)
}

async fn collect(mut body: Incoming) -> Result<Bytes, FileError> {
    let mut all = BytesMut::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|BrokenBody| FileError::Broken)?;
        if all.len() + piece.len() > AVATAR_BYTES {
            return Err(FileError::TooLarge(AVATAR_BYTES as u64));
        }
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}

fn judge(kind: &Kind, bytes: &[u8]) -> Result<(), Rejection> {
    kind.is_kept_by(bytes, true)?;
    let allowed = 1..=AVATAR_PIXELS;
    match picture::dimensions(bytes) {
        Some((width, height)) if allowed.contains(&width) && allowed.contains(&height) => Ok(()),
        _ => Err(Rejection::Dimensions),
    }
}
