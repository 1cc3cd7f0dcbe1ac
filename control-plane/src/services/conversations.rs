//! Conversations: found and listed for who may read them, begun between two people, read up to a number.
//!
//! In: an actor and a conversation's id. Out: what the actor may see of it. Who may enter the owner may use the thread.

use serde_json::json;
use uuid::Uuid;

use super::audit;
use super::authorize::{ConversationObject, Refusal, Talk, authorize_talk, is_platform_admin};
use crate::app::App;
use crate::http::extract::SignedIn;
use crate::model::conversation::{
    Conversation, ConversationKind, ConversationSummary, Message, ReadMarker, SenderKind,
};
use crate::model::room::RoomName;
use crate::model::user::Actor;
use crate::store::conversations as store;
use crate::store::db::StoreError;
use crate::store::{messages, rooms};

/// Read markers shown of one conversation, the furthest first.
const MAX_READS: i64 = 200;

/// Why a conversation cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConversationError {
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    #[error("the channel is archived")]
    Archived,
    #[error("there is no such person for the caller")]
    NoSuchPerson,
    #[error("nobody talks to themselves")]
    Oneself,
    #[error("beyond the last message")]
    BeyondEnd,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The topic of what happens in a conversation.
pub(crate) fn topic(conversation_id: Uuid) -> String {
    format!("conversation:{conversation_id}")
}

/// Who speaks, and under which name; `None` for who has neither account nor pass.
pub(crate) fn sender(actor: &Actor) -> Option<(SenderKind, Uuid, &str)> {
    match actor {
        Actor::User { user, .. } => Some((SenderKind::User, user.id, &user.display_name)),
        Actor::Guest(guest) => Some((SenderKind::Guest, guest.id, &guest.name)),
        Actor::Anonymous => None,
    }
}

/// Finds a conversation for somebody who wants to do `talk` in it.
///
/// # Errors
/// See [`ConversationError`]; [`Refusal::NotFound`] for one that the caller may not know about.
pub(crate) async fn find(app: &App, actor: &Actor, id: Uuid, talk: Talk) -> Result<Conversation, ConversationError> {
    let (user_id, guest_id) = match actor {
        Actor::User { user, .. } => (Some(user.id), None),
        Actor::Guest(guest) => (None, Some(guest.id)),
        Actor::Anonymous => return Err(Refusal::SignInRequired.into()),
    };
    let conversation = store::find(&app.db, id, user_id, guest_id).await?.ok_or(Refusal::NotFound)?;
    let room = match conversation.kind {
        ConversationKind::Room => rooms::find(&app.db, &RoomName::Id(conversation.owner_id), user_id).await?,
        ConversationKind::Channel | ConversationKind::Meeting | ConversationKind::Direct => None,
    };
    let object = ConversationObject { conversation: &conversation, room: room.as_ref(), now: app.clock.now() };
    authorize_talk(actor, talk, object)?;
    if talk == Talk::Write && conversation.archived_at.is_some() {
        return Err(ConversationError::Archived);
    }
    Ok(conversation)
}

/// Lists the caller's conversations, the most lively first.
///
/// # Errors
/// As any statement.
pub(crate) async fn list(
    app: &App,
    user_id: Uuid,
    kind: Option<ConversationKind>,
    before: (i64, Uuid),
    limit: i64,
) -> Result<Vec<ConversationSummary>, StoreError> {
    let mut found = store::list_mine(&app.db, user_id, kind, before, limit).await?;
    let ids: Vec<Uuid> = found.iter().filter_map(|summary| summary.message_id).collect();
    if !ids.is_empty() {
        for file in crate::store::files::list_of_messages(&app.db, &ids).await? {
            if let Some(summary) = found.iter_mut().find(|summary| summary.message_id == file.message_id) {
                summary.message_files.push(file.into());
            }
        }
    }
    Ok(found)
}

/// Searches the messages of the caller's conversations, the newest first.
///
/// # Errors
/// As any statement.
pub(crate) async fn search(
    app: &App,
    user_id: Uuid,
    q: &str,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Message>, StoreError> {
    let mut found = messages::search_mine(&app.db, user_id, q, before, limit).await?;
    super::messages::fill_files(app, &mut found).await?;
    Ok(found)
}

/// Finds or begins the direct conversation of the caller with somebody; whether it is new.
///
/// # Errors
/// See [`ConversationError`].
pub(crate) async fn direct(app: &App, who: &SignedIn, other: Uuid) -> Result<(Conversation, bool), ConversationError> {
    let own = who.user.id;
    if own == other {
        return Err(ConversationError::Oneself);
    }
    let mut fresh = false;
    let id = match store::find_direct(&app.db, own, other).await? {
        Some(id) => id,
        None => {
            let shared = store::shares_a_place(&app.db, own, other).await?.ok_or(ConversationError::NoSuchPerson)?;
            if !shared && !is_platform_admin(&who.caller.actor) {
                return Err(ConversationError::NoSuchPerson);
            }
            fresh = begin(app, who, other).await?;
            store::find_direct(&app.db, own, other).await?.ok_or(ConversationError::NoSuchPerson)?
        }
    };
    let conversation = store::find(&app.db, id, Some(own), None).await?.ok_or(Refusal::NotFound)?;
    Ok((conversation, fresh))
}

/// Inserts the direct conversation of two people; `false` when a twin of this request was first.
async fn begin(app: &App, who: &SignedIn, other: Uuid) -> Result<bool, StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let Some(id) = store::insert_direct(&mut tx, who.user.id, other, now).await? else { return Ok(false) };
    audit(&mut tx, &who.caller, "conversation.created", ("conversation", id), json!({ "with": other }), now).await?;
    for person in [who.user.id, other] {
        let told = json!({ "conversation_id": id, "kind": ConversationKind::Direct });
        tx.event(format!("notifications:{person}"), "conversation.created", &told);
    }
    tx.commit(now).await?;
    Ok(true)
}

/// Moves the caller's read marker forward to `seq`; where it is then.
///
/// # Errors
/// See [`ConversationError`]; [`ConversationError::BeyondEnd`] for a number that no message has.
pub(crate) async fn read(app: &App, who: &SignedIn, id: Uuid, seq: i64) -> Result<Conversation, ConversationError> {
    let mut conversation = find(app, &who.caller.actor, id, Talk::Read).await?;
    if seq > conversation.last_seq {
        return Err(ConversationError::BeyondEnd);
    }
    if seq <= conversation.last_read_seq {
        return Ok(conversation);
    }
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if store::raise_read(&mut tx, id, who.user.id, seq).await? {
        let told = json!({ "conversation_id": id, "user_id": who.user.id, "last_read_seq": seq });
        tx.event(topic(id), "conversation.read", &told);
    }
    tx.commit(now).await?;
    conversation.last_read_seq = seq;
    Ok(conversation)
}

/// How far the people of a conversation have read.
///
/// # Errors
/// See [`ConversationError`].
pub(crate) async fn reads(app: &App, who: &SignedIn, id: Uuid) -> Result<Vec<ReadMarker>, ConversationError> {
    find(app, &who.caller.actor, id, Talk::Read).await?;
    Ok(store::list_reads(&app.db, id, MAX_READS).await?)
}

/// Tells who listens now that the caller types, or has stopped; it is kept nowhere.
///
/// # Errors
/// See [`ConversationError`].
pub(crate) async fn typing(app: &App, actor: &Actor, id: Uuid, active: bool) -> Result<(), ConversationError> {
    find(app, actor, id, Talk::Write).await?;
    let Some((kind, sender_id, name)) = sender(actor) else { return Err(Refusal::SignInRequired.into()) };
    let told = json!({
        "conversation_id": id,
        "sender": { "kind": kind, "id": sender_id, "name": name },
        "active": active,
    });
    app.outbox.bus.publish_ephemeral(topic(id), "conversation.typing", &told);
    Ok(())
}
