//! Who may do what in a call.
//!
//! In: an actor, an action, the call's room with the actor's role in it, and what hosts gave them. Out: yes, or how to
//! refuse. Hosts are the owners and admins of the room; cohosts do all they do, except end the call and give roles.

use super::rooms::is_kept_out;
use super::{Action, Refusal, RoomObject, authorize, is_platform_admin, require, role_in};
use crate::model::call::CallGrant;
use crate::model::clock::Micros;
use crate::model::room::{Room, RoomName, RoomRole};
use crate::model::user::Actor;

/// What somebody wants to do in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallAction {
    /// See it and who is, and was, in it.
    See,
    /// What hosts and cohosts do.
    Lead,
    /// What only hosts do.
    Own,
}

/// A call, as far as rights in it go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallObject<'a> {
    /// Its room; the role in it is that in the parent, if it is a breakout.
    pub room: &'a Room,
    pub grant: CallGrant,
    /// The actor is or was in it.
    pub took_part: bool,
    pub now: Micros,
}

/// Whether the actor is a host: owner or admin of the room.
pub(crate) fn is_host(actor: &Actor, room: &Room) -> bool {
    matches!(role_in(actor, room), Some(RoomRole::Owner | RoomRole::Admin))
}

/// Decides whether `actor` may do `action` in a call.
///
/// # Errors
/// How to refuse; who may not see it is told that there is none.
pub(crate) fn authorize_call(actor: &Actor, action: CallAction, object: CallObject<'_>) -> Result<(), Refusal> {
    if !sees(actor, object) {
        let is_known = matches!(actor, Actor::User { .. } | Actor::Guest(_));
        return Err(if is_known { Refusal::NotFound } else { Refusal::SignInRequired });
    }
    let hosts = is_host(actor, object.room);
    match action {
        CallAction::See => Ok(()),
        CallAction::Lead => refuse_guests(actor, hosts || object.grant.is_cohost),
        CallAction::Own => refuse_guests(actor, hosts),
    }
}

/// A guest who is not allowed is known, and signing in would not help as such.
fn refuse_guests(actor: &Actor, allowed: bool) -> Result<(), Refusal> {
    match actor {
        Actor::Guest(_) if !allowed => Err(Refusal::Forbidden),
        _ => require(actor, allowed),
    }
}

fn sees(actor: &Actor, object: CallObject<'_>) -> bool {
    let (room, now) = (object.room, object.now);
    let by = RoomName::Id(room.id);
    let sees_room = || authorize(actor, Action::SeeCall, RoomObject { room, by: &by, now }).is_ok();
    match (actor, room.parent_room_id) {
        (Actor::Anonymous, _) => false,
        (Actor::User { .. }, _) if is_kept_out(actor, room, now) => false,
        (Actor::User { .. }, _) if object.took_part || room.role.is_some() || is_platform_admin(actor) => true,
        // What a breakout lets in is decided by its parent.
        (Actor::Guest(guest), Some(parent_id)) => guest.room_id == parent_id && guest.is_admitted,
        (Actor::User { .. }, Some(_)) => false,
        (Actor::User { .. } | Actor::Guest(_), None) => sees_room(),
    }
}
