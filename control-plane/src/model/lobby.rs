//! The lobby: who waits to be let into a room.

use uuid::Uuid;

use super::clock::Micros;
use super::text_enum::text_enum;

text_enum! {
    /// How things stand for somebody at the door.
    pub(crate) enum LobbyStatus { Waiting = "waiting", Accepted = "accepted", Denied = "denied" }
}

/// Somebody at the door.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct LobbyEntry {
    pub id: Uuid,
    /// A user, or a guest.
    pub subject_id: Uuid,
    pub is_guest: bool,
    pub name: String,
    pub status: LobbyStatus,
    /// The call an admission holds for; `None` = the next one.
    pub call_id: Option<Uuid>,
    pub created_at: Micros,
}

impl LobbyEntry {
    /// Whether this admits to `open`, the room's open call.
    pub(crate) fn admits(&self, open: Option<Uuid>) -> bool {
        self.status == LobbyStatus::Accepted && self.call_id.is_none_or(|call_id| Some(call_id) == open)
    }
}
