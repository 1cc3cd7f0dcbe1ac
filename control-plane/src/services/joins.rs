//! Joining a call: who may, on which node, as whom; the answer is a token the media node understands.
//!
//! In: an actor, a room, a tab. Out: [`JoinGrant`]. The media room is made before the token is given, so a client
//! never meets a node that does not know the room.

use std::time::Duration;

use signaling_proto::token::{AccessToken, VideoGrant};
use uuid::Uuid;

use super::authorize::Refusal;
use super::calls::ROLE_ATTRIBUTE;
use super::placement::{self, Placed, PlacementError, Wanted};
use super::rooms::RoomError;
use super::{admission, bans};
use crate::app::App;
use crate::http::extract::Caller;
use crate::http::origin::ClientFacts;
use crate::model::call::{Call, CallGrant, CallRole, Identity, Sending, random_tab};
use crate::model::node::MediaNode;
use crate::model::room::{Room, RoomName, RoomRole, RoomType};
use crate::model::secret::{Secret, SecretKind};
use crate::model::user::{Actor, GuestSession};
use crate::store::db::StoreError;
use crate::store::{calls as call_store, guests, lobby};

/// How long a join token lives; the media node's own refresh tokens carry on from there.
const TOKEN_TTL: Duration = Duration::from_secs(60);
/// How long an admission that is bound to a call is kept; it ends with the call.
const ADMISSION_TTL: Duration = Duration::from_secs(7 * 86_400);

/// What a client brings.
#[derive(Debug, Default)]
pub(crate) struct JoinForm {
    pub display_name: Option<String>,
    pub client_id: Option<String>,
    /// Where the client is, as a hint for a call that has no node yet.
    pub region: Option<String>,
}

/// What a client needs to connect.
#[derive(Debug)]
pub(crate) struct JoinGrant {
    pub url: String,
    pub token: String,
    pub identity: String,
    pub room: Room,
    /// The guest and, when it is new, its token.
    pub guest: Option<(GuestSession, Option<Secret>)>,
}

/// Why somebody cannot join.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinError {
    #[error(transparent)]
    Room(#[from] RoomError),
    #[error("chat rooms have no calls")]
    NoCalls,
    #[error("the caller is banned")]
    Banned,
    #[error("somebody has to let the caller in")]
    LobbyRequired,
    #[error("the call is locked")]
    Locked,
    #[error("guests need a name")]
    NameRequired,
    #[error("the room is full")]
    Full,
    #[error(transparent)]
    Placement(#[from] PlacementError),
    #[error("the address of this server is unknown")]
    UnknownAddress,
    #[error("the token could not be signed: {0}")]
    Token(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who joins: identity, name, role, what they may send.
pub(super) struct Joiner {
    pub identity: Identity,
    pub name: String,
    pub role: CallRole,
    pub sending: Sending,
    pub guest: Option<(GuestSession, Option<Secret>)>,
}

/// Admits somebody to a room's call.
///
/// # Errors
/// See [`JoinError`].
pub(crate) async fn join(app: &App, caller: &Caller, name: &RoomName, form: JoinForm) -> Result<JoinGrant, JoinError> {
    let door = admission::ask(app, caller, name).await?;
    if door.room.room_type != RoomType::Video {
        return Err(JoinError::NoCalls);
    }
    if door.must_wait {
        return Err(JoinError::LobbyRequired);
    }
    let region = form.region.clone();
    let joiner = joiner(app, &caller.actor, &door.room, door.room.id, door.grant, form)?;
    let was_admitted = door.was_admitted;
    let (grant, call) = issue(app, caller, door.room, joiner, region.as_deref()).await?;
    if was_admitted && let Some(subject) = admission::subject_id(&caller.actor, grant.room.id) {
        let until = app.clock.now().plus(ADMISSION_TTL);
        lobby::bind(&app.db, grant.room.id, subject, call.id, until).await?;
    }
    Ok(grant)
}

/// Opens a room's call without joining it; whether it was open before.
///
/// # Errors
/// See [`JoinError`].
pub(crate) async fn start(app: &App, caller: &Caller, name: &RoomName) -> Result<(Call, Room, bool), JoinError> {
    let door = admission::ask(app, caller, name).await?;
    if door.room.room_type != RoomType::Video {
        return Err(JoinError::NoCalls);
    }
    if door.must_wait {
        return Err(JoinError::LobbyRequired);
    }
    if let Some(call) = door.call {
        return Ok((call, door.room, true));
    }
    let placed = open_call(app, caller, &door.room, None).await?;
    Ok((placed.call, door.room, !placed.is_new))
}

/// People at once in a room.
fn places(app: &App, room: &Room) -> i64 {
    room.capacity.unwrap_or(i64::MAX).min(i64::from(app.live().rooms.max_participants))
}

/// Finds or opens the room's call, on a node that knows it.
async fn open_call(app: &App, caller: &Caller, room: &Room, region: Option<&str>) -> Result<Placed, PlacementError> {
    let started_by = caller.actor.user().map(|user| user.id);
    placement::open_call(app, &Wanted { room, limit: places(app, room), started_by, region }).await
}

/// Gives somebody who may enter a place and a token.
pub(super) async fn issue(
    app: &App,
    caller: &Caller,
    room: Room,
    joiner: Joiner,
    region: Option<&str>,
) -> Result<(JoinGrant, Call), JoinError> {
    let identity = joiner.identity.to_string();
    let limit = places(app, &room);
    if room.call_participants >= limit && call_store::count_in_room_but(&app.db, room.id, &identity).await? >= limit {
        return Err(JoinError::Full);
    }
    let Placed { call, node, .. } = open_call(app, caller, &room, region).await?;
    let url = client_url(app, &node, &caller.facts).ok_or(JoinError::UnknownAddress)?;
    if let Some((guest, secret)) = &joiner.guest {
        admit_guest(app, caller, guest, secret.as_ref()).await?;
    }
    let token = token(app, room.id, &identity, &joiner)?;
    metrics::counter!("plenum_join_tokens_total", "role" => joiner.role.as_str()).increment(1);
    Ok((JoinGrant { url, token, identity, room, guest: joiner.guest }, call))
}

fn token(app: &App, room_id: Uuid, identity: &str, joiner: &Joiner) -> Result<String, JoinError> {
    AccessToken::new(&app.internal_key.key, &app.internal_key.secret)
        .identity(identity)
        .name(&joiner.name)
        .attributes([(ROLE_ATTRIBUTE.to_owned(), joiner.role.as_str().to_owned())].into())
        .grant(VideoGrant {
            can_publish: Some(joiner.sending.anything()),
            can_publish_sources: joiner.sending.token_sources(),
            can_subscribe: Some(true),
            can_publish_data: Some(true),
            can_update_own_metadata: Some(false),
            ..VideoGrant::join(room_id.to_string())
        })
        .ttl(TOKEN_TTL)
        .to_jwt()
        .map_err(|error| JoinError::Token(error.to_string()))
}

/// Who the caller is in the call of `room`; guests are known to `home_id`, the room itself or what it is a breakout of.
pub(super) fn joiner(
    app: &App,
    actor: &Actor,
    room: &Room,
    home_id: Uuid,
    grant: CallGrant,
    form: JoinForm,
) -> Result<Joiner, JoinError> {
    let (identity, name, role, guest) = match actor {
        Actor::User { user, .. } => {
            let role = match room.role {
                Some(RoomRole::Owner | RoomRole::Admin) => CallRole::Host,
                _ if grant.is_cohost => CallRole::Cohost,
                Some(RoomRole::Member) | None => CallRole::Participant,
            };
            let tab = form.client_id.unwrap_or_else(random_tab);
            (Identity::User { id: user.id, tab }, user.display_name.clone(), role, None)
        }
        Actor::Guest(guest) if guest.room_id == home_id => {
            let name = form.display_name.unwrap_or_else(|| guest.name.clone());
            let tab = form.client_id.unwrap_or_else(|| guest.tab.clone());
            let guest = GuestSession { name: name.clone(), tab: tab.clone(), ..guest.clone() };
            (Identity::Guest { id: guest.id, tab }, name, CallRole::Guest, Some((guest, None)))
        }
        Actor::Anonymous | Actor::Guest(_) => {
            let name = form.display_name.ok_or(JoinError::NameRequired)?;
            let (guest, secret) = new_guest(app, home_id, name.clone(), form.client_id);
            let identity = Identity::Guest { id: guest.id, tab: guest.tab.clone() };
            (identity, name, CallRole::Guest, Some((guest, Some(secret))))
        }
    };
    let sending = Sending::of(role, grant, room.config.hosts_only_screen_share);
    Ok(Joiner { identity, name, role, sending, guest })
}

/// A guest nobody knows yet.
pub(super) fn new_guest(app: &App, room_id: Uuid, name: String, tab: Option<String>) -> (GuestSession, Secret) {
    let guest = GuestSession {
        id: Uuid::now_v7(),
        room_id,
        name,
        tab: tab.unwrap_or_else(random_tab),
        is_admitted: false,
        expires_at: app.clock.now().plus(app.guest_ttl()),
    };
    (guest, Secret::random(SecretKind::Guest))
}

async fn admit_guest(
    app: &App,
    caller: &Caller,
    guest: &GuestSession,
    secret: Option<&Secret>,
) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    match secret {
        Some(secret) => {
            let hash = bans::address_hash(app, caller.facts.ip);
            guests::insert(&mut tx, guest, &secret.hash(), now, &hash).await?;
        }
        None => guests::renew(&mut tx, guest.id, &guest.name, now.plus(app.guest_ttl())).await?,
    }
    crate::store::conversations::admit_guest(&mut tx, guest.id, now).await?;
    tx.commit(now).await
}

/// Where the client connects: the node's own address, else ours, else the one the client used.
fn client_url(app: &App, node: &MediaNode, facts: &ClientFacts) -> Option<String> {
    let known = app.media.client_url(node).map(str::to_owned);
    let known = known.or_else(|| app.public_url.as_ref().map(|url| url.as_str().to_owned()));
    let url = known.or_else(|| {
        let scheme = if facts.encrypted { "wss" } else { "ws" };
        facts.host.as_ref().map(|host| format!("{scheme}://{host}"))
    })?;
    let url = match url.split_once("://") {
        Some(("http", rest)) => format!("ws://{rest}"),
        Some(("https", rest)) => format!("wss://{rest}"),
        _ => url,
    };
    Some(url.trim_end_matches('/').to_owned())
}

impl From<Refusal> for JoinError {
    fn from(refusal: Refusal) -> Self {
        Self::Room(refusal.into())
    }
}
