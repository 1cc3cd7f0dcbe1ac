//! Who belongs to a room, who is invited to it by address, and who is kept out.

use uuid::Uuid;

use super::clock::Micros;
use super::room::RoomRole;

/// A member of a room.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Member {
    pub user_id: Uuid,
    pub display_name: String,
    pub role: RoomRole,
    pub joined_at: Micros,
}

/// An address that will be a member once its owner comes.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Invitation {
    pub id: Uuid,
    pub email: String,
    pub role: RoomRole,
    pub invited_by: Uuid,
    pub created_at: Micros,
    pub expires_at: Micros,
}

/// A ban in force.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Ban {
    pub id: Uuid,
    /// A user, or a guest.
    pub subject_id: Option<Uuid>,
    pub is_guest: bool,
    /// Guests from the same address are kept out too.
    pub by_address: bool,
    pub name: String,
    pub reason: String,
    pub banned_by: Uuid,
    pub created_at: Micros,
    pub expires_at: Option<Micros>,
}
