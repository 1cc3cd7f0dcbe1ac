//! Members of rooms: added, promoted, removed, leaving; invitations for addresses that are nobody we may name.
//!
//! In: a signed-in person, a room. Out: members. Adding people must not tell whether an address has an account.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::authorize::{Action, Refusal, is_platform_admin, role_in, role_of};
use super::rooms::{self, RoomError};
use super::topics::{Concerned, rights_changed};
use super::{audit_in, audit_on_room};
use crate::app::App;
use crate::http::extract::{Caller, SignedIn};
use crate::jobs::NewJob;
use crate::model::member::{Invitation, Member};
use crate::model::room::{Room, RoomName, RoomRole};
use crate::model::user::UserStatus;
use crate::store::db::StoreError;
use crate::store::members::{self as store, Person};
use crate::store::tx::Tx;
use crate::store::{bans, hosting, rooms as room_store, users};

/// Members of one room.
pub(crate) const MAX_MEMBERS: i64 = 1_000;
/// Invitations of one room.
const MAX_INVITATIONS: i64 = 500;
/// How long an invitation waits.
const INVITATION_TTL: Duration = Duration::from_secs(30 * 86_400);

/// Whom somebody wants to add.
#[derive(Debug)]
pub(crate) enum Wanted {
    User(Uuid),
    /// Folded.
    Email(String),
}

/// What became of adding somebody.
#[derive(Debug)]
pub(crate) enum Added {
    New(Member),
    /// They were a member before; their role is as it was.
    Already(Member),
    /// Nothing is said about whether the address has an account.
    Invited,
}

/// Why people of a room cannot be changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MemberError {
    #[error(transparent)]
    Room(#[from] RoomError),
    #[error("no such person, as far as the caller may know")]
    UserNotFound,
    #[error("no such member")]
    MemberNotFound,
    #[error("no such invitation")]
    InvitationNotFound,
    #[error("the room needs an owner")]
    LastOwner,
    #[error("the person is banned")]
    Banned,
    #[error("the room has too many members or invitations")]
    TooMany,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refusal> for MemberError {
    fn from(refusal: Refusal) -> Self {
        Self::Room(refusal.into())
    }
}

/// Lists members after `after`.
///
/// # Errors
/// See [`MemberError`].
pub(crate) async fn list(
    app: &App,
    who: &SignedIn,
    name: &RoomName,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Member>, MemberError> {
    let room = rooms::find(app, &who.caller, name, Action::SeeMembers).await?;
    Ok(store::list(&app.db, room.id, after, limit).await?)
}

/// Adds somebody, or invites an address.
///
/// # Errors
/// See [`MemberError`].
pub(crate) async fn add(
    app: &App,
    who: &SignedIn,
    name: &RoomName,
    wanted: Wanted,
    role: RoomRole,
) -> Result<Added, MemberError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let room = rooms::find_in(app, &mut tx, who, name, Action::ManagePeople).await?;
    may_give(who, &room, role)?;
    // The account before the room, so that it cannot end in between.
    let person = match find_person(&mut tx, who, &room, &wanted).await? {
        Some(person) if users::lock_active(&mut tx, person.id).await? => Some(person),
        _ => None,
    };
    store::lock_room(&mut tx, room.id).await?;
    let Some(person) = person else {
        let Wanted::Email(email) = wanted else { return Err(MemberError::UserNotFound) };
        return invite(app, tx, who, &room, &email, role).await;
    };
    if let Some(member) = store::find(&mut tx, room.id, person.id).await? {
        return Ok(Added::Already(member));
    }
    if bans::is_banned(&mut tx, room.id, Some(person.id), None, now).await? {
        return Err(MemberError::Banned);
    }
    if store::count(&mut tx, room.id).await? >= MAX_MEMBERS {
        return Err(MemberError::TooMany);
    }
    store::insert(&mut tx, room.id, person.id, role, now).await?;
    store::delete_invitations_of(&mut tx, room.id, person.id).await?;
    let diff = json!({ "user_id": person.id, "role": role });
    audit_in(&mut tx, &who.caller, room.org_id, "room.member_added", ("room", room.id), diff.clone(), now).await?;
    tx.event(format!("room:{}", room.id), "member.added", &diff);
    tx.enqueue(NewJob::recheck_room(room.id), now).await?;
    tx.commit(now).await?;
    Ok(Added::New(Member { user_id: person.id, display_name: person.display_name, role, joined_at: now }))
}

fn may_give(who: &SignedIn, room: &Room, role: RoomRole) -> Result<(), Refusal> {
    match role_in(&who.caller.actor, room) {
        Some(own) if own.governs(role) => Ok(()),
        _ => Err(Refusal::Forbidden),
    }
}

/// The active person that is wanted, unless the caller has no business knowing that there is one.
async fn find_person(tx: &mut Tx, who: &SignedIn, room: &Room, wanted: &Wanted) -> Result<Option<Person>, StoreError> {
    let person = match wanted {
        Wanted::User(id) => store::find_person(&mut *tx, *id).await?,
        Wanted::Email(email) => store::find_person_by_email(&mut *tx, email).await?,
    };
    let Some(person) = person.filter(|person| person.status == UserStatus::Active) else { return Ok(None) };
    let is_known = person.id == who.user.id
        || is_platform_admin(&who.caller.actor)
        || store::is_known(tx, who.user.id, person.id, room.id).await?;
    Ok(is_known.then_some(person))
}

async fn invite(
    app: &App,
    mut tx: Tx,
    who: &SignedIn,
    room: &Room,
    email: &str,
    role: RoomRole,
) -> Result<Added, MemberError> {
    let now = app.clock.now();
    // An address that has not come yet cannot own the room.
    let role = if role == RoomRole::Owner { RoomRole::Admin } else { role };
    if store::count_invitations(&mut tx, room.id).await? >= MAX_INVITATIONS {
        return Err(MemberError::TooMany);
    }
    store::invite(&mut tx, room.id, email, role, who.user.id, now, now.plus(INVITATION_TTL)).await?;
    let diff = json!({ "email": email, "role": role });
    audit_in(&mut tx, &who.caller, room.org_id, "room.invited", ("room", room.id), diff, now).await?;
    tx.commit(now).await?;
    Ok(Added::Invited)
}

/// Turns a waiting invitation of the caller's verified address into a membership; whether there was one.
///
/// # Errors
/// As any statement.
pub(crate) async fn claim(app: &App, caller: &Caller, room_id: Uuid) -> Result<bool, StoreError> {
    let Some(user) = caller.actor.user().filter(|user| user.email_verified_at.is_some()) else { return Ok(false) };
    let now = app.clock.now();
    if !store::is_invited(&app.db, room_id, &user.email, now).await? {
        return Ok(false);
    }
    let mut tx = app.begin().await?;
    if !users::lock_active(&mut tx, user.id).await? {
        return Ok(false);
    }
    store::lock_room(&mut tx, room_id).await?;
    let Some((role, invited_by)) = store::claim_invitation(&mut tx, room_id, &user.email, now).await? else {
        return Ok(false);
    };
    if !may_still_invite(&mut tx, room_id, invited_by, role).await? {
        // It is void, and gone with this.
        tx.commit(now).await?;
        return Ok(false);
    }
    let has_place = store::count(&mut tx, room_id).await? < MAX_MEMBERS;
    if !has_place || bans::is_banned(&mut tx, room_id, Some(user.id), None, now).await? {
        return Ok(false);
    }
    let is_new = store::insert(&mut tx, room_id, user.id, role, now).await?;
    if is_new {
        let diff = json!({ "user_id": user.id, "role": role, "invited_by": invited_by });
        audit_on_room(&mut tx, caller, room_id, "room.member_added", diff, now).await?;
        tx.event(format!("room:{room_id}"), "member.added", &json!({ "user_id": user.id, "role": role }));
        tx.enqueue(NewJob::recheck_room(room_id), now).await?;
    }
    tx.commit(now).await?;
    Ok(is_new)
}

/// Whether somebody who invited to `role` could do so now.
async fn may_still_invite(tx: &mut Tx, room_id: Uuid, user_id: Uuid, role: RoomRole) -> Result<bool, StoreError> {
    let Some(inviter) = users::find(&mut *tx, user_id).await?.filter(|user| user.status == UserStatus::Active) else {
        return Ok(false);
    };
    let room = room_store::find(tx, &RoomName::Id(room_id), Some(user_id)).await?;
    let own = room.and_then(|room| role_of(inviter.platform_role, &room));
    Ok(own.is_some_and(|own| own.governs(role)))
}

/// Gives a member another role.
///
/// # Errors
/// See [`MemberError`].
pub(crate) async fn update(
    app: &App,
    who: &SignedIn,
    name: &RoomName,
    user_id: Uuid,
    role: RoomRole,
) -> Result<Member, MemberError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let room = rooms::find_in(app, &mut tx, who, name, Action::SeeMembers).await?;
    if role_in(&who.caller.actor, &room) != Some(RoomRole::Owner) {
        return Err(Refusal::Forbidden.into());
    }
    let can_act = users::lock_active(&mut tx, user_id).await?;
    store::lock_room(&mut tx, room.id).await?;
    let member = store::find(&mut tx, room.id, user_id).await?.ok_or(MemberError::MemberNotFound)?;
    if member.role == role {
        return Ok(member);
    }
    if role == RoomRole::Owner && !can_act {
        return Err(MemberError::UserNotFound);
    }
    keep_an_owner(&mut tx, room.id, &member).await?;
    store::update(&mut tx, room.id, user_id, role).await?;
    store::delete_invitations_of(&mut tx, room.id, user_id).await?;
    let diff = json!({ "user_id": user_id, "role": role });
    audit_in(&mut tx, &who.caller, room.org_id, "room.member_updated", ("room", room.id), diff.clone(), now).await?;
    tx.event(format!("room:{}", room.id), "member.updated", &diff);
    tx.enqueue(NewJob::recheck_room(room.id), now).await?;
    tx.commit(now).await?;
    Ok(Member { role, ..member })
}

async fn keep_an_owner(tx: &mut Tx, room_id: Uuid, leaving: &Member) -> Result<(), MemberError> {
    if leaving.role == RoomRole::Owner && store::count_other_owners(tx, room_id, leaving.user_id).await? == 0 {
        return Err(MemberError::LastOwner);
    }
    Ok(())
}

/// Removes a member, or lets the caller leave. Who may not be in the call without the membership is removed from it.
///
/// # Errors
/// See [`MemberError`].
pub(crate) async fn remove(app: &App, who: &SignedIn, name: &RoomName, user_id: Uuid) -> Result<(), MemberError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let room = rooms::find_in(app, &mut tx, who, name, Action::SeeMembers).await?;
    store::lock_room(&mut tx, room.id).await?;
    let leaves = user_id == who.user.id;
    let role = role_in(&who.caller.actor, &room);
    if !leaves && !role.is_some_and(|role| role.governs(RoomRole::Member)) {
        return Err(Refusal::Forbidden.into());
    }
    let member = store::find(&mut tx, room.id, user_id).await?.ok_or(MemberError::MemberNotFound)?;
    if !leaves && !role.is_some_and(|role| role.governs(member.role)) {
        return Err(Refusal::Forbidden.into());
    }
    keep_an_owner(&mut tx, room.id, &member).await?;
    drop_member(&mut tx, &who.caller, room.id, user_id, now).await?;
    tx.commit(now).await?;
    Ok(())
}

/// Ends a membership with all that follows from it, in the caller's transaction.
pub(super) async fn drop_member(
    tx: &mut Tx,
    caller: &Caller,
    room_id: Uuid,
    user_id: Uuid,
    now: crate::model::clock::Micros,
) -> Result<(), StoreError> {
    if !store::delete(&mut *tx, room_id, user_id).await? {
        return Ok(());
    }
    // What was decided now counts more than an invitation of before.
    store::delete_invitations_of(&mut *tx, room_id, user_id).await?;
    // In a room with a lobby somebody has to let them in again.
    hosting::note_removed(&mut *tx, room_id, user_id, now).await?;
    let diff = json!({ "user_id": user_id });
    audit_on_room(&mut *tx, caller, room_id, "room.member_removed", diff.clone(), now).await?;
    tx.event(format!("room:{room_id}"), "member.removed", &diff);
    let topic = format!("room:{room_id}");
    let concerned = Concerned { user_id: Some(user_id), topic: Some(&topic), ..Concerned::default() };
    rights_changed(&mut *tx, concerned);
    tx.enqueue(NewJob::recheck_room(room_id), now).await
}

/// Lists invitations older than `before`.
///
/// # Errors
/// See [`MemberError`].
pub(crate) async fn list_invitations(
    app: &App,
    who: &SignedIn,
    name: &RoomName,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Invitation>, MemberError> {
    let room = rooms::find(app, &who.caller, name, Action::ManagePeople).await?;
    Ok(store::list_invitations(&app.db, room.id, before, app.clock.now(), limit).await?)
}

/// Takes an invitation back.
///
/// # Errors
/// See [`MemberError`].
pub(crate) async fn withdraw(app: &App, who: &SignedIn, name: &RoomName, id: Uuid) -> Result<(), MemberError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let room = rooms::find_in(app, &mut tx, who, name, Action::ManagePeople).await?;
    if !store::delete_invitation(&mut tx, room.id, id).await? {
        return Err(MemberError::InvitationNotFound);
    }
    let diff = json!({ "invitation_id": id });
    audit_in(&mut tx, &who.caller, room.org_id, "room.invitation_withdrawn", ("room", room.id), diff, now).await?;
    tx.commit(now).await?;
    Ok(())
}

/// The room as the caller sees it once an invitation made them a member.
///
/// # Errors
/// As any statement.
pub(crate) async fn reread(app: &App, caller: &Caller, room: Room) -> Result<Room, StoreError> {
    let user_id = caller.actor.user().map(|user| user.id);
    Ok(room_store::find(&app.db, &RoomName::Id(room.id), user_id).await?.unwrap_or(room))
}
