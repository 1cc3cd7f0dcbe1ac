//! Rooms: made, found, listed, changed, deleted; whoever loses the right to be inside is removed by a job.

use serde_json::json;
use uuid::Uuid;

use super::authorize::{Action, OrgAction, Refusal, RoomObject, authorize, authorize_organization};
use super::meetings::adrift;
use super::topics::room_rights_changed;
use super::{audit_in, room_members};
use crate::app::App;
use crate::http::extract::{Caller, SignedIn};
use crate::jobs::NewJob;
use crate::model::clock::Micros;
use crate::model::room::{AccessLevel, PersonInside, Room, RoomConfig, RoomName, RoomType, random_code};
use crate::store::db::StoreError;
use crate::store::organizations::{self, OrgName};
use crate::store::rooms::{self as store, NewRoom, RoomFilter};
use crate::store::tx::Tx;
use crate::store::{guests, members, users};

/// Tries to find a free code; with 10^13 of them a second collision in a row does not happen.
const CODE_TRIES: usize = 4;

/// People named when a room is looked at.
const PEOPLE_SHOWN: i64 = 50;

/// What a new room is to be.
#[derive(Debug)]
pub(crate) struct RoomForm {
    pub name: String,
    pub description: String,
    pub room_type: RoomType,
    pub access_level: AccessLevel,
    pub config: RoomConfig,
    pub capacity: Option<i64>,
    pub is_active: bool,
    pub expires_at: Option<Micros>,
    /// The organization it is for.
    pub org_id: Option<Uuid>,
}

/// What is to change; `None` leaves it, `Some(None)` clears it.
#[derive(Debug, Default)]
pub(crate) struct RoomChange {
    pub name: Option<String>,
    pub description: Option<String>,
    pub access_level: Option<AccessLevel>,
    pub config: Option<RoomConfig>,
    pub capacity: Option<Option<i64>>,
    pub is_active: Option<bool>,
    pub expires_at: Option<Option<Micros>>,
}

/// Why a room cannot be had or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoomError {
    #[error("no such room")]
    NotFound,
    #[error("refused: {0}")]
    Refused(Refusal),
    #[error("the caller owns too many rooms")]
    TooMany,
    #[error("no such organization, as far as the caller may know")]
    NoOrganization,
    #[error("no free code was found")]
    NoCode,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refusal> for RoomError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound,
            other => Self::Refused(other),
        }
    }
}

/// Makes a room owned by the caller.
///
/// # Errors
/// See [`RoomError`].
pub(crate) async fn create(app: &App, who: &SignedIn, form: RoomForm) -> Result<Room, RoomError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if !users::lock_active(&mut tx, who.user.id).await? {
        return Err(Refusal::SignInRequired.into());
    }
    if store::count_owned(&mut tx, who.user.id).await? >= app.live().rooms.max_owned {
        return Err(RoomError::TooMany);
    }
    if let Some(org_id) = form.org_id {
        let org = organizations::find(&mut tx, &OrgName::Id(org_id), who.user.id).await?;
        let org = org.ok_or(RoomError::NoOrganization)?;
        authorize_organization(&who.caller.actor, OrgAction::Contribute, &org).map_err(|refusal| match refusal {
            Refusal::NotFound => RoomError::NoOrganization,
            other => RoomError::Refused(other),
        })?;
    }
    let mut id = None;
    for _ in 0..CODE_TRIES {
        let new = NewRoom {
            code: &random_code(),
            name: &form.name,
            description: &form.description,
            room_type: form.room_type,
            access_level: form.access_level,
            config: form.config.clone(),
            capacity: form.capacity,
            is_active: form.is_active,
            expires_at: form.expires_at,
            owner_id: who.user.id,
            org_id: form.org_id,
        };
        id = store::insert(&mut tx, new, now).await?;
        if id.is_some() {
            break;
        }
    }
    let id = id.ok_or(RoomError::NoCode)?;
    let diff = json!({ "name": form.name, "type": form.room_type, "access_level": form.access_level });
    audit_in(&mut tx, &who.caller, form.org_id, "room.created", ("room", id), diff, now).await?;
    let room = store::find(&mut tx, &RoomName::Id(id), Some(who.user.id)).await?.ok_or(RoomError::NotFound)?;
    tx.commit(now).await?;
    Ok(room)
}

/// Finds a room for somebody who wants to do `action` with it.
///
/// # Errors
/// See [`RoomError`].
pub(crate) async fn find(app: &App, caller: &Caller, name: &RoomName, action: Action) -> Result<Room, RoomError> {
    let user_id = caller.actor.user().map(|user| user.id);
    let Some(room) = store::find(&app.db, name, user_id).await? else {
        // Whoever names a room by id has to be signed in to learn even that it does not exist.
        return Err(match (name, user_id) {
            (RoomName::Id(_), None) => RoomError::Refused(Refusal::SignInRequired),
            _ => RoomError::NotFound,
        });
    };
    if room.parent_room_id.is_some() {
        return Err(RoomError::NotFound);
    }
    let now = app.clock.now();
    match authorize(&caller.actor, action, RoomObject { room: &room, by: name, now }) {
        // The owner of an invited address becomes a member by coming.
        Err(_) if room.role.is_none() && action == Action::See && room_members::claim(app, caller, room.id).await? => {
            let room = room_members::reread(app, caller, room).await?;
            authorize(&caller.actor, action, RoomObject { room: &room, by: name, now })?;
            Ok(room)
        }
        Err(refusal) => Err(refusal.into()),
        Ok(()) => Ok(room),
    }
}

/// As [`find`], to look at it; by its code with the first who are in its call, for who may see them.
///
/// # Errors
/// See [`RoomError`].
pub(crate) async fn look(
    app: &App,
    caller: &Caller,
    name: &RoomName,
) -> Result<(Room, Option<Vec<PersonInside>>), RoomError> {
    let room = find(app, caller, name, Action::See).await?;
    let object = RoomObject { room: &room, by: name, now: app.clock.now() };
    let people = match (name, room.call_id) {
        (RoomName::Code(_), Some(call_id)) if authorize(&caller.actor, Action::SeeCall, object).is_ok() => {
            Some(store::list_people_inside(&app.db, call_id, PEOPLE_SHOWN).await?)
        }
        _ => None,
    };
    Ok((room, people))
}

/// Finds a room in a transaction, for a signed-in person who wants to do `action` with it.
///
/// # Errors
/// See [`RoomError`].
pub(crate) async fn find_in(
    app: &App,
    tx: &mut Tx,
    who: &SignedIn,
    name: &RoomName,
    action: Action,
) -> Result<Room, RoomError> {
    let found = store::find(tx, name, Some(who.user.id)).await?;
    let room = found.filter(|room| room.parent_room_id.is_none()).ok_or(RoomError::NotFound)?;
    authorize(&who.caller.actor, action, RoomObject { room: &room, by: name, now: app.clock.now() })?;
    Ok(room)
}

/// As [`find_in`], locked where the caller says which version of it they know, and of that version.
async fn find_known(
    app: &App,
    tx: &mut Tx,
    who: &SignedIn,
    name: &RoomName,
    action: Action,
) -> Result<Room, RoomError> {
    let mut room = find_in(app, tx, who, name, action).await?;
    let known = &who.caller.facts.if_match;
    if known.is_given() {
        members::lock_room(tx, room.id).await?;
        room = find_in(app, tx, who, name, action).await?;
        known.check(room.updated_at)?;
    }
    Ok(room)
}

/// Lists the caller's rooms.
///
/// # Errors
/// As any statement.
pub(crate) async fn list(app: &App, user_id: Uuid, filter: RoomFilter<'_>) -> Result<Vec<Room>, StoreError> {
    store::list(&app.db, user_id, filter, app.clock.now()).await
}

/// Changes a room. Who is in its call and no longer admitted is removed from it.
///
/// # Errors
/// See [`RoomError`].
pub(crate) async fn update(app: &App, who: &SignedIn, name: &RoomName, change: RoomChange) -> Result<Room, RoomError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let mut room = find_known(app, &mut tx, who, name, Action::Update).await?;
    let was_public = room.access_level == AccessLevel::Public;
    let diff = apply(&mut room, change);
    store::update(&mut tx, &room, now).await?;
    room.updated_at = now;
    let payload = json!({ "room_id": room.id, "changed": diff });
    let told = json!({ "changed": diff });
    audit_in(&mut tx, &who.caller, room.org_id, "room.updated", ("room", room.id), told, now).await?;
    tx.event(format!("room:{}", room.id), "room.updated", &payload);
    let tightened = ["access_level", "config", "is_active", "expires_at"].iter().any(|field| diff.contains(field));
    if tightened {
        if was_public && room.access_level != AccessLevel::Public {
            guests::shut_out_strangers(&mut tx, room.id).await?;
        }
        room_rights_changed(&mut tx, room.id, room.conversation_id);
    }
    if tightened && room.is_open(now) {
        tx.enqueue(NewJob::recheck_room(room.id), now).await?;
    } else if tightened {
        tx.enqueue(NewJob::close_room(room.id, "room_closed"), now).await?;
    }
    tx.commit(now).await?;
    Ok(room)
}

/// Writes the change into `room`; the names of the fields that differ now.
fn apply(room: &mut Room, change: RoomChange) -> Vec<&'static str> {
    let mut changed = Vec::new();
    let mut set = |field: &'static str, differs: bool| {
        if differs {
            changed.push(field);
        }
    };
    if let Some(name) = change.name {
        set("name", name != room.name);
        room.name = name;
    }
    if let Some(description) = change.description {
        set("description", description != room.description);
        room.description = description;
    }
    if let Some(access_level) = change.access_level {
        set("access_level", access_level != room.access_level);
        room.access_level = access_level;
    }
    if let Some(config) = change.config {
        set("config", config != room.config.0);
        room.config.0 = config;
    }
    if let Some(capacity) = change.capacity {
        set("capacity", capacity != room.capacity);
        room.capacity = capacity;
    }
    if let Some(is_active) = change.is_active {
        set("is_active", is_active != room.is_active);
        room.is_active = is_active;
    }
    if let Some(expires_at) = change.expires_at {
        set("expires_at", expires_at != room.expires_at);
        room.expires_at = expires_at;
    }
    changed
}

/// Deletes a room: nobody gets in from now on, whoever is inside is removed, and what was to take place there is called off.
///
/// # Errors
/// See [`RoomError`].
pub(crate) async fn delete(app: &App, who: &SignedIn, name: &RoomName) -> Result<(), RoomError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let room_id = find_in(app, &mut tx, who, name, Action::Delete).await?.id;
    let meetings = adrift::lock_in_room(&mut tx, room_id, now).await?;
    let room = find_known(app, &mut tx, who, name, Action::Delete).await?;
    store::delete(&mut tx, room.id, now).await?;
    let told = json!({ "name": room.name });
    audit_in(&mut tx, &who.caller, room.org_id, "room.deleted", ("room", room.id), told, now).await?;
    tx.event(format!("room:{}", room.id), "room.deleted", &json!({ "room_id": room.id }));
    room_rights_changed(&mut tx, room.id, room.conversation_id);
    adrift::room_deleted(&mut tx, &who.caller, room.id, &meetings, now).await?;
    tx.enqueue(NewJob::close_room(room.id, "room_deleted"), now).await?;
    tx.commit(now).await?;
    Ok(())
}
