//! SQL of conversations: who they belong to, whose they are, how far people have read, and direct ones.

use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::conversation::{Conversation, ConversationKind, ConversationSummary, ReadMarker};

/// The conversations of user `$1`: rooms and channels they are a member of, and direct ones.
macro_rules! mine {
    () => {
        "SELECT r.conversation_id AS id, r.name AS title, r.org_id AS org_id, CAST(NULL AS UUID) AS peer_id \
         FROM room_members m JOIN rooms r ON r.id = m.room_id WHERE m.user_id = $1 AND r.deleted_at IS NULL \
         UNION ALL SELECT ch.conversation_id, ch.name, ch.org_id, CAST(NULL AS UUID) \
         FROM channel_members m JOIN channels ch ON ch.id = m.channel_id \
         JOIN organizations o ON o.id = ch.org_id AND o.deleted_at IS NULL \
         WHERE m.user_id = $1 AND ch.deleted_at IS NULL \
         UNION ALL SELECT d.conversation_id, p.display_name, CAST(NULL AS UUID), p.id \
         FROM direct_conversations d JOIN users p \
         ON p.id = CASE WHEN d.user_low = $1 THEN d.user_high ELSE d.user_low END \
         WHERE d.user_low = $1 OR d.user_high = $1"
    };
}
pub(super) use mine;

statements! {
    FIND_CONVERSATION = "SELECT c.id, c.kind, c.owner_id, c.last_seq, c.created_at, c.last_message_at, \
        COALESCE(r.name, ch.name, p.display_name) AS title, o.id AS org_id, ch.visibility, ch.archived_at, \
        cm.role AS channel_role, om.role AS org_role, p.id AS peer_id, \
        COALESCE(mr.last_read_seq, 0) AS last_read_seq, cg.joined_at AS guest_since, \
        EXISTS (SELECT 1 FROM channel_members a WHERE a.channel_id = ch.id AND a.role = 'admin') AS channel_has_admin \
        FROM conversations c \
        LEFT JOIN rooms r ON c.kind = 'room' AND r.id = c.owner_id AND r.deleted_at IS NULL \
        LEFT JOIN channels ch ON c.kind = 'channel' AND ch.id = c.owner_id AND ch.deleted_at IS NULL \
        LEFT JOIN channel_members cm ON cm.channel_id = ch.id AND cm.user_id = $2 \
        LEFT JOIN organizations o ON o.id = COALESCE(r.org_id, ch.org_id) AND o.deleted_at IS NULL \
        LEFT JOIN organization_members om ON om.org_id = o.id AND om.user_id = $2 \
        LEFT JOIN direct_conversations d ON d.conversation_id = c.id AND (d.user_low = $2 OR d.user_high = $2) \
        LEFT JOIN users p ON p.id = CASE WHEN d.user_low = $2 THEN d.user_high ELSE d.user_low END \
        LEFT JOIN message_reads mr ON mr.conversation_id = c.id AND mr.user_id = $2 \
        LEFT JOIN guest_sessions g ON g.id = $3 AND g.room_id = r.id \
        LEFT JOIN conversation_guests cg ON cg.guest_id = g.id \
        WHERE c.id = $1";
    LIST_MINE = concat!("SELECT c.id, c.kind, c.owner_id, mine.org_id, mine.peer_id, mine.title, c.last_seq, c.created_at, \
        COALESCE(c.last_message_at, c.created_at) AS active_at, COALESCE(mr.last_read_seq, 0) AS last_read_seq, \
        lm.id AS message_id, lm.seq AS message_seq, lm.sender_kind AS message_sender_kind, \
        lm.sender_id AS message_sender_id, COALESCE(u.display_name, lm.guest_name) AS message_sender_name, \
        lm.body AS message_body, lm.reply_to AS message_reply_to, lm.client_id AS message_client_id, \
        lm.created_at AS message_created_at, lm.edited_at AS message_edited_at, lm.deleted_at AS message_deleted_at \
        FROM (", mine!(), ") mine JOIN conversations c ON c.id = mine.id \
        LEFT JOIN message_reads mr ON mr.conversation_id = c.id AND mr.user_id = $1 \
        LEFT JOIN messages lm ON lm.conversation_id = c.id AND lm.seq = c.last_seq \
        LEFT JOIN users u ON lm.sender_kind = 'user' AND u.id = lm.sender_id \
        WHERE ($2 = '' OR c.kind = $2) AND (COALESCE(c.last_message_at, c.created_at), c.id) < ($3, $4) \
        ORDER BY COALESCE(c.last_message_at, c.created_at) DESC, c.id DESC LIMIT $5");
    INSERT_CONVERSATION = "INSERT INTO conversations (id, kind, owner_id, last_seq, created_at) \
        VALUES ($1, $2, $3, 0, $4)";
    RAISE_READ = "INSERT INTO message_reads (conversation_id, user_id, last_read_seq) VALUES ($1, $2, $3) \
        ON CONFLICT (conversation_id, user_id) DO UPDATE SET last_read_seq = excluded.last_read_seq \
        WHERE message_reads.last_read_seq < excluded.last_read_seq";
    READ_ALL = "INSERT INTO message_reads (conversation_id, user_id, last_read_seq) \
        SELECT c.id, u.id, c.last_seq FROM conversations c JOIN users u ON u.id = $2 WHERE c.id = $1 \
        ON CONFLICT (conversation_id, user_id) DO UPDATE SET last_read_seq = excluded.last_read_seq";
    ADMIT_GUEST = "INSERT INTO conversation_guests (guest_id, joined_at) VALUES ($1, $2) \
        ON CONFLICT (guest_id) DO NOTHING";
    LIST_READS = "SELECT user_id, last_read_seq FROM message_reads WHERE conversation_id = $1 \
        ORDER BY last_read_seq DESC, user_id LIMIT $2";
    INSERT_DIRECT = "INSERT INTO direct_conversations (conversation_id, user_low, user_high, created_at) \
        VALUES ($1, $2, $3, $4) ON CONFLICT (user_low, user_high) DO NOTHING";
    FIND_DIRECT = "SELECT conversation_id FROM direct_conversations WHERE user_low = $1 AND user_high = $2";
    MAY_MEET = "SELECT u.id, \
        (EXISTS (SELECT 1 FROM organization_members a JOIN organization_members b ON b.org_id = a.org_id \
        JOIN organizations o ON o.id = a.org_id WHERE a.user_id = $1 AND b.user_id = $2 AND o.deleted_at IS NULL) \
        OR EXISTS (SELECT 1 FROM room_members a JOIN room_members b ON b.room_id = a.room_id \
        JOIN rooms r ON r.id = a.room_id WHERE a.user_id = $1 AND b.user_id = $2 AND r.deleted_at IS NULL)) AS shared \
        FROM users u WHERE u.id = $2 AND u.deleted_at IS NULL AND u.status = 'active'";
}

/// Finds a conversation as `user_id` (or guest `guest_id`) sees it; whether they may is for services to decide.
pub(crate) async fn find(
    on: impl Into<On<'_>>,
    id: Uuid,
    user_id: Option<Uuid>,
    guest_id: Option<Uuid>,
) -> Result<Option<Conversation>, StoreError> {
    let (user_id, guest_id) = (user_id.unwrap_or(Uuid::nil()), guest_id.unwrap_or(Uuid::nil()));
    run!(on, fetch_optional as Conversation, FIND_CONVERSATION, id, user_id, guest_id)
}

/// Lists somebody's conversations, the most lively first, before the place `before`.
pub(crate) async fn list_mine(
    db: &Db,
    user_id: Uuid,
    kind: Option<ConversationKind>,
    before: (i64, Uuid),
    limit: i64,
) -> Result<Vec<ConversationSummary>, StoreError> {
    let kind = kind.map_or("", ConversationKind::as_str);
    run!(db, fetch_all as ConversationSummary, LIST_MINE, user_id, kind, before.0, before.1, limit)
}

/// Inserts an empty conversation of `owner_id` and returns its id.
pub(crate) async fn insert(
    tx: &mut Tx,
    kind: ConversationKind,
    owner_id: Uuid,
    now: Micros,
) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    run!(tx, execute, INSERT_CONVERSATION, id, kind, owner_id, now)?;
    Ok(id)
}

/// Moves somebody's read marker forward; `false` when it was there or further.
pub(crate) async fn raise_read(
    tx: &mut Tx,
    conversation_id: Uuid,
    user_id: Uuid,
    seq: i64,
) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, RAISE_READ, conversation_id, user_id, seq)? == 1)
}

/// Moves somebody's read marker to the end.
pub(crate) async fn mark_all_read(tx: &mut Tx, conversation_id: Uuid, user_id: Uuid) -> Result<(), StoreError> {
    run!(tx, execute, READ_ALL, conversation_id, user_id)?;
    Ok(())
}

/// Lets a guest take part in the conversation of their room from now on; again is no change.
pub(crate) async fn admit_guest(tx: &mut Tx, guest_id: Uuid, now: Micros) -> Result<(), StoreError> {
    run!(tx, execute, ADMIT_GUEST, guest_id, now)?;
    Ok(())
}

/// How far people have read, the furthest first.
pub(crate) async fn list_reads(db: &Db, conversation_id: Uuid, limit: i64) -> Result<Vec<ReadMarker>, StoreError> {
    run!(db, fetch_all as ReadMarker, LIST_READS, conversation_id, limit)
}

/// Inserts the direct conversation of two people; `None` when they have one.
pub(crate) async fn insert_direct(tx: &mut Tx, a: Uuid, b: Uuid, now: Micros) -> Result<Option<Uuid>, StoreError> {
    let id = Uuid::now_v7();
    run!(&mut *tx, execute, INSERT_CONVERSATION, id, ConversationKind::Direct, id, now)?;
    let inserted = run!(tx, execute, INSERT_DIRECT, id, a.min(b), a.max(b), now)?;
    Ok((inserted == 1).then_some(id))
}

/// Finds the direct conversation of two people.
pub(crate) async fn find_direct(on: impl Into<On<'_>>, a: Uuid, b: Uuid) -> Result<Option<Uuid>, StoreError> {
    let row = run!(on, fetch_optional as (Uuid,), FIND_DIRECT, a.min(b), a.max(b))?;
    Ok(row.map(|(id,)| id))
}

/// Whether `user_id` shares an organization or a room with an active `other`; `None` when there is no such person.
pub(crate) async fn shares_a_place(db: &Db, user_id: Uuid, other: Uuid) -> Result<Option<bool>, StoreError> {
    let row = run!(db, fetch_optional as (Uuid, bool), MAY_MEET, user_id, other)?;
    Ok(row.map(|(_, shared)| shared))
}
