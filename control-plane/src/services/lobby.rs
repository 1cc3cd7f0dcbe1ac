//! The lobby: people wait until somebody lets them in.
//!
//! In: whoever comes to the door, hosts who decide. Out: entries. A wait is re-evaluated at each poll, so that whoever
//! may enter meanwhile (a member now, an open room now) need not wait for anybody.

use std::time::Duration;

use serde_json::json;
use tokio::sync::Notify;
use uuid::Uuid;

use super::admission;
use super::authorize::{Action, Refusal, is_platform_admin};
use super::joins::{self, JoinError};
use super::notifications::notify;
use super::{bans, rooms, web_pages};
use crate::app::App;
use crate::http::extract::{Caller, SignedIn};
use crate::model::clock::Micros;
use crate::model::lobby::{LobbyEntry, LobbyStatus};
use crate::model::notification::NotificationKind;
use crate::model::room::{Room, RoomName, RoomRole};
use crate::model::secret::Secret;
use crate::model::user::{Actor, GuestSession};
use crate::store::db::StoreError;
use crate::store::lobby::{self as store, NewEntry};
use crate::store::tx::Tx;
use crate::store::{calls, guests, hosting};

/// People waiting in one room.
const MAX_WAITING: i64 = 500;
/// An entry nobody asked about for that long has left.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a refusal is remembered: the person cannot knock again as the same one.
const DENIED_FOR: Duration = Duration::from_secs(600);
/// How long an admission waits for a call to begin.
const ADMITTED_FOR: Duration = Duration::from_secs(600);
/// How long an admission to a call that runs is kept; it ends with the call.
const ADMITTED_TO_CALL_FOR: Duration = Duration::from_secs(7 * 86_400);
/// A wait looks at the database this often, for what other replicas decided.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Bells that waits listen to; rooms share them.
const BELLS: usize = 64;
/// Entries of one person taken out of lobbies in one transaction.
const MAX_WITHDRAWN: i64 = 50;

/// Hosts who are notified that somebody waits.
const MAX_HOSTS_TOLD: i64 = 50;
/// Hosts are notified of the same lobby once in that time, as long as the push about it lives.
const NEWS_EVERY_US: i64 = 120_000_000;

/// Wakes those who wait when somebody decides in this process.
#[derive(Debug)]
pub(crate) struct Bells(Vec<Notify>, Notify);

impl Default for Bells {
    fn default() -> Self {
        Self((0..BELLS).map(|_| Notify::new()).collect(), Notify::new())
    }
}

impl Bells {
    fn of(&self, room_id: Uuid) -> &Notify {
        let index = usize::try_from(room_id.as_u128() % BELLS as u128).unwrap_or(0);
        self.0.get(index).unwrap_or(&self.1)
    }
}

/// How things stand for somebody at the door.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// `None` = they need not wait.
    pub entry: Option<LobbyEntry>,
    pub status: LobbyStatus,
    /// A guest and, when it is new, its token.
    pub guest: Option<(GuestSession, Option<Secret>)>,
}

/// Why the lobby cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LobbyError {
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error("no such entry, as far as the caller may know")]
    NotFound,
    #[error("too many wait")]
    Full,
}

impl From<StoreError> for LobbyError {
    fn from(error: StoreError) -> Self {
        Self::Join(error.into())
    }
}

impl From<Refusal> for LobbyError {
    fn from(refusal: Refusal) -> Self {
        Self::Join(refusal.into())
    }
}

/// Knocks at the door of a room.
///
/// # Errors
/// See [`LobbyError`].
pub(crate) async fn knock(
    app: &App,
    caller: &Caller,
    name: &RoomName,
    display_name: Option<String>,
) -> Result<Waiting, LobbyError> {
    let door = admission::ask(app, caller, name).await?;
    if !door.must_wait {
        return Ok(Waiting { entry: None, status: LobbyStatus::Accepted, guest: None });
    }
    let now = app.clock.now();
    let room_id = door.room.id;
    let (subject_id, name, guest) = match &caller.actor {
        Actor::User { user, .. } => (user.id, user.display_name.clone(), None),
        Actor::Guest(guest) if guest.room_id == room_id => {
            let name = display_name.unwrap_or_else(|| guest.name.clone());
            (guest.id, name.clone(), Some((GuestSession { name, ..guest.clone() }, None)))
        }
        Actor::Anonymous | Actor::Guest(_) => {
            let name = display_name.ok_or(JoinError::NameRequired)?;
            let (guest, secret) = joins::new_guest(app, room_id, name.clone(), None);
            (guest.id, name, Some((guest, Some(secret))))
        }
    };
    if let Some(entry) = store::find_of(&app.db, room_id, subject_id, now).await?
        && entry.status != LobbyStatus::Accepted
    {
        store::touch(&app.db, entry.id, now, now.plus(PATIENCE)).await?;
        return Ok(Waiting { status: entry.status, entry: Some(entry), guest });
    }
    let mut tx = app.begin().await?;
    if store::count_waiting(&mut tx, room_id, now).await? >= MAX_WAITING {
        return Err(LobbyError::Full);
    }
    if let Some((guest, Some(secret))) = &guest {
        let hash = bans::address_hash(app, caller.facts.ip);
        guests::insert(&mut tx, guest, &secret.hash(), now, &hash).await?;
    }
    let expires_at = now.plus(PATIENCE);
    let new = NewEntry { room_id, subject_id, is_guest: guest.is_some(), name: &name, expires_at };
    let entry = store::insert(&mut tx, new, now).await?;
    tell(&mut tx, room_id, "lobby.waiting", Some(entry.id), now).await?;
    call_hosts(&mut tx, &door.room, &entry, now).await?;
    tx.commit(now).await?;
    Ok(Waiting { status: entry.status, entry: Some(entry), guest })
}

/// Tells the room that its lobby changed. Everybody in the room hears it, so no name is in it.
async fn tell(
    tx: &mut Tx,
    room_id: Uuid,
    kind: &'static str,
    entry_id: Option<Uuid>,
    now: Micros,
) -> Result<(), StoreError> {
    let waiting = store::count_waiting(&mut *tx, room_id, now).await?;
    let told = json!({ "room_id": room_id, "entry_id": entry_id, "waiting": waiting });
    tx.event(format!("room:{room_id}"), kind, &told);
    Ok(())
}

/// Notifies the hosts when none of them is in the call; a crowd at the door is one piece of news.
async fn call_hosts(tx: &mut Tx, room: &Room, entry: &LobbyEntry, now: Micros) -> Result<(), StoreError> {
    let hosts = store::list_absent_hosts(&mut *tx, room.id, MAX_HOSTS_TOLD).await?;
    let payload = json!({
        "room_id": room.id,
        "entry_id": entry.id,
        "title": room.name,
        "actor_id": (!entry.is_guest).then_some(entry.subject_id),
        "actor_name": entry.name,
        "link": web_pages::join(&room.code),
    });
    let window = now.0.div_euclid(NEWS_EVERY_US);
    let key = format!("room.lobby_waiting:{}:{window}", room.id);
    notify(tx, &hosts, NotificationKind::RoomLobbyWaiting, payload, &key, now).await?;
    Ok(())
}

/// How things stand for the owner of an entry; waits up to `patience` while they have to wait.
///
/// # Errors
/// See [`LobbyError`].
pub(crate) async fn poll(
    app: &App,
    caller: &Caller,
    name: &RoomName,
    id: Uuid,
    patience: Duration,
) -> Result<Waiting, LobbyError> {
    let deadline = tokio::time::Instant::now() + patience;
    let door = admission::ask(app, caller, name).await?;
    let room_id = door.room.id;
    let subject_id = admission::subject_id(&caller.actor, room_id).ok_or(LobbyError::NotFound)?;
    let own = |entry: Option<LobbyEntry>| entry.filter(|entry| entry.subject_id == subject_id);
    let mut entry = own(store::find(&app.db, room_id, id, app.clock.now()).await?).ok_or(LobbyError::NotFound)?;
    if !door.must_wait {
        return Ok(Waiting { status: LobbyStatus::Accepted, entry: Some(entry), guest: None });
    }
    let now = app.clock.now();
    if entry.status == LobbyStatus::Waiting {
        store::touch(&app.db, id, now, now.plus(PATIENCE).plus(patience)).await?;
    }
    while entry.status == LobbyStatus::Waiting {
        let bell = app.bells.of(room_id).notified();
        let look = deadline.min(tokio::time::Instant::now() + LOOK_EVERY);
        tokio::select! {
            () = bell => {}
            () = tokio::time::sleep_until(look) => {}
        }
        entry = own(store::find(&app.db, room_id, id, app.clock.now()).await?).ok_or(LobbyError::NotFound)?;
        if tokio::time::Instant::now() >= deadline {
            break;
        }
    }
    Ok(Waiting { status: entry.status, entry: Some(entry), guest: None })
}

/// Gives up waiting.
///
/// # Errors
/// See [`LobbyError`].
pub(crate) async fn leave(app: &App, caller: &Caller, name: &RoomName, id: Uuid) -> Result<(), LobbyError> {
    let door = admission::ask(app, caller, name).await?;
    let room_id = door.room.id;
    let subject_id = admission::subject_id(&caller.actor, room_id).ok_or(LobbyError::NotFound)?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if !store::delete(&mut tx, room_id, id, subject_id).await? {
        return Err(LobbyError::NotFound);
    }
    tell(&mut tx, room_id, "lobby.left", Some(id), now).await?;
    tx.commit(now).await?;
    Ok(())
}

/// Takes somebody whose account is gone out of every lobby.
///
/// # Errors
/// As any statement; what was done stays done.
pub(super) async fn withdraw(app: &App, user_id: Uuid) -> Result<(), StoreError> {
    loop {
        let entries = store::list_of_user(&app.db, user_id, MAX_WITHDRAWN).await?;
        if entries.is_empty() {
            return Ok(());
        }
        let now = app.clock.now();
        let mut tx = app.begin().await?;
        for (room_id, id) in entries {
            if store::delete(&mut tx, room_id, id, user_id).await? {
                tell(&mut tx, room_id, "lobby.left", Some(id), now).await?;
            }
        }
        tx.commit(now).await?;
    }
}

/// A room whose lobby the caller runs: owner, admin, or cohost of the open call; and that call.
async fn run_by(app: &App, who: &SignedIn, name: &RoomName) -> Result<(Room, Option<Uuid>), LobbyError> {
    let room = rooms::find(app, &who.caller, name, Action::See).await.map_err(JoinError::from)?;
    let call = calls::find_open(&app.db, room.id).await?;
    let is_host = is_platform_admin(&who.caller.actor) || matches!(room.role, Some(RoomRole::Owner | RoomRole::Admin));
    let runs = match &call {
        _ if is_host => true,
        Some(call) => hosting::find_grant(&app.db, call.id, who.user.id).await?.is_cohost,
        None => false,
    };
    if !runs {
        return Err(Refusal::Forbidden.into());
    }
    Ok((room, call.map(|call| call.id)))
}

/// Lists who waits, the longest first, after `after`.
///
/// # Errors
/// See [`LobbyError`].
pub(crate) async fn list(
    app: &App,
    who: &SignedIn,
    name: &RoomName,
    after: Uuid,
    limit: i64,
) -> Result<Vec<LobbyEntry>, LobbyError> {
    let (room, _) = run_by(app, who, name).await?;
    Ok(store::list_waiting(&app.db, room.id, app.clock.now(), after, limit).await?)
}

/// Lets somebody in, or not. Deciding the same twice is fine, and a refusal can be taken back.
///
/// # Errors
/// See [`LobbyError`].
pub(crate) async fn decide(
    app: &App,
    who: &SignedIn,
    name: &RoomName,
    id: Uuid,
    admit: bool,
) -> Result<LobbyEntry, LobbyError> {
    let (room, call_id) = run_by(app, who, name).await?;
    let now = app.clock.now();
    let (status, kind, until) = match admit {
        true => (LobbyStatus::Accepted, "lobby.admitted", admitted_until(call_id, now)),
        false => (LobbyStatus::Denied, "lobby.denied", now.plus(DENIED_FOR)),
    };
    let mut tx = app.begin().await?;
    let Some(entry) = store::decide(&mut tx, room.id, id, status, call_id.filter(|_| admit), until, now).await? else {
        let standing = store::find(&mut tx, room.id, id, now).await?;
        return standing.filter(|entry| entry.status == status).ok_or(LobbyError::NotFound);
    };
    if !admit {
        bans::withdraw_admission(&mut tx, room.id, &entry, now).await?;
    }
    tell(&mut tx, room.id, kind, Some(id), now).await?;
    tx.commit(now).await?;
    app.bells.of(room.id).notify_waiters();
    Ok(entry)
}

fn admitted_until(call_id: Option<Uuid>, now: Micros) -> Micros {
    now.plus(if call_id.is_some() { ADMITTED_TO_CALL_FOR } else { ADMITTED_FOR })
}

/// Lets everybody in who waits; how many.
///
/// # Errors
/// See [`LobbyError`].
pub(crate) async fn admit_all(app: &App, who: &SignedIn, name: &RoomName) -> Result<u64, LobbyError> {
    let (room, call_id) = run_by(app, who, name).await?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let admitted = store::admit_all(&mut tx, room.id, call_id, admitted_until(call_id, now), now).await?;
    if admitted > 0 {
        tell(&mut tx, room.id, "lobby.admitted", None, now).await?;
    }
    tx.commit(now).await?;
    app.bells.of(room.id).notify_waiters();
    Ok(admitted)
}
