//! Who may do what to a room.
//!
//! In: an actor, an action, a room as stored and how it was named. Out: yes, or how to refuse.

use super::{Refusal, is_platform_admin, require};
use crate::model::clock::Micros;
use crate::model::room::{AccessLevel, Room, RoomName, RoomRole};
use crate::model::user::{Actor, PlatformRole};

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
    if is_kept_out(actor, object.room, object.now) {
        return match (action, object.by) {
            (Action::Join, _) => Err(Refusal::Banned),
            // As much as anybody without a session sees.
            (Action::See, RoomName::Code(_)) => Ok(()),
            _ => Err(Refusal::NotFound),
        };
    }
    let admin = is_platform_admin(actor);
    match action {
        Action::See => Ok(()),
        Action::Update | Action::ManagePeople => {
            require(actor, admin || matches!(object.room.role, Some(RoomRole::Owner | RoomRole::Admin)))
        }
        Action::Delete => require(actor, admin || object.room.role == Some(RoomRole::Owner)),
        Action::Join => join(actor, object),
        Action::SeeCall => see_call(actor, object),
        Action::SeeHistory | Action::SeeMembers => require(actor, admin || object.room.role.is_some()),
    }
}

/// Whether a ban keeps `actor` out. Nobody bans owners.
pub(crate) fn is_kept_out(actor: &Actor, room: &Room, now: Micros) -> bool {
    room.banned_until.is_some_and(|until| until > now) && role_in(actor, room) != Some(RoomRole::Owner)
}

/// Who is in the call, and what is said there: for who belongs to the room, who was let in, and who may just walk in.
fn see_call(actor: &Actor, object: RoomObject<'_>) -> Result<(), Refusal> {
    let room = object.room;
    let belongs = match actor {
        Actor::Anonymous => return Err(Refusal::SignInRequired),
        Actor::Guest(guest) if guest.room_id != room.id => return Err(Refusal::SignInRequired),
        Actor::Guest(guest) => guest.is_admitted && room.access_level != AccessLevel::Restricted,
        Actor::User { .. } => is_platform_admin(actor) || room.role.is_some() || was_let_in(room, object.now),
    };
    if belongs { Ok(()) } else { join(actor, object) }
}

/// Whether somebody let the asking person in, or they are in, unless only members come in by now.
fn was_let_in(room: &Room, now: Micros) -> bool {
    room.admitted_until.is_some_and(|until| until > now)
        || (room.is_inside && room.access_level != AccessLevel::Restricted)
}

/// What `actor` is in a room, all roles taken together.
pub(crate) fn role_in(actor: &Actor, room: &Room) -> Option<RoomRole> {
    if is_platform_admin(actor) { Some(RoomRole::Owner) } else { room.role }
}

/// As [`role_in`], of somebody who is not asking; the room as they see it.
pub(crate) fn role_of(platform_role: PlatformRole, room: &Room) -> Option<RoomRole> {
    if platform_role == PlatformRole::Admin { Some(RoomRole::Owner) } else { room.role }
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
        (RoomName::Id(_), Actor::User { .. }) if may_know(room, object.now) || is_platform_admin(actor) => Ok(()),
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

/// Whether a signed-in person may know by its id alone that there is such a room.
fn may_know(room: &Room, now: Micros) -> bool {
    let open = room.access_level != AccessLevel::Restricted;
    open || room.role.is_some() || room.invited || was_let_in(room, now)
}
