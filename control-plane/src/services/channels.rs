//! Channels: threads of an organization, for all of it or for who is in them.

use serde_json::json;
use uuid::Uuid;

use super::authorize::{
    ChannelAction, OrgAction, Refusal, authorize_channel, authorize_organization, is_platform_admin,
};
use super::conversations::topic as conversation_topic;
use super::organizations::{MAX_MEMBERS, topic};
use super::topics::{Concerned, rights_changed};
use super::{activities, audit_in};
use crate::app::App;
use crate::http::extract::SignedIn;
use crate::model::activity::NewActivity;
use crate::model::clock::Micros;
use crate::model::conversation::ConversationKind;
use crate::model::organization::{Channel, ChannelMember, ChannelRole, Organization, Visibility};
use crate::store::channels::{self as store, ChannelFilter, NewChannel};
use crate::store::conversations;
use crate::store::db::StoreError;
use crate::store::organizations::{self as organizations, OrgName};
use crate::store::tx::Tx;

/// Channels of one organization.
const MAX_CHANNELS: i64 = 1_000;

/// What a new channel is to be.
#[derive(Debug)]
pub(crate) struct ChannelForm {
    pub name: String,
    pub description: String,
    pub visibility: Visibility,
}

/// What is to change; `None` leaves it.
#[derive(Debug, Default)]
pub(crate) struct ChannelChange {
    pub name: Option<String>,
    pub description: Option<String>,
    pub visibility: Option<Visibility>,
    pub archived: Option<bool>,
}

/// Why a channel cannot be had or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChannelError {
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    #[error("the organization has no such channel for the caller")]
    NoOrganization(Refusal),
    #[error("the name is taken")]
    NameTaken,
    #[error("too many channels")]
    TooMany,
    #[error("too many members")]
    TooManyMembers,
    #[error("they are not in the organization")]
    NotInOrganization,
    #[error("no such member")]
    NoSuchMember,
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for ChannelError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Duplicate => Self::NameTaken,
            other => Self::Store(other),
        }
    }
}

/// Where a channel's changes are told: to the whole organization only when all of it may know.
fn audience(channel: &Channel) -> String {
    match channel.visibility {
        Visibility::Public => topic(channel.org_id),
        Visibility::Private => conversation_topic(channel.conversation_id),
    }
}

/// Makes a channel in an organization; the caller is its first admin.
///
/// # Errors
/// See [`ChannelError`].
pub(crate) async fn create(
    app: &App,
    who: &SignedIn,
    name: &OrgName,
    form: ChannelForm,
) -> Result<Channel, ChannelError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let org = organizations::find(&mut tx, name, who.user.id).await?;
    let org = org.ok_or(ChannelError::NoOrganization(Refusal::NotFound))?;
    authorize_organization(&who.caller.actor, OrgAction::Contribute, &org).map_err(ChannelError::NoOrganization)?;
    if store::count(&mut tx, org.id).await? >= MAX_CHANNELS {
        return Err(ChannelError::TooMany);
    }
    let id = Uuid::now_v7();
    let conversation_id = conversations::insert(&mut tx, ConversationKind::Channel, id, now).await?;
    let new = NewChannel {
        id,
        org_id: org.id,
        name: &form.name,
        description: &form.description,
        visibility: form.visibility,
        conversation_id,
        created_by: who.user.id,
    };
    if !store::insert(&mut tx, new, now).await? {
        return Err(ChannelError::NameTaken);
    }
    store::insert_member(&mut tx, id, who.user.id, ChannelRole::Admin, now).await?;
    let channel = store::find(&mut tx, id, who.user.id).await?.ok_or(Refusal::NotFound)?;
    note(&mut tx, who, &channel, "channel.created", json!({ "name": channel.name }), now).await?;
    show(&mut tx, who, &channel, "channel.created", now).await?;
    tx.commit(now).await?;
    Ok(channel)
}

/// Writes the audit row and the event of an act on a channel.
async fn note(
    tx: &mut Tx,
    who: &SignedIn,
    channel: &Channel,
    action: &'static str,
    diff: serde_json::Value,
    now: Micros,
) -> Result<(), StoreError> {
    let told =
        json!({ "channel_id": channel.id, "org_id": channel.org_id, "conversation_id": channel.conversation_id });
    tx.event(audience(channel), action, &told);
    audit_in(tx, &who.caller, Some(channel.org_id), action, ("channel", channel.id), diff, now).await
}

/// Shows an act on a channel among what happened in the organization, to who may see the channel.
async fn show(
    tx: &mut Tx,
    who: &SignedIn,
    channel: &Channel,
    kind: &'static str,
    now: Micros,
) -> Result<(), StoreError> {
    let actor = Some((who.user.id, who.user.display_name.as_str()));
    let data = json!({ "name": channel.name });
    let new = NewActivity { org_id: channel.org_id, actor, kind, of: ("channel", channel.id), data };
    activities::record(tx, new, Some(audience(channel)), now).await
}

/// Finds a channel for somebody who wants to do `action` with it.
///
/// # Errors
/// See [`ChannelError`].
pub(crate) async fn find(app: &App, who: &SignedIn, id: Uuid, action: ChannelAction) -> Result<Channel, ChannelError> {
    let channel = store::find(&app.db, id, who.user.id).await?.ok_or(Refusal::NotFound)?;
    authorize_channel(&who.caller.actor, action, &channel)?;
    Ok(channel)
}

/// Lists the channels of an organization that the caller sees.
///
/// # Errors
/// As any statement.
pub(crate) async fn list(
    app: &App,
    who: &SignedIn,
    org: &Organization,
    filter: ChannelFilter<'_>,
) -> Result<Vec<Channel>, StoreError> {
    store::list(&app.db, org.id, who.user.id, filter).await
}

/// Begins a change of a channel by somebody who may do `action`.
async fn begin(app: &App, who: &SignedIn, id: Uuid, action: ChannelAction) -> Result<(Tx, Channel), ChannelError> {
    let mut tx = app.begin().await?;
    let channel = store::find(&mut tx, id, who.user.id).await?.ok_or(Refusal::NotFound)?;
    authorize_channel(&who.caller.actor, action, &channel)?;
    Ok((tx, channel))
}

/// As [`begin`], to change the channel itself: locked where the caller says which version of it they know, and of that
/// version.
async fn begin_known(app: &App, who: &SignedIn, id: Uuid) -> Result<(Tx, Channel), ChannelError> {
    let (mut tx, mut channel) = begin(app, who, id, ChannelAction::Manage).await?;
    let known = &who.caller.facts.if_match;
    if known.is_given() {
        store::lock(&mut tx, id).await?;
        channel = store::find(&mut tx, id, who.user.id).await?.ok_or(Refusal::NotFound)?;
        known.check(channel.updated_at)?;
    }
    Ok((tx, channel))
}

/// Changes a channel.
///
/// # Errors
/// See [`ChannelError`].
pub(crate) async fn update(
    app: &App,
    who: &SignedIn,
    id: Uuid,
    change: ChannelChange,
) -> Result<Channel, ChannelError> {
    let now = app.clock.now();
    let (mut tx, mut channel) = begin_known(app, who, id).await?;
    let mut changed = Vec::new();
    if let Some(name) = change.name.filter(|name| *name != channel.name) {
        channel.name = name;
        changed.push("name");
    }
    if let Some(description) = change.description.filter(|text| *text != channel.description) {
        channel.description = description;
        changed.push("description");
    }
    if let Some(archived) = change.archived.filter(|archived| *archived != channel.archived_at.is_some()) {
        channel.archived_at = archived.then_some(now);
        changed.push("archived");
    }
    if let Some(visibility) = change.visibility.filter(|visibility| *visibility != channel.visibility) {
        channel.visibility = visibility;
        changed.push("visibility");
        let topic = conversation_topic(channel.conversation_id);
        rights_changed(&mut tx, Concerned { topic: Some(&topic), ..Concerned::default() });
    }
    if changed.is_empty() {
        return Ok(channel);
    }
    store::update(&mut tx, &channel, now).await?;
    channel.updated_at = now;
    note(&mut tx, who, &channel, "channel.updated", json!({ "changed": changed }), now).await?;
    if changed.contains(&"archived") && channel.archived_at.is_some() {
        show(&mut tx, who, &channel, "channel.archived", now).await?;
    }
    tx.commit(now).await?;
    Ok(channel)
}

/// Deletes a channel.
///
/// # Errors
/// See [`ChannelError`].
pub(crate) async fn delete(app: &App, who: &SignedIn, id: Uuid) -> Result<(), ChannelError> {
    let now = app.clock.now();
    let (mut tx, channel) = begin_known(app, who, id).await?;
    store::delete(&mut tx, id, now).await?;
    note(&mut tx, who, &channel, "channel.deleted", json!({ "name": channel.name }), now).await?;
    let topic = conversation_topic(channel.conversation_id);
    rights_changed(&mut tx, Concerned { topic: Some(&topic), ..Concerned::default() });
    tx.commit(now).await?;
    Ok(())
}

/// Lists the members of a channel.
///
/// # Errors
/// See [`ChannelError`].
pub(crate) async fn members(
    app: &App,
    who: &SignedIn,
    id: Uuid,
    after: Uuid,
    limit: i64,
) -> Result<Vec<ChannelMember>, ChannelError> {
    find(app, who, id, ChannelAction::See).await?;
    Ok(store::list_members(&app.db, id, after, limit).await?)
}

/// Adds a member of the organization to a channel; `false` beside them when they were in it.
///
/// # Errors
/// See [`ChannelError`].
pub(crate) async fn add(
    app: &App,
    who: &SignedIn,
    id: Uuid,
    user_id: Uuid,
    role: ChannelRole,
) -> Result<(ChannelMember, bool), ChannelError> {
    let (tx, channel) = begin(app, who, id, ChannelAction::Manage).await?;
    enter(app, who, tx, &channel, user_id, role).await
}

/// Joins a public channel.
///
/// # Errors
/// See [`ChannelError`].
pub(crate) async fn join(app: &App, who: &SignedIn, id: Uuid) -> Result<Channel, ChannelError> {
    let (tx, channel) = begin(app, who, id, ChannelAction::See).await?;
    // A platform admin sees private channels, but does not walk in.
    if channel.role.is_none() && channel.visibility == Visibility::Private && is_platform_admin(&who.caller.actor) {
        return Err(Refusal::Forbidden.into());
    }
    enter(app, who, tx, &channel, who.user.id, ChannelRole::Member).await?;
    find(app, who, id, ChannelAction::See).await
}

async fn enter(
    app: &App,
    who: &SignedIn,
    mut tx: Tx,
    channel: &Channel,
    user_id: Uuid,
    role: ChannelRole,
) -> Result<(ChannelMember, bool), ChannelError> {
    let now = app.clock.now();
    if store::count_members(&mut tx, channel.id).await? >= MAX_MEMBERS {
        return Err(ChannelError::TooManyMembers);
    }
    let fresh = store::insert_member(&mut tx, channel.id, user_id, role, now).await?;
    let member = store::find_member(&mut tx, channel.id, user_id).await?.ok_or(ChannelError::NotInOrganization)?;
    if fresh {
        // What was said before is not news to who comes in.
        conversations::mark_all_read(&mut tx, channel.conversation_id, user_id).await?;
        let told = json!({ "channel_id": channel.id, "user_id": user_id, "role": role });
        tx.event(conversation_topic(channel.conversation_id), "channel.member_joined", &told);
        let target = ("channel", channel.id);
        audit_in(&mut tx, &who.caller, Some(channel.org_id), "channel.member_joined", target, told, now).await?;
        if user_id != who.user.id {
            let told = json!({ "conversation_id": channel.conversation_id, "kind": ConversationKind::Channel });
            tx.event(format!("notifications:{user_id}"), "conversation.created", &told);
        }
        tx.commit(now).await?;
    }
    Ok((member, fresh))
}

/// Removes a member of a channel; everybody may remove themselves.
///
/// # Errors
/// See [`ChannelError`].
pub(crate) async fn remove(app: &App, who: &SignedIn, id: Uuid, user_id: Uuid) -> Result<(), ChannelError> {
    let now = app.clock.now();
    let oneself = user_id == who.user.id;
    let action = if oneself { ChannelAction::See } else { ChannelAction::Manage };
    let (mut tx, channel) = begin(app, who, id, action).await?;
    if !store::delete_member(&mut tx, id, user_id).await? {
        return if oneself { Ok(()) } else { Err(ChannelError::NoSuchMember) };
    }
    let told = json!({ "channel_id": id, "user_id": user_id });
    tx.event(conversation_topic(channel.conversation_id), "channel.member_left", &told);
    let topic = conversation_topic(channel.conversation_id);
    let concerned = Concerned { user_id: Some(user_id), topic: Some(&topic), ..Concerned::default() };
    rights_changed(&mut tx, concerned);
    audit_in(&mut tx, &who.caller, Some(channel.org_id), "channel.member_left", ("channel", id), told, now).await?;
    tx.commit(now).await?;
    Ok(())
}
