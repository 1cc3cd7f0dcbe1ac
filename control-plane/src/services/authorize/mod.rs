//! The one place that decides who may do what: one file per noun.
//!
//! In: an actor, an action, an object as stored. Out: yes, or how to refuse. A right is the best of the platform role
//! and the role in the object itself.

mod admin;
mod calls;
mod conversations;
mod meetings;
mod nodes;
mod organizations;
mod rooms;
mod users;

pub(crate) use admin::administer;
pub(crate) use calls::{CallAction, CallObject, authorize_call, is_host};
pub(crate) use conversations::{ConversationObject, Talk, authorize_talk};
pub(crate) use meetings::{MeetingAction, authorize_meeting};
pub(crate) use nodes::authorize_nodes;
pub(crate) use organizations::{
    ChannelAction, OrgAction, authorize_channel, authorize_organization, effective_role, effective_role_of,
};
pub(crate) use rooms::{Action, RoomObject, authorize, role_in, role_of};
pub(crate) use users::{Sight, authorize_sight, authorize_users};

use crate::model::user::{Actor, PlatformRole};

/// How a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The caller may not know that the object exists.
    #[error("there is no such object, as far as the caller may know")]
    NotFound,
    /// Signing in would help.
    #[error("the caller must sign in")]
    SignInRequired,
    /// Somebody has to let the caller in.
    #[error("the caller waits in the lobby")]
    Lobby,
    /// Somebody keeps the caller out of the room.
    #[error("the caller is banned")]
    Banned,
    /// The caller's role does not allow it.
    #[error("the caller's role is too low")]
    Forbidden,
}

/// Says yes when `allowed`; else asks for a session, or refuses who has one.
///
/// # Errors
/// [`Refusal::SignInRequired`] or [`Refusal::Forbidden`].
pub(crate) fn require(actor: &Actor, allowed: bool) -> Result<(), Refusal> {
    match actor {
        _ if allowed => Ok(()),
        Actor::User { .. } => Err(Refusal::Forbidden),
        Actor::Anonymous | Actor::Guest(_) => Err(Refusal::SignInRequired),
    }
}

/// Whether this is an admin of the whole platform.
pub(crate) fn is_platform_admin(actor: &Actor) -> bool {
    actor.user().is_some_and(|user| user.platform_role == PlatformRole::Admin)
}
