//! Who may do what to a room.
//!
//! In: an actor, an action, a room as stored and how it was named. Out: yes, or how to refuse.

use super::{Refusal, is_platform_admin, require};
use crate::model::clock::Micros;
use crate::model::room::{AccessLevel, Room, RoomName, RoomRole};
use crate::model::user::Actor;

/// What somebody wants to do with a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// See that it exists, its name and whether one may enter.
    See,
    /// Change it.
    Update,
    /// Delete it.
    Delete,
    /// Enter its call.
    Join,
    /// See who is in its call.
    SeeCall,
    /// See its past calls.
    SeeHistory,
    /// See who belongs to it.
    SeeMembers,
    /// Add people, invite them, keep them out, see who is kept out.
    ManagePeople,
}

/// A room, and how the caller named it: a code is an invitation, an id is not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoomObject<'a> {
    pub room: &'a Room,
    pub by: &'a RoomName,
    pub now: Micros,
}

/// Decides whether `actor` may do `action` to a room.
///
/// # Errors
/// How to refuse.
pub(crate) fn authorize(actor: &Actor, action: Action, object: RoomObject<'_>) -> Result<(), Refusal> {
    see(actor, object)?;
    let admin = is_platform_admin(actor);
    match action {
        Action::See => Ok(()),
        Action::Update | Action::ManagePeople => {
            require(actor, admin || matches!(object.room.role, Some(RoomRole::Owner | RoomRole::Admin)))
        }
        Action::Delete => require(actor, admin || object.room.role == Some(RoomRole::Owner)),
        Action::Join => join(actor, object),
        Action::SeeCall => match actor {
            Actor::Guest(guest) if guest.room_id == object.room.id => Ok(()),
            Actor::Anonymous | Actor::Guest(_) => Err(Refusal::SignInRequired),
            Actor::User { .. } => require(actor, admin || may_look(object.room)),
        },
        Action::SeeHistory | Action::SeeMembers => require(actor, admin || object.room.role.is_some()),
    }
}

/// What `actor` is in a room, all roles taken together.
pub(crate) fn role_in(actor: &Actor, room: &Room) -> Option<RoomRole> {
    if is_platform_admin(actor) { Some(RoomRole::Owner) } else { room.role }
}

/// By id only signed-in people see a room, and a restricted one only its members do; whoever has the code sees it.
fn see(actor: &Actor, object: RoomObject<'_>) -> Result<(), Refusal> {
    let room = object.room;
    // A closed or expired room is there for its members alone.
    if room.role.is_none() && !is_platform_admin(actor) && !room.is_open(object.now) {
        return Err(Refusal::NotFound);
    }
    match (object.by, actor) {
        (RoomName::Code(_), _) => Ok(()),
        (RoomName::Id(_), Actor::Guest(guest)) if guest.room_id == room.id => Ok(()),
        (RoomName::Id(_), Actor::Anonymous | Actor::Guest(_)) => Err(Refusal::SignInRequired),
        (RoomName::Id(_), Actor::User { .. }) if may_enter(room) || room.let_in || is_platform_admin(actor) => Ok(()),
        (RoomName::Id(_), Actor::User { .. }) => Err(Refusal::NotFound),
    }
}

/// The access levels: who goes in, who waits in the lobby, who has to sign in.
fn join(actor: &Actor, object: RoomObject<'_>) -> Result<(), Refusal> {
    let room = object.room;
    if !room.is_open(object.now) {
        return Err(Refusal::NotFound);
    }
    match (actor, room.access_level) {
        (Actor::User { .. }, _) if room.role.is_some() => Ok(()),
        (Actor::User { .. }, AccessLevel::Restricted) if !room.invited => Err(Refusal::Lobby),
        (Actor::Anonymous | Actor::Guest(_), AccessLevel::Restricted) => Err(Refusal::SignInRequired),
        (Actor::Anonymous | Actor::Guest(_), AccessLevel::Trusted) => Err(Refusal::Lobby),
        _ if room.config.lobby => Err(Refusal::Lobby),
        _ => Ok(()),
    }
}

/// Whether a signed-in person may see who is inside and hear what is said: who waits at the door may not yet.
fn may_look(room: &Room) -> bool {
    room.role.is_some() || room.let_in || (may_enter(room) && !room.config.lobby)
}

/// Whether a signed-in person comes to the door of a room; its lobby may still make them wait.
fn may_enter(room: &Room) -> bool {
    room.role.is_some() || room.invited || room.access_level != AccessLevel::Restricted
}
