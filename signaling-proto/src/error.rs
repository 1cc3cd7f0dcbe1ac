//! Why a join is refused before the WebSocket opens: an HTTP status and a text a developer can act on.
//!
//! `/rtc/validate` answers exactly what the upgrade would: JavaScript learns every refusal only there.

use crate::join::JoinError;
use crate::token::TokenError;

/// The text with which client SDKs tell "no such room" (404) from "no such path" (404, fall back to v0).
pub const ROOM_NOT_FOUND: &str = "requested room does not exist";

/// A join that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinRefusal {
    /// 401: the token is missing, broken, expired or signed by somebody else.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// 401: the token is good but does not allow this.
    #[error("permissions denied: {0}")]
    Grant(#[from] GrantError),
    /// 401: the token was withdrawn.
    #[error("the token was revoked: the participant was removed or the room deleted after it was issued")]
    Revoked,
    /// 400: the query cannot be read.
    #[error(transparent)]
    Request(#[from] JoinError),
    /// 404: rooms are not created by joining here, and this one does not exist.
    #[error("{}", ROOM_NOT_FOUND)]
    RoomNotFound,
    /// 503: the room has as many participants as it may.
    #[error("the room is full ({limit} participants)")]
    RoomFull {
        /// The room's `max_participants`.
        limit: u32,
    },
    /// 503: the node takes no more participants or rooms.
    #[error("the media node takes no new participants: {reason}")]
    NodeFull {
        /// Which bound was met, or that it is draining.
        reason: String,
    },
}

impl JoinRefusal {
    /// The HTTP status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Request(_) => 400,
            // The signature holds; what the token says cannot be used.
            Self::Grant(
                GrantError::ControlCharacters { .. }
                | GrantError::TooLong { .. }
                | GrantError::NoIdentity
                | GrantError::NoRoom,
            ) => 400,
            Self::Token(_) | Self::Grant(_) | Self::Revoked => 401,
            Self::RoomNotFound => 404,
            Self::RoomFull { .. } | Self::NodeFull { .. } => 503,
        }
    }
}

/// What a good token lacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// No `video` claim at all.
    #[error("the token has no `video` grant")]
    NoVideoGrant,
    /// The named grant is absent or false.
    #[error("the token's `video` grant lacks `{0}`")]
    Missing(&'static str),
    /// A join without an identity.
    #[error("the token has no identity: set `sub`")]
    NoIdentity,
    /// A join without a room.
    #[error("the token names no room: set `video.room`")]
    NoRoom,
    /// An admin call for another room than the token's.
    #[error("the token is for another room")]
    OtherRoom,
    /// 400: an identity or a room with control characters, NUL among them: logs, databases and terminals stumble over them.
    #[error("the token's {what} holds control characters")]
    ControlCharacters {
        /// Which claim.
        what: &'static str,
    },
    /// A name, identity, metadata or attributes beyond `limits`.
    #[error("the token's {what} is longer than {limit} bytes")]
    TooLong {
        /// Which claim.
        what: &'static str,
        /// Its bound in bytes.
        limit: usize,
    },
}
