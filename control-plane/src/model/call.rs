//! Calls: what happened in a room on a media node, and who was there.

use uuid::Uuid;

use super::clock::Micros;
use super::text_enum::text_enum;

text_enum! {
    /// `starting` until the first participant is in, then `active` until it has `ended`.
    pub(crate) enum CallState { Starting = "starting", Active = "active", Ended = "ended" }
}

text_enum! {
    /// What somebody is in a call.
    pub(crate) enum CallRole { Host = "host", Cohost = "cohost", Participant = "participant", Guest = "guest" }
}

/// A call as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Call {
    pub id: Uuid,
    pub room_id: Uuid,
    pub media_node_id: String,
    pub media_room_sid: Option<String>,
    pub state: CallState,
    pub created_at: Micros,
    pub started_at: Option<Micros>,
    pub ended_at: Option<Micros>,
    pub end_reason: Option<String>,
    pub peak_participants: i64,
}

/// Why a call ended: its node fell silent.
pub(crate) const NODE_LOST: &str = "node_lost";
/// Why a call ended: its room was placed on another node.
pub(crate) const MOVED: &str = "moved";
/// Why a call ended: its node no longer ran the room.
pub(crate) const LOST: &str = "lost";

impl Call {
    /// Whether it ended without its media room being known to have ended: a node that still runs it is right.
    pub(crate) fn was_given_up(&self) -> bool {
        matches!(self.end_reason.as_deref(), Some(NODE_LOST | MOVED | LOST))
    }
}

/// The stay of somebody who is in a call now; coming back is a new one.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct CallParticipant {
    pub id: Uuid,
    pub user_id: Option<Uuid>,
    pub guest_id: Option<Uuid>,
    pub name: String,
    pub identity: String,
    pub media_participant_sid: String,
    pub role: CallRole,
    pub joined_at: Micros,
}

/// Longest and shortest `client_id` in an identity.
pub(crate) const TAB_LENGTH: std::ops::RangeInclusive<usize> = 8..=32;

/// Who a participant is, as written in the LiveKit identity: `u_{user}_{tab}` or `g_{guest}_{tab}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    User { id: Uuid, tab: String },
    Guest { id: Uuid, tab: String },
}

impl Identity {
    /// Reads an identity; `None` when the control plane did not issue it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '_');
        let (kind, id, tab) = (parts.next()?, parts.next()?, parts.next()?);
        let id = Uuid::try_parse(id).ok()?;
        is_tab(tab).then_some(())?;
        match kind {
            "u" => Some(Self::User { id, tab: tab.to_owned() }),
            "g" => Some(Self::Guest { id, tab: tab.to_owned() }),
            _ => None,
        }
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User { id, tab } => write!(f, "u_{id}_{tab}"),
            Self::Guest { id, tab } => write!(f, "g_{id}_{tab}"),
        }
    }
}

/// Whether `text` may name a tab: 8–32 of a–z, 0–9.
pub(crate) fn is_tab(text: &str) -> bool {
    TAB_LENGTH.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// A new random tab name, for clients that bring none.
pub(crate) fn random_tab() -> String {
    format!("{:012x}", rand::random::<u64>() & 0xffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_survive_their_text() {
        for identity in [
            Identity::User { id: Uuid::now_v7(), tab: random_tab() },
            Identity::Guest { id: Uuid::now_v7(), tab: "abcdefgh".into() },
        ] {
            assert_eq!(Identity::parse(&identity.to_string()), Some(identity));
        }
        for text in ["", "u_", "u_x_abcdefgh", "alice", "x_0190d2a6-0000-7000-8000-000000000000_abcdefgh"] {
            assert_eq!(Identity::parse(text), None, "{text}");
        }
    }
}
