//! SQL of messages: appended under the lock of their conversation's row, so that their numbers have no gap.

use uuid::Uuid;

use super::conversations::mine;
use super::db::{Db, On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::conversation::{Message, SenderKind};
use crate::store::rooms::like_pattern;

/// Messages a search looks at; older ones are found from a later cursor.
pub(crate) const SEARCH_WINDOW: i64 = 20_000;

macro_rules! message_columns {
    () => {
        "m.id, m.conversation_id, m.seq, m.sender_kind, m.sender_id, \
         COALESCE(u.display_name, m.guest_name, '') AS sender_name, m.body, m.reply_to, m.client_id, m.created_at, \
         m.edited_at, m.deleted_at"
    };
}

macro_rules! select_message {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            message_columns!(),
            " FROM messages m LEFT JOIN users u ON m.sender_kind = 'user' AND u.id = m.sender_id ",
            $rest
        )
    };
}

/// A page of conversation `$1` between the numbers `$2` and `$3`, sent from `$4` until `$5`.
macro_rules! list_messages {
    ($order:literal) => {
        concat!(
            select_message!(
                "WHERE m.conversation_id = $1 AND m.seq > $2 AND m.seq < $3 AND m.created_at >= $4 \
                 AND m.created_at < $5 ORDER BY m.seq "
            ),
            $order,
            " LIMIT $6"
        )
    };
}

/// As the page, of messages that contain `$7`.
macro_rules! search_messages {
    ($order:literal) => {
        concat!(
            "SELECT ",
            message_columns!(),
            " FROM (SELECT * FROM messages WHERE conversation_id = $1 AND seq > $2 AND seq < $3 \
             ORDER BY seq ",
            $order,
            " LIMIT $8) m LEFT JOIN users u ON m.sender_kind = 'user' AND u.id = m.sender_id \
             WHERE m.created_at >= $4 AND m.created_at < $5 AND m.deleted_at IS NULL \
             AND m.body_folded LIKE $7 ESCAPE '!' ORDER BY m.seq ",
            $order,
            " LIMIT $6"
        )
    };
}

statements! {
    TAKE_NUMBER = "UPDATE conversations SET last_seq = last_seq + 1, last_message_at = $2 WHERE id = $1 \
        RETURNING last_seq";
    INSERT_MESSAGE = "INSERT INTO messages (id, conversation_id, seq, sender_kind, sender_id, guest_name, body, \
        body_folded, reply_to, client_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
        ON CONFLICT (conversation_id, sender_kind, sender_id, client_id) DO NOTHING";
    FIND_MESSAGE = select_message!("WHERE m.conversation_id = $1 AND m.id = $2");
    FIND_MESSAGE_BY_CLIENT = select_message!(
        "WHERE m.conversation_id = $1 AND m.sender_kind = $2 AND m.sender_id = $3 AND m.client_id = $4");
    LIST_NEWEST_FIRST = list_messages!("DESC");
    LIST_OLDEST_FIRST = list_messages!("ASC");
    SEARCH_NEWEST_FIRST = search_messages!("DESC");
    SEARCH_OLDEST_FIRST = search_messages!("ASC");
    SEARCH_MINE = concat!("SELECT ", message_columns!(), " FROM (SELECT * FROM messages WHERE id < $2 AND conversation_id IN \
        (SELECT mine.id FROM (", mine!(), ") mine) ORDER BY id DESC LIMIT $5) m \
        LEFT JOIN users u ON m.sender_kind = 'user' AND u.id = m.sender_id \
        WHERE m.deleted_at IS NULL AND m.body_folded LIKE $3 ESCAPE '!' ORDER BY m.id DESC LIMIT $4");
    UPDATE_BODY = "UPDATE messages SET body = $2, body_folded = $3, edited_at = $4 \
        WHERE id = $1 AND deleted_at IS NULL";
    DELETE_BODY = "UPDATE messages SET body = '', body_folded = '', deleted_at = $2 \
        WHERE id = $1 AND deleted_at IS NULL";
}

/// A message about to be sent.
#[derive(Debug)]
pub(crate) struct NewMessage<'a> {
    pub conversation_id: Uuid,
    pub sender_kind: SenderKind,
    pub sender_id: Uuid,
    pub sender_name: &'a str,
    pub body: &'a str,
    pub reply_to: Option<Uuid>,
    pub client_id: &'a str,
}

/// Which messages of a conversation a list shows: those between two numbers and two moments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageFilter<'a> {
    pub after_seq: i64,
    pub before_seq: i64,
    pub from: Micros,
    pub until: Micros,
    /// Part of the body, any case; empty for all.
    pub q: &'a str,
    pub oldest_first: bool,
    pub limit: i64,
}

/// Appends a message; `None` when its sender used the `client_id` before: the transaction must then be given up, for
/// it has taken a number.
pub(crate) async fn insert(tx: &mut Tx, new: NewMessage<'_>, now: Micros) -> Result<Option<Message>, StoreError> {
    // The row's lock is held until commit: the next sender gets the next number, or ours if we roll back.
    let row = run!(&mut *tx, fetch_optional as (i64,), TAKE_NUMBER, new.conversation_id, now)?;
    let Some((seq,)) = row else { return Ok(None) };
    let id = Uuid::now_v7();
    let guest_name = (new.sender_kind == SenderKind::Guest).then_some(new.sender_name);
    let inserted = run!(
        tx,
        execute,
        INSERT_MESSAGE,
        id,
        new.conversation_id,
        seq,
        new.sender_kind,
        new.sender_id,
        guest_name,
        new.body,
        new.body.to_lowercase(),
        new.reply_to,
        new.client_id,
        now
    )?;
    Ok((inserted == 1).then(|| Message {
        id,
        conversation_id: new.conversation_id,
        seq,
        sender_kind: new.sender_kind,
        sender_id: new.sender_id,
        sender_name: new.sender_name.to_owned(),
        body: new.body.to_owned(),
        reply_to: new.reply_to,
        client_id: new.client_id.to_owned(),
        created_at: now,
        edited_at: None,
        deleted_at: None,
        files: Vec::new(),
    }))
}

/// Finds a message of a conversation.
pub(crate) async fn find(
    on: impl Into<On<'_>>,
    conversation_id: Uuid,
    id: Uuid,
) -> Result<Option<Message>, StoreError> {
    run!(on, fetch_optional as Message, FIND_MESSAGE, conversation_id, id)
}

/// Finds what a sender sent under a `client_id`.
pub(crate) async fn find_by_client(
    db: &Db,
    conversation_id: Uuid,
    sender: (SenderKind, Uuid),
    client_id: &str,
) -> Result<Option<Message>, StoreError> {
    run!(db, fetch_optional as Message, FIND_MESSAGE_BY_CLIENT, conversation_id, sender.0, sender.1, client_id)
}

/// Lists messages of a conversation.
pub(crate) async fn list(
    db: &Db,
    conversation_id: Uuid,
    filter: MessageFilter<'_>,
) -> Result<Vec<Message>, StoreError> {
    let MessageFilter { after_seq, before_seq, from, until, limit, .. } = filter;
    if filter.q.is_empty() {
        let sql = if filter.oldest_first { LIST_OLDEST_FIRST } else { LIST_NEWEST_FIRST };
        return run!(db, fetch_all as Message, sql, conversation_id, after_seq, before_seq, from, until, limit);
    }
    let sql = if filter.oldest_first { SEARCH_OLDEST_FIRST } else { SEARCH_NEWEST_FIRST };
    let pattern = like_pattern(filter.q);
    run!(
        db,
        fetch_all as Message,
        sql,
        conversation_id,
        after_seq,
        before_seq,
        from,
        until,
        limit,
        &pattern,
        SEARCH_WINDOW
    )
}

/// Searches the messages of somebody's conversations, the newest first.
pub(crate) async fn search_mine(
    db: &Db,
    user_id: Uuid,
    q: &str,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Message>, StoreError> {
    let pattern = like_pattern(q);
    run!(db, fetch_all as Message, SEARCH_MINE, user_id, before, &pattern, limit, SEARCH_WINDOW)
}

/// Replaces the body of a message; `false` when it was deleted meanwhile.
pub(crate) async fn update_body(tx: &mut Tx, id: Uuid, body: &str, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, UPDATE_BODY, id, body, body.to_lowercase(), now)? == 1)
}

/// Empties a message and marks it deleted; `false` when it was already.
pub(crate) async fn delete_body(tx: &mut Tx, id: Uuid, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, DELETE_BODY, id, now)? == 1)
}
