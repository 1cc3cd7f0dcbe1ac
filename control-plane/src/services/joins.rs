//! Joining a call: who may, on which node, as whom; the answer is a token the media node understands.
//!
//! In: an actor, a room, a tab. Out: [`JoinGrant`]. The media room is made before the token is given, so a client
//! never meets a node that does not know the room.

use std::time::Duration;

use signaling_proto::token::{AccessToken, VideoGrant};
use uuid::Uuid;

use super::authorize::{Action, Refusal};
use super::calls::ROLE_ATTRIBUTE;
use super::placement::{self, PlacementError, Wanted};
use super::rooms::{self, RoomError};
use crate::app::App;
use crate::http::extract::Caller;
use crate::http::origin::ClientFacts;
use crate::model::call::{CallRole, Identity, random_tab};
use crate::model::node::MediaNode;
use crate::model::room::{Room, RoomName, RoomRole, RoomType};
use crate::model::secret::{Secret, SecretKind};
use crate::model::user::{Actor, GuestSession};
use crate::store::db::StoreError;
use crate::store::{calls as call_store, guests};

/// How long a join token lives; the media node's own refresh tokens carry on from there.
const TOKEN_TTL: Duration = Duration::from_secs(60);

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
    let region = form.region.clone();
    let joiner = joiner(&caller.actor, &room, form)?;
    let identity = joiner.identity.to_string();
    let limit = room.capacity.unwrap_or(i64::MAX).min(i64::from(app.rooms.max_participants));
    if room.call_participants >= limit && call_store::count_in_room_but(&app.db, room.id, &identity).await? >= limit {
        return Err(JoinError::Full);
    }
    let started_by = caller.actor.user().map(|user| user.id);
    let wanted = Wanted { room: &room, limit, started_by, region: region.as_deref() };
    let node = placement::open_call(app, &wanted).await?;
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
