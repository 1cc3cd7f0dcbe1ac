//! The door of a room: who goes in, who waits, who is kept out.
//!
//! In: an actor and how they name the room. Out: [`Door`], or why not. Joining and the lobby ask the same question here.

use std::time::Duration;

use uuid::Uuid;

use super::authorize::{Action, Refusal, RoomObject, authorize};
use super::joins::JoinError;
use super::rooms::RoomError;
use super::{bans, room_members};
use crate::app::App;
use crate::http::extract::Caller;
use crate::model::call::{Call, CallGrant};
use crate::model::clock::Micros;
use crate::model::room::{Room, RoomName, RoomRole};
use crate::model::user::Actor;
use crate::store::{calls, hosting, lobby, rooms};

/// Who left a locked call of their own accord comes back for that long: a reload, a lost connection.
const RETURN: Duration = Duration::from_secs(120);

/// A room whose call somebody wants to enter.
#[derive(Debug)]
pub(crate) struct Door {
    pub room: Room,
    /// The open call.
    pub call: Option<Call>,
    /// What hosts gave to or took from the caller in it.
    pub grant: CallGrant,
    /// Somebody has to let the caller in first.
    pub must_wait: bool,
    /// The caller goes in because somebody let them in.
    pub was_admitted: bool,
}

/// The user or guest behind an actor, as far as this room knows them.
pub(crate) fn subject_id(actor: &Actor, room_id: Uuid) -> Option<Uuid> {
    match actor {
        Actor::User { user, .. } => Some(user.id),
        Actor::Guest(guest) if guest.room_id == room_id => Some(guest.id),
        Actor::Anonymous | Actor::Guest(_) => None,
    }
}

/// Asks at the door of a room.
///
/// # Errors
/// See [`JoinError`].
pub(crate) async fn ask(app: &App, caller: &Caller, name: &RoomName) -> Result<Door, JoinError> {
    let now = app.clock.now();
    let room = find(app, caller, name).await?;
    let lets_in = authorize(&caller.actor, Action::Join, RoomObject { room: &room, by: name, now });
    if !matches!(lets_in, Ok(()) | Err(Refusal::Lobby)) {
        lets_in?;
    }
    if bans::is_address_banned(app, caller, room.id).await? {
        return Err(JoinError::Banned);
    }
    let call = calls::find_open(&app.db, room.id).await?;
    let subject = subject_id(&caller.actor, room.id);
    let grant = match (&call, subject) {
        (Some(call), Some(subject)) => hosting::find_grant(&app.db, call.id, subject).await?,
        _ => CallGrant::default(),
    };
    let mut door = Door { room, call, grant, must_wait: false, was_admitted: false };
    check_lock(app, &door, subject, now).await?;
    if lets_in == Err(Refusal::Lobby) && !grant.is_cohost {
        let entry = match subject {
            Some(subject) => lobby::find_of(&app.db, door.room.id, subject, now).await?,
            None => None,
        };
        door.was_admitted = entry.is_some_and(|entry| entry.admits(door.call.as_ref().map(|call| call.id)));
        door.must_wait = !door.was_admitted;
    }
    Ok(door)
}

/// The room as the caller stands to it; coming makes the owner of an invited address a member.
async fn find(app: &App, caller: &Caller, name: &RoomName) -> Result<Room, JoinError> {
    let user_id = caller.actor.user().map(|user| user.id);
    let found = rooms::find(&app.db, name, user_id).await?.filter(|room| room.parent_room_id.is_none());
    let Some(room) = found else {
        return Err(match (name, user_id) {
            (RoomName::Id(_), None) => RoomError::Refused(Refusal::SignInRequired).into(),
            _ => RoomError::NotFound.into(),
        });
    };
    if room.role.is_none() && room_members::claim(app, caller, room.id).await? {
        return Ok(room_members::reread(app, caller, room).await?);
    }
    Ok(room)
}

/// A locked call takes its hosts, and who was in it a moment ago.
async fn check_lock(app: &App, door: &Door, subject: Option<Uuid>, now: Micros) -> Result<(), JoinError> {
    let Some(call) = door.call.as_ref().filter(|call| call.locked_at.is_some()) else { return Ok(()) };
    if leads(door.room.role, door.grant) {
        return Ok(());
    }
    match subject {
        Some(subject) if hosting::was_there(&app.db, call.id, subject, now.minus(RETURN)).await? => Ok(()),
        _ => Err(JoinError::Locked),
    }
}

/// Whether somebody is host or cohost.
pub(crate) fn leads(role: Option<RoomRole>, grant: CallGrant) -> bool {
    grant.is_cohost || matches!(role, Some(RoomRole::Owner | RoomRole::Admin))
}
