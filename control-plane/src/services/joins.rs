//! Joining a call: who may, on which node, as whom; the answer is a token the media node understands.
//!
//! In: an actor, a room, a tab. Out: [`JoinGrant`]. The media room is made before the token is given, so a client
//! never meets a node that does not know the room.

use std::time::Duration;

use signaling_proto::proto::CreateRoomRequest;
use signaling_proto::token::{AccessToken, VideoGrant};
use uuid::Uuid;

use super::authorize::{Action, Refusal};
use super::calls::{self, ROLE_ATTRIBUTE};
use super::nodes;
use super::rooms::{self, RoomError};
use crate::app::App;
use crate::http::extract::Caller;
use crate::http::origin::ClientFacts;
use crate::model::call::{Call, CallRole, CallState, Identity, MediaNode, random_tab};
use crate::model::room::{Room, RoomName, RoomRole, RoomType};
use crate::model::secret::{Secret, SecretKind};
use crate::model::user::{Actor, GuestSession};
use crate::store::db::StoreError;
use crate::store::{calls as call_store, guests, nodes as node_store};

/// How long a join token lives; the media node's own refresh tokens carry on from there.
const TOKEN_TTL: Duration = Duration::from_secs(60);
/// Nodes asked to make the room before the join is refused.
const PLACEMENT_TRIES: usize = 2;

/// What a client brings.
#[derive(Debug, Default)]
pub(crate) struct JoinForm {
    pub display_name: Option<String>,
    pub client_id: Option<String>,
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
    #[error("guests need a name")]
    NameRequired,
    #[error("the room is full")]
    Full,
    #[error("no media node could take the call")]
    MediaUnavailable,
    #[error("the address of this server is unknown")]
    UnknownAddress,
    #[error("the token could not be signed: {0}")]
    Token(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who joins: identity, name, role.
struct Joiner {
    identity: Identity,
    name: String,
    role: CallRole,
    guest: Option<(GuestSession, Option<Secret>)>,
}

/// Admits somebody to a room's call.
///
/// # Errors
/// See [`JoinError`].
pub(crate) async fn join(app: &App, caller: &Caller, name: &RoomName, form: JoinForm) -> Result<JoinGrant, JoinError> {
    let room = rooms::find(app, caller, name, Action::Join).await?;
    if room.room_type != RoomType::Video {
        return Err(JoinError::NoCalls);
    }
    let joiner = joiner(&caller.actor, &room, form)?;
    let identity = joiner.identity.to_string();
    let limit = room.capacity.unwrap_or(i64::MAX).min(i64::from(app.rooms.max_participants));
    if room.call_participants >= limit && call_store::count_in_room_but(&app.db, room.id, &identity).await? >= limit {
        return Err(JoinError::Full);
    }
    let node = open_call(app, caller, &room, limit).await?;
    let url = client_url(app, &node, &caller.facts).ok_or(JoinError::UnknownAddress)?;
    if let Some((guest, secret)) = &joiner.guest {
        admit_guest(app, guest, secret.as_ref()).await?;
    }
    let token = AccessToken::new(&app.internal_key.key, &app.internal_key.secret)
        .identity(&identity)
        .name(&joiner.name)
        .attributes([(ROLE_ATTRIBUTE.to_owned(), joiner.role.as_str().to_owned())].into())
        .grant(VideoGrant {
            can_publish: Some(true),
            can_subscribe: Some(true),
            can_publish_data: Some(true),
            can_update_own_metadata: Some(false),
            ..VideoGrant::join(room.id.to_string())
        })
        .ttl(TOKEN_TTL)
        .to_jwt()
        .map_err(|error| JoinError::Token(error.to_string()))?;
    metrics::counter!("plenum_join_tokens_total", "role" => joiner.role.as_str()).increment(1);
    Ok(JoinGrant { url, token, identity, room, guest: joiner.guest })
}

fn joiner(actor: &Actor, room: &Room, form: JoinForm) -> Result<Joiner, JoinError> {
    match actor {
        Actor::User { user, .. } => {
            let role = match room.role {
                Some(RoomRole::Owner | RoomRole::Admin) => CallRole::Host,
                Some(RoomRole::Member) | None => CallRole::Participant,
            };
            let tab = form.client_id.unwrap_or_else(random_tab);
            let identity = Identity::User { id: user.id, tab };
            Ok(Joiner { identity, name: user.display_name.clone(), role, guest: None })
        }
        Actor::Guest(guest) if guest.room_id == room.id => {
            let name = form.display_name.unwrap_or_else(|| guest.name.clone());
            let tab = form.client_id.unwrap_or_else(|| guest.tab.clone());
            Ok(guest_joiner(GuestSession { name, tab, ..guest.clone() }, None))
        }
        Actor::Anonymous | Actor::Guest(_) => {
            let name = form.display_name.ok_or(JoinError::NameRequired)?;
            let tab = form.client_id.unwrap_or_else(random_tab);
            let guest = GuestSession { id: Uuid::now_v7(), room_id: room.id, name, tab };
            Ok(guest_joiner(guest, Some(Secret::random(SecretKind::Guest))))
        }
    }
}

fn guest_joiner(guest: GuestSession, secret: Option<Secret>) -> Joiner {
    Joiner {
        identity: Identity::Guest { id: guest.id, tab: guest.tab.clone() },
        name: guest.name.clone(),
        role: CallRole::Guest,
        guest: Some((guest, secret)),
    }
}

async fn admit_guest(app: &App, guest: &GuestSession, secret: Option<&Secret>) -> Result<(), StoreError> {
    let now = app.clock.now();
    let expires_at = now.plus(app.guest_ttl());
    let mut tx = app.begin().await?;
    match secret {
        Some(secret) => guests::insert(&mut tx, guest, &secret.hash(), now, expires_at).await?,
        None => guests::renew(&mut tx, guest.id, &guest.name, expires_at).await?,
    }
    tx.commit(now).await
}

/// Finds or opens the room's call and makes sure its node knows the room.
async fn open_call(app: &App, caller: &Caller, room: &Room, limit: i64) -> Result<MediaNode, JoinError> {
    let request = CreateRoomRequest {
        name: room.id.to_string(),
        empty_timeout: u32::try_from(app.calls.starting_timeout_s).unwrap_or(u32::MAX),
        departure_timeout: app.calls.departure_timeout_s,
        max_participants: u32::try_from(limit).unwrap_or(u32::MAX),
        ..CreateRoomRequest::default()
    };
    let timeout = Duration::from_millis(app.calls.create_room_timeout_ms);
    let mut failed = String::new();
    for _ in 0..PLACEMENT_TRIES {
        let (call, node) = choose_node(app, room, &failed).await?;
        let made = app.media.create_room(&node, request.clone(), timeout).await;
        match made {
            Ok(media_room) => {
                remember_call(app, caller, room, call, &node, &media_room.sid).await?;
                return Ok(node);
            }
            Err(error) => {
                tracing::warn!(node = node.id, %error, "a media node did not make a room");
                nodes::suspect(app, &node).await?;
                failed = node.id;
            }
        }
    }
    Err(JoinError::MediaUnavailable)
}

/// The node of the open call while it can be used, else the best node for a new one.
async fn choose_node(app: &App, room: &Room, failed: &str) -> Result<(Option<Call>, MediaNode), JoinError> {
    let call = call_store::find_open(&app.db, room.id).await?;
    if let Some(call) = &call
        && call.media_node_id != failed
        && let Some(node) = node_store::find(&app.db, &call.media_node_id).await?
        && nodes::is_usable(app, &node)
    {
        return Ok((Some(call.clone()), node));
    }
    let node = nodes::place(app, failed).await?.ok_or(JoinError::MediaUnavailable)?;
    Ok((call, node))
}

/// Writes the call down as it runs now; two replicas that open it at once agree on the row that was first.
async fn remember_call(
    app: &App,
    caller: &Caller,
    room: &Room,
    call: Option<Call>,
    node: &MediaNode,
    room_sid: &str,
) -> Result<(), StoreError> {
    let settled = call
        .as_ref()
        .is_some_and(|call| call.media_node_id == node.id && call.media_room_sid.as_deref() == Some(room_sid));
    if settled {
        return Ok(());
    }
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let open = call_store::find_open(&mut tx, room.id).await?;
    match open {
        Some(call) if call.state == CallState::Active && call.media_room_sid.as_deref() != Some(room_sid) => {
            calls::end_call(app, &mut tx, &call, now, "lost", now).await?;
        }
        Some(call) => {
            call_store::place(&mut tx, call.id, &node.id, room_sid).await?;
            return tx.commit(now).await;
        }
        None => {}
    }
    let started_by = caller.actor.user().map(|user| user.id);
    call_store::insert(&mut tx, room.id, &node.id, Some(room_sid), started_by, now).await?;
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
