//! SQL of erasing for good what was deleted before a moment, `$1`, in batches of `$2` rows.
//!
//! What hangs on a room, channel or organization goes first, so that no single statement cascades without bound.

use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;

/// A room `r` to be erased. Its breakouts go with it. It stays while a call is open in it, and while a meeting that nobody
/// deleted is still to take place there.
macro_rules! gone_room {
    () => {
        "r.deleted_at < $1 AND r.parent_room_id IS NULL \
         AND NOT EXISTS (SELECT 1 FROM calls oc JOIN rooms ox ON ox.id = oc.room_id \
         WHERE oc.ended_at IS NULL AND (ox.id = r.id OR ox.parent_room_id = r.id)) \
         AND NOT EXISTS (SELECT 1 FROM meetings mt WHERE mt.room_id = r.id AND mt.deleted_at IS NULL \
         AND mt.status IN ('scheduled', 'ongoing') AND (mt.ends_at IS NULL OR mt.ends_at > $1))"
    };
}

/// Calls `c` of a room to be erased, and of its breakouts `x`.
macro_rules! gone_calls {
    () => {
        concat!(
            "calls c JOIN rooms x ON x.id = c.room_id JOIN rooms r ON r.id = COALESCE(x.parent_room_id, x.id) WHERE ",
            gone_room!()
        )
    };
}

/// A direct conversation `d` of two people of whom neither is there any more.
macro_rules! gone_direct {
    () => {
        "direct_conversations d JOIN users a ON a.id = d.user_low JOIN users b ON b.id = d.user_high \
         WHERE a.deleted_at < $1 AND b.deleted_at < $1"
    };
}

statements! {
    ERASE_DELETED_MESSAGES = "DELETE FROM messages WHERE id IN \
        (SELECT id FROM messages WHERE deleted_at < $1 ORDER BY deleted_at LIMIT $2)";
    ERASE_MESSAGES_OF_ROOMS = concat!("DELETE FROM messages WHERE id IN (SELECT m.id FROM rooms r \
        JOIN conversations c ON c.kind = 'room' AND c.owner_id = r.id JOIN messages m ON m.conversation_id = c.id \
        WHERE ", gone_room!(), " LIMIT $2)");
    ERASE_MESSAGES_OF_CHANNELS = "DELETE FROM messages WHERE id IN (SELECT m.id FROM channels h \
        JOIN messages m ON m.conversation_id = h.conversation_id WHERE h.deleted_at < $1 LIMIT $2)";
    ERASE_DIRECT_MESSAGES = concat!("DELETE FROM messages WHERE id IN (SELECT m.id FROM messages m \
        WHERE m.conversation_id IN (SELECT d.conversation_id FROM ", gone_direct!(), ") LIMIT $2)");
    ERASE_STAYS_OF_ROOMS = concat!("DELETE FROM call_participants WHERE id IN (SELECT p.id FROM call_participants p \
        WHERE p.call_id IN (SELECT c.id FROM ", gone_calls!(), ") LIMIT $2)");
    ERASE_CALLS_OF_ROOMS = concat!("DELETE FROM calls WHERE id IN (SELECT c.id FROM ", gone_calls!(),
        " AND NOT EXISTS (SELECT 1 FROM call_participants p WHERE p.call_id = c.id) LIMIT $2)");
    ERASE_ACTIVITIES_OF_ORGANIZATIONS = "DELETE FROM activities WHERE id IN (SELECT t.id FROM organizations o \
        JOIN activities t ON t.org_id = o.id WHERE o.deleted_at < $1 LIMIT $2)";
    LIST_MEETINGS_TO_ERASE = "SELECT id FROM meetings WHERE deleted_at < $1 ORDER BY id LIMIT $2";
    LIST_ROOMS_TO_ERASE = concat!("SELECT r.id FROM rooms r WHERE ", gone_room!(), " AND NOT EXISTS \
        (SELECT 1 FROM calls c JOIN rooms x ON x.id = c.room_id WHERE x.id = r.id OR x.parent_room_id = r.id) \
        AND NOT EXISTS (SELECT 1 FROM conversations c JOIN messages m ON m.conversation_id = c.id \
        WHERE c.kind = 'room' AND c.owner_id = r.id) ORDER BY r.id LIMIT $2");
    LIST_CHANNELS_TO_ERASE = "SELECT h.id FROM channels h WHERE h.deleted_at < $1 AND NOT EXISTS \
        (SELECT 1 FROM messages m WHERE m.conversation_id = h.conversation_id) ORDER BY h.id LIMIT $2";
    LIST_ORGANIZATIONS_TO_ERASE = "SELECT o.id FROM organizations o WHERE o.deleted_at < $1 \
        AND NOT EXISTS (SELECT 1 FROM channels h WHERE h.org_id = o.id) \
        AND NOT EXISTS (SELECT 1 FROM activities t WHERE t.org_id = o.id) ORDER BY o.id LIMIT $2";
    LIST_DIRECT_TO_ERASE = concat!("SELECT d.conversation_id FROM ", gone_direct!(), " AND NOT EXISTS \
        (SELECT 1 FROM messages m WHERE m.conversation_id = d.conversation_id) \
        AND NOT EXISTS (SELECT 1 FROM rooms r WHERE r.conversation_id = d.conversation_id) \
        ORDER BY d.conversation_id LIMIT $2");
    FORGET_MEETING_OF_CALLS = "UPDATE calls SET meeting_id = NULL, occurrence_id = NULL WHERE meeting_id = $1";
    ERASE_MEETING = "DELETE FROM meetings WHERE id = $1 AND deleted_at IS NOT NULL";
    LIST_CONVERSATIONS_OF_ROOM = "SELECT c.id FROM rooms x JOIN conversations c ON c.kind = 'room' AND c.owner_id = x.id \
        WHERE x.id = $1 OR x.parent_room_id = $1";
    ERASE_ROOM = "DELETE FROM rooms WHERE id = $1 AND deleted_at IS NOT NULL";
    ERASE_CHANNEL = "DELETE FROM channels WHERE id = $1 AND deleted_at IS NOT NULL RETURNING conversation_id";
    FORGET_ORGANIZATION_OF_ROOMS = "UPDATE rooms SET org_id = NULL WHERE org_id = $1";
    FORGET_ORGANIZATION_OF_MEETINGS = "UPDATE meetings SET org_id = NULL WHERE org_id = $1";
    ERASE_ORGANIZATION = "DELETE FROM organizations WHERE id = $1 AND deleted_at IS NOT NULL";
    ERASE_CONVERSATION = "DELETE FROM conversations WHERE id = $1 \
        AND NOT EXISTS (SELECT 1 FROM rooms r WHERE r.conversation_id = conversations.id) \
        AND NOT EXISTS (SELECT 1 FROM channels h WHERE h.conversation_id = conversations.id)";
}

/// What is erased row by row, without a word to anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loose {
    DeletedMessages,
    MessagesOfRooms,
    MessagesOfChannels,
    DirectMessages,
    StaysOfRooms,
    CallsOfRooms,
    ActivitiesOfOrganizations,
}

impl Loose {
    /// Everything, in the order in which it can go.
    pub(crate) const ALL: [Self; 7] = [
        Self::DeletedMessages,
        Self::MessagesOfRooms,
        Self::MessagesOfChannels,
        Self::DirectMessages,
        Self::StaysOfRooms,
        Self::CallsOfRooms,
        Self::ActivitiesOfOrganizations,
    ];

    const fn sql(self) -> &'static str {
        match self {
            Self::DeletedMessages => ERASE_DELETED_MESSAGES,
            Self::MessagesOfRooms => ERASE_MESSAGES_OF_ROOMS,
            Self::MessagesOfChannels => ERASE_MESSAGES_OF_CHANNELS,
            Self::DirectMessages => ERASE_DIRECT_MESSAGES,
            Self::StaysOfRooms => ERASE_STAYS_OF_ROOMS,
            Self::CallsOfRooms => ERASE_CALLS_OF_ROOMS,
            Self::ActivitiesOfOrganizations => ERASE_ACTIVITIES_OF_ORGANIZATIONS,
        }
    }
}

/// What is erased one by one, with what still hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noun {
    Meeting,
    Room,
    Channel,
    Organization,
    DirectConversation,
}

impl Noun {
    /// Everything, in the order in which it can go: what others hang on comes after them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Meeting, Self::Room, Self::Channel, Self::Organization, Self::DirectConversation];

    /// As metrics name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Meeting => "meeting",
            Self::Room => "room",
            Self::Channel => "channel",
            Self::Organization => "organization",
            Self::DirectConversation => "direct_conversation",
        }
    }

    const fn list(self) -> &'static str {
        match self {
            Self::Meeting => LIST_MEETINGS_TO_ERASE,
            Self::Room => LIST_ROOMS_TO_ERASE,
            Self::Channel => LIST_CHANNELS_TO_ERASE,
            Self::Organization => LIST_ORGANIZATIONS_TO_ERASE,
            Self::DirectConversation => LIST_DIRECT_TO_ERASE,
        }
    }
}

/// Erases one batch of rows; how many it were.
pub(crate) async fn erase_loose(db: &Db, what: Loose, before: Micros, limit: i64) -> Result<u64, StoreError> {
    run!(db, execute, what.sql(), before, limit)
}

/// What is to be erased and has nothing left that could be many rows.
pub(crate) async fn list(
    on: impl Into<On<'_>>,
    noun: Noun,
    before: Micros,
    limit: i64,
) -> Result<Vec<Uuid>, StoreError> {
    let rows = run!(on, fetch_all as (Uuid,), noun.list(), before, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Erases one; `false` when somebody else was faster.
pub(crate) async fn erase(tx: &mut Tx, noun: Noun, id: Uuid) -> Result<bool, StoreError> {
    match noun {
        Noun::Meeting => {
            run!(&mut *tx, execute, FORGET_MEETING_OF_CALLS, id)?;
            Ok(run!(tx, execute, ERASE_MEETING, id)? == 1)
        }
        Noun::Room => {
            let conversations = run!(&mut *tx, fetch_all as (Uuid,), LIST_CONVERSATIONS_OF_ROOM, id)?;
            let erased = run!(&mut *tx, execute, ERASE_ROOM, id)? == 1;
            for (conversation_id,) in conversations {
                run!(&mut *tx, execute, ERASE_CONVERSATION, conversation_id)?;
            }
            Ok(erased)
        }
        Noun::Channel => {
            let conversation = run!(&mut *tx, fetch_optional as (Uuid,), ERASE_CHANNEL, id)?;
            let Some((conversation_id,)) = conversation else { return Ok(false) };
            run!(tx, execute, ERASE_CONVERSATION, conversation_id)?;
            Ok(true)
        }
        Noun::Organization => {
            run!(&mut *tx, execute, FORGET_ORGANIZATION_OF_ROOMS, id)?;
            run!(&mut *tx, execute, FORGET_ORGANIZATION_OF_MEETINGS, id)?;
            Ok(run!(tx, execute, ERASE_ORGANIZATION, id)? == 1)
        }
        Noun::DirectConversation => Ok(run!(tx, execute, ERASE_CONVERSATION, id)? == 1),
    }
}
