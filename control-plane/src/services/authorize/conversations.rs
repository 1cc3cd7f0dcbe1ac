//! Who may read, write and moderate a conversation: whoever may enter what owns it.

use super::{Action, Refusal, RoomObject, authorize, is_platform_admin, require};
use crate::model::clock::Micros;
use crate::model::conversation::{Conversation, ConversationKind};
use crate::model::organization::{ChannelRole, OrgRole, Visibility};
use crate::model::room::{Room, RoomName};
use crate::model::user::Actor;

/// What somebody wants to do with a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    /// Know it and read what is said.
    Read,
    /// Say something.
    Write,
    /// Delete what others said.
    Moderate,
}

/// A conversation, and the room that owns it if one does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConversationObject<'a> {
    pub conversation: &'a Conversation,
    pub room: Option<&'a Room>,
    pub now: Micros,
}

/// Decides whether `actor` may do `talk` in a conversation.
///
/// # Errors
/// How to refuse.
pub(crate) fn authorize_talk(actor: &Actor, talk: Talk, object: ConversationObject<'_>) -> Result<(), Refusal> {
    match (object.conversation.kind, actor) {
        (_, Actor::Anonymous) => Err(Refusal::SignInRequired),
        (ConversationKind::Room, _) => in_room(actor, talk, object),
        (_, Actor::Guest(_)) => Err(Refusal::NotFound),
        (ConversationKind::Channel, _) => in_channel(actor, talk, object.conversation),
        (ConversationKind::Direct, _) if object.conversation.peer_id.is_none() => Err(Refusal::NotFound),
        (ConversationKind::Direct, _) => require(actor, talk != Talk::Moderate),
        (ConversationKind::Meeting, _) => Err(Refusal::NotFound),
    }
}

fn in_room(actor: &Actor, talk: Talk, object: ConversationObject<'_>) -> Result<(), Refusal> {
    let room = object.room.ok_or(Refusal::NotFound)?;
    if matches!(actor, Actor::Guest(_)) && object.conversation.guest_since.is_none() {
        return Err(Refusal::NotFound);
    }
    let by = RoomName::Id(room.id);
    let room = RoomObject { room, by: &by, now: object.now };
    // Whoever may see who is in its call may talk to them; for all others the conversation does not exist.
    authorize(actor, Action::SeeCall, room).map_err(|_| Refusal::NotFound)?;
    match talk {
        Talk::Read | Talk::Write => Ok(()),
        Talk::Moderate => {
            let in_organization = object.conversation.org_role.is_some_and(|role| role.covers(OrgRole::Admin));
            if in_organization { Ok(()) } else { authorize(actor, Action::Update, room) }
        }
    }
}

fn in_channel(actor: &Actor, talk: Talk, conversation: &Conversation) -> Result<(), Refusal> {
    let platform_admin = is_platform_admin(actor);
    let org_role = conversation.org_role;
    let public = conversation.visibility == Some(Visibility::Public);
    let is_in = org_role.is_some() && (public || conversation.channel_role.is_some());
    // A channel without a visibility is a deleted one.
    if conversation.visibility.is_none() || !(is_in || platform_admin) {
        return Err(Refusal::NotFound);
    }
    let allowed = match talk {
        Talk::Read => true,
        Talk::Write => org_role.is_some_and(|role| role.covers(OrgRole::Member)),
        Talk::Moderate => {
            let acting = conversation.channel_role == Some(ChannelRole::Admin)
                || (conversation.channel_role.is_some() && !conversation.channel_has_admin);
            acting || (public && org_role.is_some_and(|role| role.covers(OrgRole::Admin)))
        }
    };
    require(actor, allowed || platform_admin)
}
