//! Conversations and messages: one kind of thread, whatever owns it.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::clock::Micros;
use super::file::FileView;
use super::organization::{ChannelRole, OrgRole, Visibility};
use super::text_enum::text_enum;

text_enum! {
    /// What a conversation belongs to.
    pub(crate) enum ConversationKind { Channel = "channel", Room = "room", Meeting = "meeting", Direct = "direct" }
}

text_enum! {
    /// Whether a message is from somebody with an account or from a guest.
    pub(crate) enum SenderKind { User = "user", Guest = "guest" }
}

/// A conversation with what decisions about it need, as the asking person sees it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Conversation {
    pub id: Uuid,
    pub kind: ConversationKind,
    pub owner_id: Uuid,
    pub last_seq: i64,
    pub created_at: Micros,
    pub last_message_at: Option<Micros>,
    /// Name of the room or channel, or of the other person; absent when the owner is gone.
    pub title: Option<String>,
    pub org_id: Option<Uuid>,
    pub visibility: Option<Visibility>,
    pub archived_at: Option<Micros>,
    pub channel_role: Option<ChannelRole>,
    pub channel_has_admin: bool,
    pub org_role: Option<OrgRole>,
    /// The other person of a direct conversation that the asking one takes part in.
    pub peer_id: Option<Uuid>,
    pub last_read_seq: i64,
    /// Since when the asking guest belongs to the room.
    pub guest_since: Option<Micros>,
}

/// A message as stored, with its sender's name.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Message {
    pub id: Uuid,
    pub conversation_id: Uuid,
    pub seq: i64,
    pub sender_kind: SenderKind,
    pub sender_id: Uuid,
    pub sender_name: String,
    /// Empty once deleted.
    pub body: String,
    pub reply_to: Option<Uuid>,
    pub client_id: String,
    pub created_at: Micros,
    pub edited_at: Option<Micros>,
    pub deleted_at: Option<Micros>,
    /// Read apart.
    #[sqlx(skip)]
    pub files: Vec<FileView>,
}

/// Who said something.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Sender {
    pub kind: SenderKind,
    /// Of the user or of the guest.
    pub id: Uuid,
    pub name: String,
}

/// A message, in answers and in events.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct MessageView {
    pub id: Uuid,
    pub conversation_id: Uuid,
    /// Its place in the conversation: 1, 2, 3, without gaps.
    pub seq: i64,
    pub sender: Sender,
    /// Empty once deleted.
    pub body: String,
    /// The message this one answers.
    pub reply_to: Option<Uuid>,
    /// What was sent along; gone with the message.
    pub files: Vec<FileView>,
    /// What its sender called it.
    pub client_id: String,
    pub created_at: Micros,
    pub edited_at: Option<Micros>,
    pub deleted_at: Option<Micros>,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            conversation_id: message.conversation_id,
            seq: message.seq,
            sender: Sender { kind: message.sender_kind, id: message.sender_id, name: message.sender_name },
            body: message.body,
            reply_to: message.reply_to,
            files: message.files,
            client_id: message.client_id,
            created_at: message.created_at,
            edited_at: message.edited_at,
            deleted_at: message.deleted_at,
        }
    }
}

/// One of somebody's conversations, with its last message.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ConversationSummary {
    pub id: Uuid,
    pub kind: ConversationKind,
    pub owner_id: Uuid,
    pub org_id: Option<Uuid>,
    pub peer_id: Option<Uuid>,
    pub title: String,
    pub last_seq: i64,
    pub created_at: Micros,
    /// When the last message came, or the conversation began.
    pub active_at: Micros,
    pub last_read_seq: i64,
    pub message_id: Option<Uuid>,
    pub message_seq: Option<i64>,
    pub message_sender_kind: Option<SenderKind>,
    pub message_sender_id: Option<Uuid>,
    pub message_sender_name: Option<String>,
    pub message_body: Option<String>,
    pub message_reply_to: Option<Uuid>,
    pub message_client_id: Option<String>,
    pub message_created_at: Option<Micros>,
    pub message_edited_at: Option<Micros>,
    pub message_deleted_at: Option<Micros>,
    /// Read apart.
    #[sqlx(skip)]
    pub message_files: Vec<FileView>,
}

impl ConversationSummary {
    /// The last message, if there is one.
    pub(crate) fn last_message(&mut self) -> Option<Message> {
        Some(Message {
            id: self.message_id?,
            conversation_id: self.id,
            seq: self.message_seq?,
            sender_kind: self.message_sender_kind?,
            sender_id: self.message_sender_id?,
            sender_name: self.message_sender_name.take().unwrap_or_default(),
            body: self.message_body.take().unwrap_or_default(),
            reply_to: self.message_reply_to,
            client_id: self.message_client_id.take().unwrap_or_default(),
            created_at: self.message_created_at?,
            edited_at: self.message_edited_at,
            deleted_at: self.message_deleted_at,
            files: std::mem::take(&mut self.message_files),
        })
    }
}

/// How far somebody has read.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ReadMarker {
    pub user_id: Uuid,
    pub last_read_seq: i64,
}
