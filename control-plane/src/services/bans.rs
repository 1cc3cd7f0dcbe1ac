//! Bans: who is kept out of a room, at the door and out of its call.
//!
//! In: somebody who runs the room, a user or a guest. Out: bans. Of an address only a keyed hash is ever stored. Any
//! account can be banned by its id, also one that only listens and has left no trace; so what is answered must not tell
//! whether there is such an account.

use std::net::IpAddr;

use aws_lc_rs::hmac;
use serde_json::json;
use uuid::Uuid;

use super::authorize::{Action, Refusal, role_in};
use super::rooms::{self, RoomError};
use super::topics::{Concerned, rights_changed};
use super::{audit_in, audit_on_room, room_members};
use crate::app::App;
use crate::http::extract::{Caller, SignedIn};
use crate::http::rate_limit::subscriber;
use crate::jobs::NewJob;
use crate::model::clock::Micros;
use crate::model::lobby::LobbyEntry;
use crate::model::member::Ban;
use crate::model::room::{RoomName, RoomRole};
use crate::model::user::Actor;
use crate::store::bans::{self as store, NewBan};
use crate::store::db::StoreError;
use crate::store::members as member_store;
use crate::store::tx::Tx;
use crate::store::{guests, hosting, lobby, rooms as room_store};

/// Tabs and devices of one person that are taken out of a call at once.
const MAX_STAYS: i64 = 100;
/// Bans of one room.
const MAX_BANS: i64 = 1_000;
/// What the hash of an address is made for.
const ADDRESS_LABEL: &[u8] = b"guest address 1 ";

/// Who is to be kept out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    User(Uuid),
    Guest {
        id: Uuid,
        /// Everybody without an account who comes from there, too.
        with_address: bool,
    },
}

impl Subject {
    pub(crate) const fn id(self) -> Uuid {
        match self {
            Self::User(id) | Self::Guest { id, .. } => id,
        }
    }
}

/// A ban as somebody wants it.
#[derive(Debug)]
pub(crate) struct BanForm {
    pub subject: Subject,
    pub reason: String,
    pub expires_at: Option<Micros>,
}

/// Why a ban cannot be made or lifted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BanError {
    #[error(transparent)]
    Room(#[from] RoomError),
    #[error("the id is a guest's")]
    UserNotFound,
    #[error("no such guest of this room")]
    GuestNotFound,
    #[error("no such ban")]
    BanNotFound,
    #[error("the room has too many bans")]
    TooMany,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refusal> for BanError {
    fn from(refusal: Refusal) -> Self {
        Self::Room(refusal.into())
    }
}

/// What is kept of the address somebody comes from.
pub(crate) fn address_hash(app: &App, ip: IpAddr) -> Vec<u8> {
    let mut context = hmac::Context::with_key(&app.rotation_key);
    context.update(ADDRESS_LABEL);
    match subscriber(ip) {
        IpAddr::V4(ip) => context.update(&ip.octets()),
        IpAddr::V6(ip) => context.update(&ip.octets()),
    }
    context.sign().as_ref().to_vec()
}

/// Whether a caller without an account is kept out of a room, by pass or by address. Accounts are kept out by
/// [`authorize`](super::authorize), since a ban of theirs comes with the room.
///
/// # Errors
/// As any statement.
pub(crate) async fn is_address_banned(app: &App, caller: &Caller, room_id: Uuid) -> Result<bool, StoreError> {
    let guest_id = match &caller.actor {
        Actor::User { .. } => return Ok(false),
        Actor::Guest(guest) => Some(guest.id),
        Actor::Anonymous => None,
    };
    let hash = address_hash(app, caller.facts.ip);
    store::is_banned(&app.db, room_id, guest_id, Some(&hash), app.clock.now()).await
}

/// Lists bans older than `before`.
///
/// # Errors
/// See [`BanError`].
pub(crate) async fn list(
    app: &App,
    who: &SignedIn,
    name: &RoomName,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Ban>, BanError> {
    let room = rooms::find(app, &who.caller, name, Action::ManagePeople).await?;
    Ok(store::list(&app.db, room.id, before, app.clock.now(), limit).await?)
}

/// Bans somebody; whether the ban is new.
///
/// # Errors
/// See [`BanError`].
pub(crate) async fn ban(app: &App, who: &SignedIn, name: &RoomName, form: BanForm) -> Result<(Ban, bool), BanError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let room = rooms::find_in(app, &mut tx, who, name, Action::ManagePeople).await?;
    let role = role_in(&who.caller.actor, &room);
    let made = ban_in(app, &mut tx, &who.caller, room.id, role, form).await?;
    tx.commit(now).await?;
    Ok(made)
}

/// Bans somebody in the caller's transaction, in the name of somebody who has `role` in the room (`None`: a cohost).
pub(super) async fn ban_in(
    app: &App,
    tx: &mut Tx,
    caller: &Caller,
    room_id: Uuid,
    role: Option<RoomRole>,
    form: BanForm,
) -> Result<(Ban, bool), BanError> {
    let now = app.clock.now();
    let by = caller.actor.user().map(|user| user.id).ok_or(Refusal::SignInRequired)?;
    member_store::lock_room(&mut *tx, room_id).await?;
    let (name, hash) = match form.subject {
        Subject::User(id) if store::find_guest(&mut *tx, id, room_id).await?.is_some() => {
            return Err(BanError::UserNotFound);
        }
        Subject::User(id) => (check_user(&mut *tx, by, room_id, role, id).await?, None),
        Subject::Guest { id, with_address } => {
            let found = store::find_guest(&mut *tx, id, room_id).await?;
            let (name, hash) = found.ok_or(BanError::GuestNotFound)?;
            (name, hash.filter(|_| with_address))
        }
    };
    if store::count(&mut *tx, room_id).await? >= MAX_BANS {
        return Err(BanError::TooMany);
    }
    let (id, subject_id) = (Uuid::now_v7(), form.subject.id());
    let is_guest = matches!(form.subject, Subject::Guest { .. });
    let new = NewBan {
        id,
        room_id,
        subject_id,
        is_guest,
        address_hash: hash.as_deref(),
        name: &name,
        reason: &form.reason,
        banned_by: by,
        expires_at: form.expires_at,
    };
    let ban = store::upsert(&mut *tx, new, now).await?;
    if is_guest {
        store::end_guest(&mut *tx, subject_id, now).await?;
    } else {
        room_members::drop_member(&mut *tx, caller, room_id, subject_id, now).await?;
    }
    let diff = json!({ "subject_id": subject_id, "is_guest": is_guest, "by_address": ban.by_address });
    audit_on_room(&mut *tx, caller, room_id, "room.banned", diff, now).await?;
    withdraw(&mut *tx, room_id, subject_id, is_guest, now).await?;
    tx.enqueue(NewJob::recheck_room(room_id), now).await?;
    let is_new = ban.id == id;
    Ok((ban, is_new))
}

/// Takes back what being let in gave somebody who is refused in the end; the entry that says so stays.
pub(super) async fn withdraw_admission(
    tx: &mut Tx,
    room_id: Uuid,
    entry: &LobbyEntry,
    now: Micros,
) -> Result<(), StoreError> {
    hosting::note_removed(&mut *tx, room_id, entry.subject_id, now).await?;
    for (room_id, identity) in hosting::list_present_in_room(&mut *tx, room_id, entry.subject_id, MAX_STAYS).await? {
        tx.enqueue(NewJob::remove_participant(room_id, &identity), now).await?;
    }
    shut_out(tx, entry.subject_id, entry.is_guest).await
}

/// Takes the conversation away, and the topics with it.
async fn shut_out(tx: &mut Tx, subject_id: Uuid, is_guest: bool) -> Result<(), StoreError> {
    if is_guest {
        guests::shut_out(&mut *tx, subject_id).await?;
        rights_changed(tx, Concerned { guest_id: Some(subject_id), ..Concerned::default() });
    } else {
        rights_changed(tx, Concerned { user_id: Some(subject_id), ..Concerned::default() });
    }
    Ok(())
}

/// Takes from somebody what being let into a room and its call gave them: admission, the powers of a cohost, the way
/// back into a locked call, the conversation. Members stay members.
pub(super) async fn withdraw(
    tx: &mut Tx,
    room_id: Uuid,
    subject_id: Uuid,
    is_guest: bool,
    now: Micros,
) -> Result<(), StoreError> {
    hosting::note_removed(&mut *tx, room_id, subject_id, now).await?;
    hosting::take_cohost(&mut *tx, room_id, subject_id, now).await?;
    lobby::delete_of(&mut *tx, room_id, subject_id).await?;
    shut_out(tx, subject_id, is_guest).await
}

/// The name of a person who may be banned by whoever has `role`; empty for a stranger and for nobody, which look alike.
async fn check_user(
    tx: &mut Tx,
    by: Uuid,
    room_id: Uuid,
    role: Option<RoomRole>,
    user_id: Uuid,
) -> Result<String, BanError> {
    if user_id == by {
        return Err(Refusal::Forbidden.into());
    }
    let seen = room_store::find(&mut *tx, &RoomName::Id(room_id), Some(user_id)).await?;
    let theirs = seen.and_then(|room| room.role);
    let allowed = match (role, theirs) {
        (_, None) => true,
        (Some(role), Some(theirs)) => theirs != RoomRole::Owner && role.governs(theirs),
        (None, Some(theirs)) => theirs == RoomRole::Member,
    };
    if !allowed {
        return Err(Refusal::Forbidden.into());
    }
    let is_known = theirs.is_some() || member_store::is_known(&mut *tx, by, user_id, room_id).await?;
    let person = member_store::find_person(tx, user_id).await?;
    Ok(person.filter(|_| is_known).map(|person| person.display_name).unwrap_or_default())
}

/// Lifts a ban.
///
/// # Errors
/// See [`BanError`].
pub(crate) async fn unban(app: &App, who: &SignedIn, name: &RoomName, id: Uuid) -> Result<(), BanError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let room = rooms::find_in(app, &mut tx, who, name, Action::ManagePeople).await?;
    if !store::delete(&mut tx, room.id, id).await? {
        return Err(BanError::BanNotFound);
    }
    let diff = json!({ "ban_id": id });
    audit_in(&mut tx, &who.caller, room.org_id, "room.unbanned", ("room", room.id), diff, now).await?;
    tx.commit(now).await?;
    Ok(())
}
