//! Media nodes: processes that carry calls, as the registry knows them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::clock::Micros;
use super::text_enum::text_enum;

text_enum! {
    /// What a media node can be used for.
    pub(crate) enum NodeState { Up = "up", Draining = "draining", Suspect = "suspect", Down = "down" }
}

/// A media node as far as calling it goes.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct MediaNode {
    pub id: String,
    /// Where clients connect; `None` = same host as this API.
    pub url: Option<String>,
    /// Where RoomService answers; `None` = in this process.
    pub api_url: Option<String>,
    pub state: NodeState,
    pub heartbeat_at: Micros,
    /// Set while an operator wants it to drain.
    pub drain_requested_at: Option<Micros>,
    /// When its rooms are ended.
    pub drain_deadline_at: Option<Micros>,
}

/// A media node with everything operators want to know.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct NodeStatus {
    pub id: String,
    pub url: Option<String>,
    pub api_url: Option<String>,
    pub region: String,
    pub version: String,
    pub state: NodeState,
    pub drain_requested_at: Option<Micros>,
    pub drain_deadline_at: Option<Micros>,
    pub rooms: i64,
    pub participants: i64,
    pub load_ppm: i64,
    pub heartbeat_at: Micros,
    pub created_at: Micros,
    /// Calls that the control plane has placed on it.
    pub open_calls: i64,
}

/// An open call on a node.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct NodeCall {
    pub id: Uuid,
    pub room_id: Uuid,
    pub created_at: Micros,
    pub started_at: Option<Micros>,
    /// People in it now.
    pub participants: i64,
}

/// Longest name of a region, in characters.
pub(crate) const REGION_CHARS: usize = 64;

/// The name of a region, as media nodes are started with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 1, max_length = 64)]
pub(crate) struct MediaRegion(String);

impl MediaRegion {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl From<MediaRegion> for String {
    fn from(region: MediaRegion) -> Self {
        region.0
    }
}

/// The text is no name of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {REGION_CHARS} characters, none of them a control character")]
pub(crate) struct NotARegion;

impl TryFrom<String> for MediaRegion {
    type Error = NotARegion;
    fn try_from(text: String) -> Result<Self, NotARegion> {
        let fine = (1..=REGION_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fine { Ok(Self(text)) } else { Err(NotARegion) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_a_short_plain_name() {
        for name in ["eu", "Frankfurt am Main", "日本"] {
            assert_eq!(MediaRegion::try_from(name.to_owned()).map(MediaRegion::into_string), Ok(name.to_owned()));
        }
        for name in ["", "a\0", "a\nb", &"x".repeat(65)] {
            assert_eq!(MediaRegion::try_from(name.to_owned()), Err(NotARegion), "{name:?}");
        }
    }
}
