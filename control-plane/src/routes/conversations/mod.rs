//! `/api/v1/conversations`: threads of rooms, channels and pairs of people, and what is said in them.

pub(crate) mod direct;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod messages;
pub(crate) mod read;
pub(crate) mod reads;
pub(crate) mod search;
pub(crate) mod typing;

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::model::clock::Micros;
use crate::model::conversation::{Conversation, ConversationKind, ConversationSummary, MessageView};
use crate::services::authorize::Refusal;
use crate::services::conversations::ConversationError;
use crate::services::files::AttachError;
use crate::services::messages::MessageError;

/// Every route of conversations.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(direct::direct))
        .routes(routes!(search::search))
        .routes(routes!(get::get))
        .routes(routes!(read::read))
        .routes(routes!(reads::reads))
        .routes(routes!(typing::typing))
        .routes(routes!(messages::create::create, messages::list::list))
        .routes(routes!(messages::get::get, messages::update::update, messages::delete::delete))
}

/// A conversation, as the caller sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConversationView {
    id: Uuid,
    kind: ConversationKind,
    /// The room or channel; of a direct conversation its own id.
    owner_id: Uuid,
    /// The organization of the room or channel, if it has one.
    org_id: Option<Uuid>,
    /// The other person of a direct conversation.
    peer_id: Option<Uuid>,
    /// Name of the room, the channel or the other person.
    title: String,
    /// Number of the last message; 0 before the first.
    last_seq: i64,
    /// How far the caller has read.
    last_read_seq: i64,
    /// Messages after that.
    unread: i64,
    created_at: Micros,
    last_message_at: Option<Micros>,
    /// Absent where one conversation is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message: Option<MessageView>,
}

impl From<Conversation> for ConversationView {
    fn from(one: Conversation) -> Self {
        Self {
            id: one.id,
            kind: one.kind,
            owner_id: one.owner_id,
            org_id: one.org_id,
            peer_id: one.peer_id,
            title: one.title.unwrap_or_default(),
            last_seq: one.last_seq,
            last_read_seq: one.last_read_seq,
            unread: one.last_seq.saturating_sub(one.last_read_seq).max(0),
            created_at: one.created_at,
            last_message_at: one.last_message_at,
            last_message: None,
        }
    }
}

impl From<ConversationSummary> for ConversationView {
    fn from(mut one: ConversationSummary) -> Self {
        let last_message = one.last_message().map(MessageView::from);
        Self {
            id: one.id,
            kind: one.kind,
            owner_id: one.owner_id,
            org_id: one.org_id,
            peer_id: one.peer_id,
            title: one.title,
            last_seq: one.last_seq,
            last_read_seq: one.last_read_seq,
            unread: one.last_seq.saturating_sub(one.last_read_seq).max(0),
            created_at: one.created_at,
            last_message_at: last_message.as_ref().map(|message| message.created_at),
            last_message,
        }
    }
}

/// A page of messages.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessagePage {
    items: Vec<MessageView>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// 404 about a conversation: none, or not for this caller to know about.
fn conversation_not_found() -> ApiError {
    ApiError::not_found("conversation_not_found", "There is no such conversation.")
}

/// 409: nothing more is said here.
fn archived() -> ApiError {
    ApiError::new(StatusCode::CONFLICT, "channel_archived", "The channel is archived. Nobody can write there any more.")
}

impl From<ConversationError> for ApiError {
    fn from(error: ConversationError) -> Self {
        match error {
            ConversationError::Refused(Refusal::SignInRequired) => Self::sign_in_required(),
            ConversationError::Refused(Refusal::NotFound | Refusal::Lobby | Refusal::Banned) => {
                conversation_not_found()
            }
            ConversationError::Refused(_) => Self::forbidden(),
            ConversationError::Archived => archived(),
            ConversationError::NoSuchPerson => {
                Self::not_found("user_not_found", "There is no such person among those you share a place with.")
            }
            ConversationError::Oneself => Self::field("user_id", "must be somebody else"),
            ConversationError::BeyondEnd => Self::field("seq", "is beyond the last message"),
            ConversationError::Store(error) => error.into(),
        }
    }
}

impl From<MessageError> for ApiError {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::Conversation(error) => error.into(),
            MessageError::NotFound => Self::not_found("message_not_found", "There is no such message."),
            MessageError::Deleted => Self::new(StatusCode::CONFLICT, "message_deleted", "The message was deleted."),
            MessageError::NotAuthor => Self::forbidden(),
            MessageError::UnknownReply => Self::field("reply_to", "is no message of this conversation"),
            MessageError::Attach(AttachError::Store(error)) => error.into(),
            MessageError::Attach(AttachError::TooMany) => Self::field("file_ids", "must be at most 10 files"),
            MessageError::Attach(AttachError::Unusable(id)) => Self::field(
                "file_ids",
                &format!("{id} is not a ready file of yours in this conversation, or belongs to a message already"),
            ),
            MessageError::ClientIdReused => Self::new(
                StatusCode::CONFLICT,
                "client_id_reused",
                "You sent another message under this client_id. Choose a new one.",
            ),
            MessageError::Store(error) => error.into(),
        }
    }
}
