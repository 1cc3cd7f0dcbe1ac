//! Organizations: people with roles who share channels, rooms and figures.

use sqlx::types::Json;
use uuid::Uuid;

use super::clock::Micros;
use super::text_enum::text_enum;

text_enum! {
    /// What somebody may do in an organization.
    pub(crate) enum OrgRole { Owner = "owner", Admin = "admin", Member = "member", Viewer = "viewer" }
}

impl OrgRole {
    /// The higher, the more one may.
    const fn rank(self) -> u8 {
        match self {
            Self::Viewer => 0,
            Self::Member => 1,
            Self::Admin => 2,
            Self::Owner => 3,
        }
    }

    /// Whether this role may at least what `other` may.
    pub(crate) const fn covers(self, other: Self) -> bool {
        self.rank() >= other.rank()
    }
}

text_enum! {
    /// Who sees a channel: `public` everybody in the organization, `private` its members alone.
    pub(crate) enum Visibility { Public = "public", Private = "private" }
}

text_enum! {
    /// What somebody may do in a channel.
    pub(crate) enum ChannelRole { Admin = "admin", Member = "member" }
}

/// An organization as stored, with the role of the asking person.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Organization {
    pub id: Uuid,
    pub slug: String,
    pub name: String,
    pub description: String,
    pub settings: Json<serde_json::Map<String, serde_json::Value>>,
    pub created_at: Micros,
    pub updated_at: Micros,
    /// The asking person's role, if they are a member.
    pub role: Option<OrgRole>,
    pub members: i64,
}

/// A member of an organization.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct OrgMember {
    pub user_id: Uuid,
    pub display_name: String,
    pub email: String,
    /// Whoever runs the organization may see the address.
    pub shows_email: bool,
    pub role: OrgRole,
    pub joined_at: Micros,
}

/// An invite to an organization.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct OrgInvite {
    pub id: Uuid,
    pub org_id: Uuid,
    pub org_name: String,
    pub email: String,
    pub role: OrgRole,
    pub invited_by: Uuid,
    pub invited_by_name: String,
    pub created_at: Micros,
    pub expires_at: Micros,
}

/// A channel as stored, with what the asking person has to do with it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Channel {
    pub id: Uuid,
    pub org_id: Uuid,
    pub name: String,
    pub description: String,
    pub visibility: Visibility,
    pub conversation_id: Uuid,
    pub created_at: Micros,
    pub updated_at: Micros,
    pub archived_at: Option<Micros>,
    /// The asking person's role in the channel.
    pub role: Option<ChannelRole>,
    /// The asking person's role in the organization.
    pub org_role: Option<OrgRole>,
    /// Whether the channel has an admin of its own.
    pub has_admin: bool,
    pub members: i64,
}

/// A member of a channel.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ChannelMember {
    pub user_id: Uuid,
    pub display_name: String,
    pub role: ChannelRole,
    pub joined_at: Micros,
}

#[cfg(test)]
mod tests {
    use super::OrgRole;

    #[test]
    fn roles_are_a_ladder() {
        let ladder = [OrgRole::Viewer, OrgRole::Member, OrgRole::Admin, OrgRole::Owner];
        for (n, low) in ladder.into_iter().enumerate() {
            for (m, high) in ladder.into_iter().enumerate() {
                assert_eq!(high.covers(low), m >= n);
            }
        }
    }
}
