//! Rooms: a place with a code, an access level and members.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::clock::Micros;
use super::node::MediaRegion;
use super::text_enum::text_enum;

text_enum! {
    /// What a room is for: `video` rooms hold calls, `chat` rooms only a conversation.
    pub(crate) enum RoomType { Chat = "chat", Video = "video" }
}

text_enum! {
    /// Who gets in: `public` anybody with the code, `trusted` signed-in people, `restricted` members.
    pub(crate) enum AccessLevel { Public = "public", Trusted = "trusted", Restricted = "restricted" }
}

text_enum! {
    /// What somebody may do in a room.
    pub(crate) enum RoomRole { Owner = "owner", Admin = "admin", Member = "member" }
}

impl RoomRole {
    /// Whether whoever has this role may give, take and act on `other`: owners everything, admins members only.
    pub(crate) const fn governs(self, other: Self) -> bool {
        match self {
            Self::Owner => true,
            Self::Admin => matches!(other, Self::Member),
            Self::Member => false,
        }
    }
}

/// How a room behaves; stored as one JSON value, so that a new switch needs no migration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct RoomConfig {
    /// Everybody but members waits to be admitted, whatever the access level.
    pub lobby: bool,
    /// Where its calls run, if a media node of that region is there; null = anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_region: Option<MediaRegion>,
    /// Only hosts and cohosts may share their screen; acts on those who join from then on.
    pub hosts_only_screen_share: bool,
}

/// A room as stored, with what the asking person has to do with it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Room {
    pub id: Uuid,
    pub code: String,
    pub name: String,
    pub description: String,
    #[sqlx(rename = "type")]
    pub room_type: RoomType,
    pub access_level: AccessLevel,
    pub config: sqlx::types::Json<RoomConfig>,
    pub capacity: Option<i64>,
    pub is_active: bool,
    pub expires_at: Option<Micros>,
    pub conversation_id: Uuid,
    /// The room this one is a breakout of.
    pub parent_room_id: Option<Uuid>,
    /// The organization it belongs to, whose members are members here.
    pub org_id: Option<Uuid>,
    pub created_at: Micros,
    pub updated_at: Micros,
    /// The asking person's role, if they are a member.
    pub role: Option<RoomRole>,
    /// The open call, if there is one.
    pub call_id: Option<Uuid>,
    pub call_started_at: Option<Micros>,
    /// People in the open call.
    pub call_participants: i64,
    /// The asking person organizes or is invited to a meeting here.
    pub invited: bool,
    /// Until when a ban keeps the asking person out.
    pub banned_until: Option<Micros>,
    /// Until when the asking person counts as let in from the lobby.
    pub admitted_until: Option<Micros>,
    /// The asking person is in the open call, and was not removed from it.
    pub is_inside: bool,
}

/// Somebody in the open call of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub(crate) struct PersonInside {
    /// The LiveKit identity.
    pub identity: String,
    pub name: String,
}

impl Room {
    /// Whether people may enter at `now`: switched on and not expired.
    pub(crate) fn is_open(&self, now: Micros) -> bool {
        self.is_active && self.expires_at.is_none_or(|at| at > now)
    }
}

/// How a request names a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RoomName {
    /// Its id: enough for signed-in people only.
    Id(Uuid),
    /// Its code, folded: an invitation in itself.
    Code(String),
}

/// Letters of a room code: no vowels, so that no code is a word, and no `y`, which reads as one.
const CODE_LETTERS: &[u8; 20] = b"bcdfghjklmnpqrstvwxz";
/// Letters in a room code: 20^10 ≈ 10^13 codes, out of reach of guessing at the join's rate limit.
pub(crate) const CODE_LENGTH: usize = 10;

impl RoomName {
    /// Reads an id or a code; case and hyphens in a code do not matter. `None` when it can be neither.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Ok(id) = Uuid::try_parse(text) {
            return Some(Self::Id(id));
        }
        let folded: String = text.chars().filter(|c| *c != '-').flat_map(char::to_lowercase).take(64).collect();
        (folded.len() == CODE_LENGTH && folded.bytes().all(|b| CODE_LETTERS.contains(&b))).then_some(Self::Code(folded))
    }
}

/// A new random code.
pub(crate) fn random_code() -> String {
    let mut rng = rand::rng();
    (0..CODE_LENGTH).map(|_| char::from(random_letter(&mut rng))).collect()
}

fn random_letter(rng: &mut impl rand::Rng) -> u8 {
    use rand::seq::IndexedRandom;
    CODE_LETTERS.choose(rng).copied().unwrap_or(b'b')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_whatever_its_case() {
        for _ in 0..100 {
            let code = random_code();
            assert_eq!(RoomName::parse(&code.to_uppercase()), Some(RoomName::Code(code.clone())));
            let (a, b) = code.split_at(5);
            assert_eq!(RoomName::parse(&format!("{a}-{b}")), Some(RoomName::Code(code)));
        }
    }

    #[test]
    fn what_is_neither_id_nor_code_is_no_room() {
        for text in ["", "bcdfghjkl", "bcdfghjklmn", "abcdefghij", "bcdfghjkl\0", "../../etc", "ßcdfghjklm"] {
            assert_eq!(RoomName::parse(text), None, "{text}");
        }
        assert!(matches!(RoomName::parse("0190d2a6-0000-7000-8000-000000000000"), Some(RoomName::Id(_))));
    }
}
