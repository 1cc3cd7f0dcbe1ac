//! Files: announced, received, checked, read, attached, deleted.
//!
//! In: names and streams of bytes from people who may write to a conversation. Out: files that are what they claim to
//! be, readable by whoever may read the conversation at the moment of reading.

pub(crate) mod avatar;
pub(crate) mod check;
mod error;
mod package;
mod picture;
pub(crate) mod presigned;
pub(crate) mod sweep;
pub(crate) mod upload;

use serde_json::json;
use uuid::Uuid;

pub(crate) use self::error::{AttachError, FileError};
use super::audit;
use super::authorize::{Talk, is_platform_admin};
use super::conversations::{self, ConversationError, topic};
use crate::app::App;
use crate::http::extract::Caller;
use crate::jobs::NewJob;
use crate::model::clock::Micros;
use crate::model::conversation::Conversation;
use crate::model::file::{File, FileState, FileView, Uploader, UploaderKind};
use crate::model::user::Actor;
use crate::store::files as store;
use crate::store::tx::Tx;

/// Files one message can carry.
pub(crate) const MAX_ATTACHED: usize = 10;

/// Who uploads, if they may at all.
pub(crate) fn uploader(actor: &Actor) -> Result<Uploader, FileError> {
    match actor {
        Actor::User { user, .. } => Ok(Uploader { kind: UploaderKind::User, id: user.id }),
        Actor::Guest(guest) => Ok(Uploader { kind: UploaderKind::Guest, id: guest.id }),
        Actor::Anonymous => Err(FileError::SignInRequired),
    }
}

/// Finds a file that the caller may see: what is not ready only its uploader does.
///
/// # Errors
/// [`FileError::NotFound`] for one that the caller may not know about.
pub(crate) async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<File, FileError> {
    Ok(see(app, actor, id).await?.0)
}

async fn see(app: &App, actor: &Actor, id: Uuid) -> Result<(File, Conversation), FileError> {
    let own = uploader(actor)?;
    let file = store::find(&app.db, id).await?.ok_or(FileError::NotFound)?;
    let conversation_id = file.conversation_id.ok_or(FileError::NotFound)?;
    let conversation = match conversations::find(app, actor, conversation_id, Talk::Read).await {
        Ok(conversation) => conversation,
        Err(ConversationError::Store(error)) => return Err(error.into()),
        Err(_) => return Err(FileError::NotFound),
    };
    let before_their_time = conversation.guest_since.is_some_and(|since| file.created_at < since);
    if !file.is_of(own) && (file.state != FileState::Ready || before_their_time) {
        return Err(FileError::NotFound);
    }
    Ok((file, conversation))
}

/// Finds a file whose content the caller may read now.
///
/// # Errors
/// See [`FileError`].
pub(crate) async fn find_readable(app: &App, actor: &Actor, id: Uuid) -> Result<File, FileError> {
    let file = find(app, actor, id).await?;
    if file.state == FileState::Ready { Ok(file) } else { Err(FileError::NotReady) }
}

/// Lists the ready files of a conversation, the newest first.
///
/// # Errors
/// See [`FileError`].
pub(crate) async fn list(
    app: &App,
    actor: &Actor,
    conversation_id: Uuid,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<File>, FileError> {
    let conversation = conversations::find(app, actor, conversation_id, Talk::Read).await?;
    let since = conversation.guest_since.unwrap_or(Micros(i64::MIN));
    Ok(store::list_ready(&app.db, conversation_id, before, since, limit).await?)
}

/// Deletes a file: its uploader, whoever may moderate the conversation, or an admin of the platform.
///
/// # Errors
/// See [`FileError`].
pub(crate) async fn delete(app: &App, caller: &Caller, id: Uuid) -> Result<(), FileError> {
    let (file, conversation) = see(app, &caller.actor, id).await?;
    if !file.is_of(uploader(&caller.actor)?) && !is_platform_admin(&caller.actor) {
        match conversations::find(app, &caller.actor, conversation.id, Talk::Moderate).await {
            Ok(_) => {}
            Err(ConversationError::Store(error)) => return Err(error.into()),
            Err(_) => return Err(FileError::Forbidden),
        }
    }
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if !store::delete(&mut tx, id, now).await? {
        return Err(FileError::NotFound);
    }
    let diff = json!({ "conversation_id": file.conversation_id, "size": file.size });
    audit(&mut tx, caller, "file.deleted", ("file", id), diff, now).await?;
    if file.state == FileState::Ready {
        tell(&mut tx, "file.deleted", &file);
    }
    tx.enqueue(NewJob::erase_file(id), now).await?;
    Ok(tx.commit(now).await?)
}

/// Marks ready files of `uploader` as belonging to a message, in the transaction that sends it.
///
/// # Errors
/// See [`AttachError`]; the transaction must not be committed then.
pub(crate) async fn attach(
    tx: &mut Tx,
    conversation_id: Uuid,
    uploader: Uploader,
    ids: &[Uuid],
    message_id: Uuid,
) -> Result<Vec<FileView>, AttachError> {
    if ids.len() > MAX_ATTACHED {
        return Err(AttachError::TooMany);
    }
    let mut attached = Vec::with_capacity(ids.len());
    for id in ids {
        let file = store::attach(tx, *id, message_id, conversation_id, uploader).await?;
        attached.push(file.ok_or(AttachError::Unusable(*id))?.into());
    }
    Ok(attached)
}

/// Tells whoever listens to the conversation of a file.
fn tell(tx: &mut Tx, kind: &'static str, file: &File) {
    if let Some(id) = file.conversation_id {
        tx.event(topic(id), kind, &FileView::from(file.clone()));
    }
}

/// Whether a conversation may be written to by somebody, and by whom.
async fn writable(app: &App, actor: &Actor, id: Uuid) -> Result<Uploader, FileError> {
    let uploader = uploader(actor)?;
    conversations::find(app, actor, id, Talk::Write).await?;
    Ok(uploader)
}

/// The moment before which what is unfinished is abandoned.
fn abandoned(now: Micros) -> Micros {
    now.minus(sweep::ABANDONED_AFTER)
}
