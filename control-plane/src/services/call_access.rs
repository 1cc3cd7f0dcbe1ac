//! A call as somebody finds it: the call, its room, what they are in it.
//!
//! In: an actor, the id of a call, what they want. Out: [`Seat`], or why not.

use signaling_proto::call::RoomServiceError;
use uuid::Uuid;

use super::authorize::{CallAction, CallObject, Refusal, authorize_call, is_host};
use super::bans::BanError;
use super::removals::node_of;
use super::{admission, nodes};
use crate::app::App;
use crate::http::extract::Caller;
use crate::model::call::{Call, CallGrant, CallParticipant, CallState};
use crate::model::node::MediaNode;
use crate::model::room::{Room, RoomName};
use crate::store::db::{On, StoreError};
use crate::store::{breakouts, calls, hosting, rooms};

/// What somebody is in a call.
#[derive(Debug)]
pub(crate) struct Seat {
    pub call: Call,
    /// The call's room; the role in it is that in its parent, if it is a breakout.
    pub room: Room,
    /// The call that grants hang on: the main call, also in its breakouts.
    pub main_call_id: Uuid,
    pub grant: CallGrant,
    /// The user or guest who asks.
    pub subject_id: Option<Uuid>,
    pub is_host: bool,
}

impl Seat {
    /// The room whose members, guests and bans count: the parent of a breakout, else the room itself.
    pub(crate) fn home_id(&self) -> Uuid {
        self.room.parent_room_id.unwrap_or(self.room.id)
    }

    /// # Errors
    /// [`HostError::Ended`].
    pub(crate) fn require_open(&self) -> Result<(), HostError> {
        if self.call.state == CallState::Ended { Err(HostError::Ended) } else { Ok(()) }
    }
}

/// Why something cannot be done in a call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostError {
    #[error("no such call, as far as the caller may know")]
    NotFound,
    #[error("refused: {0}")]
    Refused(Refusal),
    #[error("nobody of that id is in the call")]
    ParticipantNotFound,
    #[error("the call is over")]
    Ended,
    #[error("this person cannot have that role")]
    RoleNotPossible,
    #[error("the media node did not do it: {0}")]
    Media(String),
    #[error(transparent)]
    Ban(#[from] BanError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refusal> for HostError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound,
            other => Self::Refused(other),
        }
    }
}

impl From<RoomServiceError> for HostError {
    fn from(error: RoomServiceError) -> Self {
        match error {
            RoomServiceError::NotFound(_) => Self::ParticipantNotFound,
            other => Self::Media(other.to_string()),
        }
    }
}

/// Finds a call for somebody who wants to do `action` in it.
///
/// # Errors
/// See [`HostError`].
pub(crate) async fn find(app: &App, caller: &Caller, call_id: Uuid, action: CallAction) -> Result<Seat, HostError> {
    let user_id = caller.actor.user().map(|user| user.id);
    let nothing = || if user_id.is_some() { HostError::NotFound } else { Refusal::SignInRequired.into() };
    let Some(call) = calls::find(&app.db, call_id).await? else { return Err(nothing()) };
    let Some(room) = rooms::find(&app.db, &RoomName::Id(call.room_id), user_id).await? else { return Err(nothing()) };
    let home_id = room.parent_room_id.unwrap_or(room.id);
    let main_call_id = match room.parent_room_id {
        Some(_) => breakouts::find_call_of(&app.db, room.id).await?.unwrap_or(call.id),
        None => call.id,
    };
    let subject_id = admission::subject_id(&caller.actor, home_id);
    let (grant, took_part) = match subject_id {
        Some(subject) => {
            let grant = hosting::find_grant(&app.db, main_call_id, subject).await?;
            // Members see it anyhow.
            let took_part = room.role.is_none() && hosting::took_part(&app.db, call.id, subject).await?;
            (grant, took_part)
        }
        None => (CallGrant::default(), false),
    };
    authorize_call(&caller.actor, action, CallObject { room: &room, grant, took_part, now: app.clock.now() })?;
    let is_host = is_host(&caller.actor, &room);
    Ok(Seat { call, room, main_call_id, grant, subject_id, is_host })
}

/// Somebody who is in the call, by the id of the stay or by the LiveKit identity.
///
/// # Errors
/// [`HostError::ParticipantNotFound`], or as any statement.
pub(crate) async fn participant(on: impl Into<On<'_>>, call_id: Uuid, pid: &str) -> Result<CallParticipant, HostError> {
    let found = match Uuid::try_parse(pid) {
        Ok(id) => hosting::find_present(on, call_id, id).await?,
        Err(_) if pid.contains('\0') => None,
        Err(_) => hosting::find_present_by_identity(on, call_id, pid).await?,
    };
    found.ok_or(HostError::ParticipantNotFound)
}

/// The node that runs an open call and can be asked to do something there.
///
/// # Errors
/// [`HostError::Ended`], [`HostError::Media`], or as any statement.
pub(crate) async fn node(app: &App, seat: &Seat) -> Result<MediaNode, HostError> {
    seat.require_open()?;
    let node = node_of(app, &seat.call).await?.filter(|node| nodes::is_alive(app, node));
    node.ok_or_else(|| HostError::Media("the node of the call does not answer".to_owned()))
}
