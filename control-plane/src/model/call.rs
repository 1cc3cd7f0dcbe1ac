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
    pub started_by: Option<Uuid>,
    /// Since when nobody new gets in.
    pub locked_at: Option<Micros>,
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
    pub left_at: Option<Micros>,
}

impl CallParticipant {
    /// The user or guest behind the stay.
    pub(crate) fn subject_id(&self) -> Option<Uuid> {
        self.user_id.or(self.guest_id)
    }
}

/// What hosts gave to or took from somebody in one call; the default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct CallGrant {
    pub is_cohost: bool,
    pub block_microphone: bool,
    pub block_camera: bool,
    pub block_screen_share: bool,
}

impl CallGrant {
    /// What may not be sent.
    pub(crate) fn blocked(self) -> Vec<&'static str> {
        let all = [
            ("microphone", self.block_microphone),
            ("camera", self.block_camera),
            ("screen_share", self.block_screen_share),
        ];
        all.into_iter().filter(|(_, blocked)| *blocked).map(|(name, _)| name).collect()
    }
}

text_enum! {
    /// What hosts mute.
    pub(crate) enum Source { Microphone = "microphone", Camera = "camera", ScreenShare = "screen_share" }
}

impl Source {
    /// Whether a track of LiveKit's source `number` is one of these; the sound of a screen goes with the screen.
    pub(crate) const fn is(self, number: i32) -> bool {
        match self {
            Self::Camera => number == 1,
            Self::Microphone => number == 2,
            Self::ScreenShare => matches!(number, 3 | 4),
        }
    }
}

/// A kind of source, as LiveKit's tokens and permissions name it.
const SOURCES: [(&str, i32); 4] = [("camera", 1), ("microphone", 2), ("screen_share", 3), ("screen_share_audio", 4)];

/// What somebody may send in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sending {
    pub microphone: bool,
    pub camera: bool,
    pub screen_share: bool,
}

impl Sending {
    /// Follows from the role, what hosts blocked and how the room is set.
    pub(crate) fn of(role: CallRole, grant: CallGrant, hosts_only_screen_share: bool) -> Self {
        let leads = matches!(role, CallRole::Host | CallRole::Cohost);
        Self {
            microphone: !grant.block_microphone,
            camera: !grant.block_camera,
            screen_share: !grant.block_screen_share && (leads || !hosts_only_screen_share),
        }
    }

    fn allows(self, source: &str) -> bool {
        match source {
            "camera" => self.camera,
            "microphone" => self.microphone,
            _ => self.screen_share,
        }
    }

    /// Whether anything may be sent at all; with an empty list of sources everything may.
    pub(crate) fn anything(self) -> bool {
        self.microphone || self.camera || self.screen_share
    }

    /// The sources allowed, as tokens name them; empty = all of them.
    pub(crate) fn token_sources(self) -> Vec<String> {
        self.list().map(|(name, _)| name.to_owned()).collect()
    }

    /// The sources allowed, as permissions number them; empty = all of them.
    pub(crate) fn permission_sources(self) -> Vec<i32> {
        self.list().map(|(_, number)| number).collect()
    }

    fn list(self) -> impl Iterator<Item = (&'static str, i32)> {
        let everything = self.microphone && self.camera && self.screen_share;
        SOURCES.into_iter().filter(move |(name, _)| !everything && self.allows(name))
    }
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
    fn what_is_blocked_is_not_sent() {
        let free = Sending::of(CallRole::Participant, CallGrant::default(), false);
        assert_eq!((free.token_sources(), free.anything()), (vec![], true));
        let grant = CallGrant { block_microphone: true, ..CallGrant::default() };
        let muted = Sending::of(CallRole::Participant, grant, true);
        assert_eq!((muted.token_sources(), muted.permission_sources()), (vec!["camera".to_owned()], vec![1]));
        assert!(Sending::of(CallRole::Host, CallGrant::default(), true).screen_share);
        let all = CallGrant { is_cohost: false, block_microphone: true, block_camera: true, block_screen_share: true };
        assert!(!Sending::of(CallRole::Guest, all, false).anything());
    }

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
