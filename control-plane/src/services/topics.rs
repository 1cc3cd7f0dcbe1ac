//! Who may listen to what. One function decides; sockets and streams ask it when somebody subscribes and again later.
//!
//! In: an actor and a topic. Out: yes or no. Somebody who may not listen is told no more than about a topic that does
//! not exist.

use serde::Serialize;
use uuid::Uuid;

use super::admission;
use super::authorize::{Action, RoomObject, Talk, authorize};
use super::conversations::{self, ConversationError};
use crate::app::App;
use crate::events::frame::Frame;
use crate::model::clock::Micros;
use crate::model::room::{Room, RoomName};
use crate::model::topic::{RIGHTS, Topic};
use crate::model::user::{Actor, SessionFacts};
use crate::store::db::StoreError;
use crate::store::tx::Tx;
use crate::store::{calls, guests, hosting, presence, rooms, sessions};

/// What somebody hears of a topic: everything, or only what came into being after a moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hearing {
    since: Option<Micros>,
}

impl Hearing {
    /// Whether an event is for whoever listens so.
    pub(crate) fn hears(self, frame: &Frame) -> bool {
        self.since.is_none_or(|since| [frame.at, frame.subject_at].into_iter().flatten().all(|at| at >= since))
    }
}

/// How `actor` may listen to `topic` now; `None` if not at all.
///
/// # Errors
/// As any statement.
pub(crate) async fn may_listen(app: &App, actor: &Actor, topic: Topic) -> Result<Option<Hearing>, StoreError> {
    let allowed = match topic {
        Topic::Notifications(id) => actor.user().is_some_and(|user| user.id == id),
        Topic::Room(id) => match find_room(app, actor, id).await? {
            Some(room) => may_see_call(app, actor, &room) || is_in_breakout(app, actor, &room).await?,
            None => false,
        },
        Topic::Conversation(id) => {
            return match conversations::find(app, actor, id, Talk::Read).await {
                Ok(conversation) => Ok(Some(Hearing { since: conversation.guest_since })),
                Err(ConversationError::Store(error)) => Err(error),
                Err(_) => Ok(None),
            };
        }
        Topic::Activity(id) | Topic::Presence(id) => match actor.user() {
            Some(user) => presence::is_member(&app.background, id, user.id).await?,
            None => false,
        },
    };
    Ok(allowed.then(Hearing::default))
}

async fn find_room(app: &App, actor: &Actor, id: Uuid) -> Result<Option<Room>, StoreError> {
    rooms::find(&app.background, &RoomName::Id(id), actor.user().map(|user| user.id)).await
}

fn may_see_call(app: &App, actor: &Actor, room: &Room) -> bool {
    let object = RoomObject { room, by: &RoomName::Id(room.id), now: app.clock.now() };
    authorize(actor, Action::SeeCall, object).is_ok()
}

/// Whether somebody is in a breakout right now: what it lets in is decided by its parent.
async fn is_in_breakout(app: &App, actor: &Actor, room: &Room) -> Result<bool, StoreError> {
    let subject = room.parent_room_id.and_then(|parent_id| admission::subject_id(actor, parent_id));
    let Some(subject) = subject else { return Ok(false) };
    match calls::find_open(&app.background, room.id).await? {
        Some(call) => hosting::was_there(&app.background, call.id, subject, app.clock.now()).await,
        None => Ok(false),
    }
}

/// Finds the session or pass of an actor again; `None` when it has ended meanwhile.
///
/// # Errors
/// As any statement.
pub(crate) async fn refresh_actor(app: &App, actor: &Actor) -> Result<Option<Actor>, StoreError> {
    let now = app.clock.now();
    match actor {
        Actor::Anonymous => Ok(None),
        Actor::User { user, session } => {
            let found = sessions::find_role(&app.background, session.id, now).await?;
            Ok(found.map(|(platform_role, expires_at)| {
                let mut user = user.clone();
                user.platform_role = platform_role;
                Actor::User { user, session: SessionFacts { expires_at, ..session.clone() } }
            }))
        }
        Actor::Guest(guest) => {
            let found = guests::find_by_id(&app.background, guest.id, now).await?;
            Ok(found.map(Actor::Guest))
        }
    }
}

/// Whose rights an act changed, as far as the act knows; nothing named means everybody's.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Concerned<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guest_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<&'a str>,
}

/// Makes every replica look again at what those concerned listen to, once the act is durable.
pub(crate) fn rights_changed(tx: &mut Tx, concerned: Concerned<'_>) {
    tx.event(RIGHTS.to_owned(), "rights.changed", &concerned);
}

/// Makes every replica look again at who listens to a room and to what is said there.
pub(crate) fn room_rights_changed(tx: &mut Tx, room_id: Uuid, conversation_id: Uuid) {
    for topic in [Topic::Room(room_id).name(), Topic::Conversation(conversation_id).name()] {
        rights_changed(tx, Concerned { topic: Some(&topic), ..Concerned::default() });
    }
}
