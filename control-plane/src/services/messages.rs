//! Messages: sent once however often they are submitted, listed, changed by their authors, deleted.
//!
//! In: an actor, a conversation's id, a draft. Out: messages, and events on the conversation's topic.

use serde_json::json;
use uuid::Uuid;

use super::audit_in;
use super::authorize::{Refusal, Talk};
use super::conversations::{self, ConversationError, sender, topic};
use super::files::{self, AttachError};
use super::notifications::mentions;
use crate::app::App;
use crate::http::extract::Caller;
use crate::jobs::NewJob;
use crate::model::clock::Micros;
use crate::model::conversation::{Conversation, Message, MessageView, SenderKind};
use crate::model::user::Actor;
use crate::store::conversations as conversation_store;
use crate::store::db::StoreError;
use crate::store::events;
use crate::store::files as file_store;
use crate::store::messages::{self as store, MessageFilter, NewMessage};

/// A message as its sender wrote it; the body is checked already.
#[derive(Debug)]
pub(crate) struct Draft {
    pub body: String,
    /// The same text from the same sender again is the same message.
    pub client_id: Option<String>,
    pub reply_to: Option<Uuid>,
    /// Ready files of the sender in the same conversation.
    pub file_ids: Vec<Uuid>,
}

/// Which messages somebody asks for.
#[derive(Debug)]
pub(crate) struct MessageQuery<'a> {
    pub q: &'a str,
    pub from: Option<Micros>,
    pub until: Option<Micros>,
    pub after_seq: Option<i64>,
    /// The last message of the page before.
    pub cursor: Option<i64>,
    pub oldest_first: bool,
    pub limit: i64,
}

/// Why a message cannot be sent, changed or deleted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MessageError {
    #[error(transparent)]
    Conversation(#[from] ConversationError),
    #[error("no such message")]
    NotFound,
    #[error("the message was deleted")]
    Deleted,
    #[error("only its author may change a message")]
    NotAuthor,
    #[error("the message replied to is not in this conversation")]
    UnknownReply,
    #[error(transparent)]
    Attach(#[from] AttachError),
    #[error("the client id was used for another message")]
    ClientIdReused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refusal> for MessageError {
    fn from(refusal: Refusal) -> Self {
        Self::Conversation(refusal.into())
    }
}

/// Sends a message; `false` beside it when it had been sent before under the same `client_id`.
///
/// # Errors
/// See [`MessageError`].
pub(crate) async fn send(
    app: &App,
    actor: &Actor,
    conversation_id: Uuid,
    draft: Draft,
) -> Result<(Message, bool), MessageError> {
    let conversation = conversations::find(app, actor, conversation_id, Talk::Write).await?;
    let (sender_kind, sender_id, sender_name) = sender(actor).ok_or(Refusal::SignInRequired)?;
    if let Some(target) = draft.reply_to {
        let target = store::find(&app.db, conversation_id, target).await?;
        target.filter(|target| is_shown(&conversation, target)).ok_or(MessageError::UnknownReply)?;
    }
    let client_id = draft.client_id.clone().unwrap_or_else(|| Uuid::now_v7().simple().to_string());
    let new = NewMessage {
        conversation_id,
        sender_kind,
        sender_id,
        sender_name,
        body: &draft.body,
        reply_to: draft.reply_to,
        client_id: &client_id,
    };
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let Some(mut message) = store::insert(&mut tx, new, now).await? else {
        // Gives back the number it took.
        drop(tx);
        return sent_before(app, &conversation, (sender_kind, sender_id), &client_id, &draft).await;
    };
    if !draft.file_ids.is_empty() {
        let uploader = files::uploader(actor).map_err(|_| Refusal::SignInRequired)?;
        message.files = files::attach(&mut tx, conversation_id, uploader, &draft.file_ids, message.id).await?;
    }
    if sender_kind == SenderKind::User {
        conversation_store::raise_read(&mut tx, conversation_id, sender_id, message.seq).await?;
    }
    tx.event(topic(conversation_id), "message.created", &MessageView::from(message.clone()));
    mentions::tell(&mut tx, &conversation, &message, now).await?;
    tx.commit(now).await?;
    metrics::counter!("plenum_messages_total", "kind" => conversation.kind.as_str()).increment(1);
    Ok((message, true))
}

/// The message that was sent under this `client_id`, unless it says something else.
async fn sent_before(
    app: &App,
    conversation: &Conversation,
    sender: (SenderKind, Uuid),
    client_id: &str,
    draft: &Draft,
) -> Result<(Message, bool), MessageError> {
    let found = store::find_by_client(&app.db, conversation.id, sender, client_id).await?;
    let found = found.ok_or(ConversationError::Refused(Refusal::NotFound))?;
    let message = with_files(app, found).await?;
    // What was edited or deleted since says something else for a good reason.
    let touched = message.edited_at.is_some() || message.deleted_at.is_some();
    let attached = message.files.iter().all(|file| draft.file_ids.contains(&file.id));
    let same_files = attached && message.files.len() == draft.file_ids.len();
    if !touched && (message.body != draft.body || message.reply_to != draft.reply_to || !same_files) {
        return Err(MessageError::ClientIdReused);
    }
    Ok((message, false))
}

/// A message with the files that belong to it.
async fn with_files(app: &App, message: Message) -> Result<Message, StoreError> {
    let mut one = [message];
    fill_files(app, &mut one).await?;
    let [message] = one;
    Ok(message)
}

/// Gives messages the files that belong to them, in one statement.
pub(super) async fn fill_files(app: &App, messages: &mut [Message]) -> Result<(), StoreError> {
    if messages.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = messages.iter().map(|message| message.id).collect();
    for file in file_store::list_of_messages(&app.db, &ids).await? {
        if let Some(message) = messages.iter_mut().find(|message| Some(message.id) == file.message_id) {
            message.files.push(file.into());
        }
    }
    Ok(())
}

/// Whether the asking person is shown a message: guests only what came after them.
fn is_shown(conversation: &Conversation, message: &Message) -> bool {
    conversation.guest_since.is_none_or(|since| message.created_at >= since)
}

/// Lists messages of a conversation.
///
/// # Errors
/// See [`ConversationError`].
pub(crate) async fn list(
    app: &App,
    actor: &Actor,
    conversation_id: Uuid,
    query: MessageQuery<'_>,
) -> Result<Vec<Message>, ConversationError> {
    let conversation = conversations::find(app, actor, conversation_id, Talk::Read).await?;
    let mut filter = MessageFilter {
        after_seq: query.after_seq.unwrap_or(0),
        before_seq: i64::MAX,
        from: query.from.unwrap_or(Micros(i64::MIN)).max(conversation.guest_since.unwrap_or(Micros(i64::MIN))),
        until: query.until.unwrap_or(Micros(i64::MAX)),
        q: query.q,
        oldest_first: query.oldest_first,
        limit: query.limit,
    };
    match query.cursor {
        Some(cursor) if query.oldest_first => filter.after_seq = filter.after_seq.max(cursor),
        Some(cursor) => filter.before_seq = cursor,
        None => {}
    }
    let mut messages = store::list(&app.db, conversation_id, filter).await?;
    fill_files(app, &mut messages).await?;
    Ok(messages)
}

/// Finds one message.
///
/// # Errors
/// See [`MessageError`].
pub(crate) async fn find(app: &App, actor: &Actor, conversation_id: Uuid, id: Uuid) -> Result<Message, MessageError> {
    let conversation = conversations::find(app, actor, conversation_id, Talk::Read).await?;
    let found = store::find(&app.db, conversation_id, id).await?;
    let message = found.filter(|message| is_shown(&conversation, message)).ok_or(MessageError::NotFound)?;
    Ok(with_files(app, message).await?)
}

fn is_author(actor: &Actor, message: &Message) -> bool {
    sender(actor).is_some_and(|(kind, id, _)| (kind, id) == (message.sender_kind, message.sender_id))
}

/// Changes what a message says; its author may.
///
/// # Errors
/// See [`MessageError`].
pub(crate) async fn update(
    app: &App,
    actor: &Actor,
    conversation_id: Uuid,
    id: Uuid,
    body: String,
) -> Result<Message, MessageError> {
    let mut message = find(app, actor, conversation_id, id).await?;
    if !is_author(actor, &message) {
        return Err(MessageError::NotAuthor);
    }
    conversations::find(app, actor, conversation_id, Talk::Write).await?;
    if message.deleted_at.is_some() {
        return Err(MessageError::Deleted);
    }
    if message.body == body {
        return Ok(message);
    }
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if !store::update_body(&mut tx, id, &body, now).await? {
        return Err(MessageError::Deleted);
    }
    events::rewrite_message(&mut tx, &topic(conversation_id), id, &body).await?;
    message.body = body;
    message.edited_at = Some(now);
    tx.event(topic(conversation_id), "message.updated", &MessageView::from(message.clone()));
    tx.commit(now).await?;
    Ok(message)
}

/// Deletes a message; its author and moderators may. Its place stays, empty.
///
/// # Errors
/// See [`MessageError`].
pub(crate) async fn delete(app: &App, caller: &Caller, conversation_id: Uuid, id: Uuid) -> Result<(), MessageError> {
    let message = find(app, &caller.actor, conversation_id, id).await?;
    let own = is_author(&caller.actor, &message);
    let talk = if own { Talk::Read } else { Talk::Moderate };
    let conversation = conversations::find(app, &caller.actor, conversation_id, talk).await?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if !store::delete_body(&mut tx, id, now).await? {
        return Ok(());
    }
    events::blank_message(&mut tx, &topic(conversation_id), id).await?;
    for file_id in file_store::delete_of_message(&mut tx, id, now).await? {
        tx.enqueue(NewJob::erase_file(file_id), now).await?;
    }
    if !own {
        let diff = json!({ "conversation_id": conversation_id, "seq": message.seq, "sender_id": message.sender_id });
        audit_in(&mut tx, caller, conversation.org_id, "message.deleted", ("message", id), diff, now).await?;
    }
    let told = json!({ "id": id, "conversation_id": conversation_id, "seq": message.seq,
        "created_at": message.created_at, "deleted_at": now });
    tx.event(topic(conversation_id), "message.deleted", &told);
    tx.commit(now).await?;
    Ok(())
}
