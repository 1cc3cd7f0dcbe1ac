//! Who may see and change accounts.

use uuid::Uuid;

use super::{Refusal, is_platform_admin, require};
use crate::model::user::Actor;

/// How much of an account somebody sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// All of it.
    Full,
    /// What people who work together know of each other.
    Light,
}

/// Platform admins alone administer accounts.
///
/// # Errors
/// How to refuse.
pub(crate) fn authorize_users(actor: &Actor) -> Result<(), Refusal> {
    require(actor, is_platform_admin(actor))
}

/// Platform admins and oneself see all of an account, members of a shared organization a little; others not even that it
/// exists.
///
/// # Errors
/// How to refuse.
pub(crate) fn authorize_sight(actor: &Actor, user_id: Uuid, share_organization: bool) -> Result<Sight, Refusal> {
    match actor {
        Actor::Anonymous | Actor::Guest(_) => Err(Refusal::SignInRequired),
        Actor::User { user, .. } if user.id == user_id => Ok(Sight::Full),
        Actor::User { .. } if is_platform_admin(actor) => Ok(Sight::Full),
        Actor::User { .. } if share_organization => Ok(Sight::Light),
        Actor::User { .. } => Err(Refusal::NotFound),
    }
}
