//! Ringing: one person calls another, in the one room the two have for it.
//!
//! In: who rings whom, and what the other does about it. Out: a ring, notifications, events for both sides. What media is
//! sent, the room decides: both join it as any room.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::audit;
use super::authorize::is_platform_admin;
use super::notifications::notify;
use super::web_pages;
use crate::app::App;
use crate::http::extract::SignedIn;
use crate::jobs::meetings::ring_timeout;
use crate::model::clock::Micros;
use crate::model::notification::NotificationKind;
use crate::model::ring::{Ring, RingState};
use crate::model::room::{AccessLevel, RoomConfig, RoomType, random_code};
use crate::store::db::StoreError;
use crate::store::rooms::NewRoom;
use crate::store::tx::Tx;
use crate::store::{conversations, meeting_invites, rings as store, rooms};

/// How long somebody is rung.
const RINGS_FOR: Duration = Duration::from_secs(45);
/// People somebody may ring at the same time.
const MAX_RINGING: i64 = 10;
/// Tries to find a free code, or to be the one who makes the room.
const TRIES: usize = 4;
/// Rooms renamed in one transaction.
const MAX_RENAMED: i64 = 50;
/// Characters of a room's name.
const ROOM_NAME_CHARS: usize = 80;

/// Why a ring is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RingError {
    #[error("nobody the caller may ring")]
    NoSuchPerson,
    #[error("the caller rang themselves")]
    Oneself,
    #[error("no such ring")]
    NotFound,
    #[error("that is for the other side")]
    OtherSide,
    #[error("it does not ring any more")]
    Over,
    #[error("the caller rings too many people")]
    TooMany,
    #[error("no room could be made")]
    NoRoom,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Rings somebody; `true` when it is a new ring. One that rings already is the answer, and if it is the other's, it is
/// answered.
///
/// # Errors
/// See [`RingError`].
pub(crate) async fn ring(app: &App, who: &SignedIn, callee_id: Uuid) -> Result<(Ring, bool), RingError> {
    if callee_id == who.user.id {
        return Err(RingError::Oneself);
    }
    let shared = conversations::shares_a_place(&app.db, who.user.id, callee_id).await?;
    let known = shared.ok_or(RingError::NoSuchPerson)?
        || is_platform_admin(&who.caller.actor)
        || conversations::find_direct(&app.db, who.user.id, callee_id).await?.is_some();
    if !known {
        return Err(RingError::NoSuchPerson);
    }
    let room_id = room_of(app, who, callee_id).await?;
    for _ in 0..TRIES {
        if let Some(answer) = ring_in(app, who, callee_id, room_id).await? {
            return Ok(answer);
        }
    }
    Err(RingError::Over)
}

/// One try to ring in the room of the two; `None` when a ring that was in the way has ended: try again.
async fn ring_in(app: &App, who: &SignedIn, callee_id: Uuid, room_id: Uuid) -> Result<Option<(Ring, bool)>, RingError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if let Some(open) = store::find_ringing(&mut tx, room_id).await? {
        if open.expires_at > now {
            drop(tx);
            return Ok(Some((meet(app, who, open).await?, false)));
        }
        finish(&mut tx, &open, RingState::Missed, now).await?;
    }
    if store::count_ringing(&mut tx, who.user.id, now).await? >= MAX_RINGING {
        return Err(RingError::TooMany);
    }
    let expires_at = now.plus(RINGS_FOR);
    let Some(id) = store::insert(&mut tx, room_id, who.user.id, callee_id, now, expires_at).await? else {
        drop(tx);
        // Somebody was quicker; what they began may have ended again already.
        return match store::find_ringing(&app.db, room_id).await? {
            Some(open) => Ok(Some((meet(app, who, open).await?, false))),
            None => Ok(None),
        };
    };
    let ring = store::find(&mut tx, id).await?.ok_or(RingError::NotFound)?;
    tell(&mut tx, &ring);
    let payload = payload(&ring);
    let key = format!("call.ringing:{id}");
    notify(&mut tx, &[callee_id], NotificationKind::CallRinging, payload, &key, now).await?;
    tx.enqueue(ring_timeout(id, expires_at), now).await?;
    audit(&mut tx, &who.caller, "call.rang", ("user", callee_id), json!({ "ring_id": id }), now).await?;
    tx.commit(now).await?;
    Ok(Some((ring, true)))
}

/// A ring that rings already: one's own goes on, the other's is answered.
async fn meet(app: &App, who: &SignedIn, open: Ring) -> Result<Ring, RingError> {
    if open.caller_id == who.user.id {
        return Ok(open);
    }
    match respond(app, who, open.id, RingState::Answered).await {
        // Answered by another tab of the same person, at the same moment.
        Err(RingError::Over) => {
            let ring = store::find(&app.db, open.id).await?;
            ring.filter(|ring| ring.state == RingState::Answered).ok_or(RingError::Over)
        }
        answered => answered,
    }
}

/// The room of the caller and somebody, made if they have none.
async fn room_of(app: &App, who: &SignedIn, other_id: Uuid) -> Result<Uuid, RingError> {
    let own_id = who.user.id;
    for _ in 0..TRIES {
        let direct = conversations::find_direct(&app.db, own_id, other_id).await?;
        let now = app.clock.now();
        let mut tx = app.begin().await?;
        let room_id = match store::find_room(&mut tx, own_id, other_id).await? {
            Some(id) => id,
            None => {
                let other = meeting_invites::find_user(&mut tx, other_id).await?.ok_or(RingError::NoSuchPerson)?;
                let name = name_of(&who.user.display_name, &other.display_name);
                let Some(id) = rooms::insert(&mut tx, direct_room(&random_code(), &name, own_id), now).await? else {
                    continue;
                };
                if !store::set_room(&mut tx, own_id, other_id, id, now).await? {
                    continue;
                }
                id
            }
        };
        if let Some(conversation_id) = direct {
            store::tie_conversation(&mut tx, room_id, conversation_id).await?;
        }
        tx.commit(now).await?;
        return Ok(room_id);
    }
    Err(RingError::NoRoom)
}

/// What the room of two people is called.
fn name_of(one: &str, other: &str) -> String {
    format!("{one}, {other}").chars().take(ROOM_NAME_CHARS).collect()
}

/// Takes the name of somebody whose account is gone out of the names of the rooms they had with others, whatever those
/// are called by now: it may be their name of before, too.
///
/// # Errors
/// As any statement; what was done stays done.
pub(super) async fn forget_name(app: &App, user_id: Uuid, nobody: &str) -> Result<(), StoreError> {
    let mut after = Uuid::nil();
    loop {
        let rooms = store::list_rooms_of(&app.db, user_id, after, MAX_RENAMED).await?;
        let Some((last, _)) = rooms.last() else { return Ok(()) };
        after = *last;
        let now = app.clock.now();
        let mut tx = app.begin().await?;
        for (room_id, other) in &rooms {
            store::rename_room(&mut tx, *room_id, &name_of(nobody, other), now).await?;
            tx.event(format!("room:{room_id}"), "room.updated", &json!({ "room_id": room_id, "changed": ["name"] }));
        }
        tx.commit(now).await?;
    }
}

fn direct_room<'a>(code: &'a str, name: &'a str, owner_id: Uuid) -> NewRoom<'a> {
    NewRoom {
        code,
        name,
        description: "",
        room_type: RoomType::Video,
        access_level: AccessLevel::Restricted,
        config: RoomConfig::default(),
        capacity: None,
        is_active: true,
        expires_at: None,
        owner_id,
        org_id: None,
    }
}

/// Finds a ring for one of its two sides.
///
/// # Errors
/// See [`RingError`].
pub(crate) async fn find(app: &App, who: &SignedIn, id: Uuid) -> Result<Ring, RingError> {
    let ring = store::find(&app.db, id).await?.filter(|ring| takes_part(ring, who.user.id));
    ring.ok_or(RingError::NotFound)
}

fn takes_part(ring: &Ring, user_id: Uuid) -> bool {
    ring.caller_id == user_id || ring.callee_id == user_id
}

/// Answers or declines a ring, or gives up ringing.
///
/// # Errors
/// See [`RingError`].
pub(crate) async fn respond(app: &App, who: &SignedIn, id: Uuid, state: RingState) -> Result<Ring, RingError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let ring = store::find(&mut tx, id).await?.filter(|ring| takes_part(ring, who.user.id));
    let ring = ring.ok_or(RingError::NotFound)?;
    let for_whom = if state == RingState::Cancelled { ring.caller_id } else { ring.callee_id };
    if for_whom != who.user.id {
        return Err(RingError::OtherSide);
    }
    if ring.state == state {
        return Ok(ring);
    }
    if ring.expires_at <= now || !finish(&mut tx, &ring, state, now).await? {
        return Err(RingError::Over);
    }
    tx.commit(now).await?;
    Ok(Ring { state, ended_at: Some(now), ..ring })
}

/// Job: nobody answered in time.
///
/// # Errors
/// As any statement.
pub(crate) async fn time_out(app: &App, id: Uuid) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if let Some(ring) = store::find(&mut tx, id).await? {
        finish(&mut tx, &ring, RingState::Missed, now).await?;
    }
    tx.commit(now).await
}

/// Ends a ring that rings, and tells both sides; whoever missed it finds that in the inbox.
async fn finish(tx: &mut Tx, ring: &Ring, state: RingState, now: Micros) -> Result<bool, StoreError> {
    if !store::end(tx, ring.id, state, now).await? {
        return Ok(false);
    }
    let ring = Ring { state, ended_at: Some(now), ..ring.clone() };
    tell(tx, &ring);
    if matches!(state, RingState::Missed | RingState::Cancelled) {
        let key = format!("call.missed:{}", ring.id);
        notify(tx, &[ring.callee_id], NotificationKind::CallMissed, payload(&ring), &key, now).await?;
    }
    Ok(true)
}

fn payload(ring: &Ring) -> serde_json::Value {
    json!({
        "call_id": ring.id,
        "room_id": ring.room_id,
        "actor_id": ring.caller_id,
        "actor_name": ring.caller_name,
        "link": web_pages::join(&ring.room_code),
    })
}

fn tell(tx: &mut Tx, ring: &Ring) {
    let told = json!({ "ring_id": ring.id, "room_id": ring.room_id, "state": ring.state,
        "caller_id": ring.caller_id, "callee_id": ring.callee_id, "caller_name": ring.caller_name });
    for user_id in [ring.caller_id, ring.callee_id] {
        tx.event(format!("notifications:{user_id}"), "call.ring", &told);
    }
}
