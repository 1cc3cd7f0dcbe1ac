//! Members of organizations: added, given roles, removed; there is an owner at all times.
//!
//! Changes of one organization's members come one after the other, under its row's lock. Before it comes the lock of whoever
//! gets a role: an account that ends takes its own lock and then those of the organizations it owns, so that nobody is
//! made an owner while they go.

use serde_json::json;
use uuid::Uuid;

use super::authorize::{OrgAction, Refusal, authorize_organization, effective_role, is_platform_admin};
use super::organizations::{MAX_MEMBERS, MAX_OWNED, OrgError, topic};
use super::topics::{Concerned, rights_changed};
use super::{activities, audit_in};
use crate::app::App;
use crate::http::extract::SignedIn;
use crate::jobs::NewJob;
use crate::model::activity::NewActivity;
use crate::model::clock::Micros;
use crate::model::organization::{OrgMember, OrgRole, Organization};
use crate::store::db::StoreError;
use crate::store::members as room_members;
use crate::store::organization_invites as invites;
use crate::store::organizations::{self as store, OrgName};
use crate::store::tx::Tx;
use crate::store::users;

/// Begins to change the members of an organization: its lock is ours until commit, after that of who gets a role in it.
/// Whether that account can act is answered, too.
async fn begin(
    app: &App,
    who: &SignedIn,
    name: &OrgName,
    action: OrgAction,
    subject: Option<Uuid>,
) -> Result<(Tx, Organization, bool), OrgError> {
    let mut tx = app.begin().await?;
    let org = store::find(&mut tx, name, who.user.id).await?.ok_or(Refusal::NotFound)?;
    authorize_organization(&who.caller.actor, action, &org)?;
    let can_act = match subject {
        Some(user_id) => users::lock_active(&mut tx, user_id).await?,
        None => true,
    };
    if !store::lock(&mut tx, org.id).await? {
        return Err(Refusal::NotFound.into());
    }
    // Read again under the lock: the caller's own role may have changed while we waited.
    let org = store::find(&mut tx, &OrgName::Id(org.id), who.user.id).await?.ok_or(Refusal::NotFound)?;
    authorize_organization(&who.caller.actor, action, &org)?;
    Ok((tx, org, can_act))
}

/// Lists the members of an organization.
///
/// # Errors
/// As any statement.
pub(crate) async fn list(
    app: &App,
    org_id: Uuid,
    role: Option<OrgRole>,
    q: &str,
    after: Uuid,
    limit: i64,
) -> Result<Vec<OrgMember>, StoreError> {
    store::list_members(&app.db, org_id, role, q, after, limit).await
}

/// Finds a member.
///
/// # Errors
/// See [`OrgError`].
pub(crate) async fn find(app: &App, org_id: Uuid, user_id: Uuid) -> Result<OrgMember, OrgError> {
    store::find_member(&app.db, org_id, user_id).await?.ok_or(OrgError::NoSuchMember)
}

/// Adds somebody by id.
///
/// # Errors
/// See [`OrgError`].
pub(crate) async fn add(
    app: &App,
    who: &SignedIn,
    name: &OrgName,
    user_id: Uuid,
    role: OrgRole,
) -> Result<OrgMember, OrgError> {
    let now = app.clock.now();
    let (mut tx, org, can_act) = begin(app, who, name, OrgAction::Manage, Some(user_id)).await?;
    may_give(who, &org, role)?;
    if !can_act {
        return Err(OrgError::NoSuchPerson);
    }
    may_own_more(&mut tx, user_id, role).await?;
    if store::count_members(&mut tx, org.id).await? >= MAX_MEMBERS {
        return Err(OrgError::TooManyMembers);
    }
    // Whoever had nothing to do with them before does not get their address by knowing their id.
    let is_known = is_platform_admin(&who.caller.actor)
        || room_members::is_known(&mut tx, who.user.id, user_id, Uuid::nil()).await?;
    if !store::insert_member(&mut tx, org.id, user_id, role, is_known, now).await? {
        return Err(OrgError::AlreadyMember);
    }
    note_joined(&mut tx, who, org.id, user_id, role, now).await?;
    let member = store::find_member(&mut tx, org.id, user_id).await?.ok_or(OrgError::NoSuchMember)?;
    invites::revoke_to(&mut tx, org.id, &member.email, now).await?;
    tx.commit(now).await?;
    Ok(member)
}

/// Writes down that somebody became a member.
pub(super) async fn note_joined(
    tx: &mut Tx,
    who: &SignedIn,
    org_id: Uuid,
    user_id: Uuid,
    role: OrgRole,
    now: Micros,
) -> Result<(), StoreError> {
    let diff = json!({ "role": role });
    audit_in(tx, &who.caller, Some(org_id), "member.joined", ("user", user_id), diff, now).await?;
    tx.event(topic(org_id), "member.joined", &json!({ "org_id": org_id, "user_id": user_id, "role": role }));
    let actor = Some((who.user.id, who.user.display_name.as_str()));
    let new =
        NewActivity { org_id, actor, kind: "member.joined", of: ("user", user_id), data: json!({ "role": role }) };
    activities::record(tx, new, None, now).await
}

/// Nobody gives a role above their own.
fn may_give(who: &SignedIn, org: &Organization, role: OrgRole) -> Result<(), Refusal> {
    let own = effective_role(&who.caller.actor, org.role).ok_or(Refusal::NotFound)?;
    if own.covers(role) { Ok(()) } else { Err(Refusal::Forbidden) }
}

/// Refuses to make somebody an owner who owns as many organizations as allowed.
async fn may_own_more(tx: &mut Tx, user_id: Uuid, role: OrgRole) -> Result<(), OrgError> {
    if role == OrgRole::Owner && store::count_owned(tx, user_id).await? >= MAX_OWNED {
        return Err(OrgError::TooManyOwned);
    }
    Ok(())
}

/// Gives a member another role.
///
/// # Errors
/// See [`OrgError`].
pub(crate) async fn change_role(
    app: &App,
    who: &SignedIn,
    name: &OrgName,
    user_id: Uuid,
    role: OrgRole,
) -> Result<OrgMember, OrgError> {
    let now = app.clock.now();
    let (mut tx, org, can_act) = begin(app, who, name, OrgAction::Manage, Some(user_id)).await?;
    let mut member = store::find_member(&mut tx, org.id, user_id).await?.ok_or(OrgError::NoSuchMember)?;
    may_give(who, &org, role)?;
    may_give(who, &org, member.role)?;
    if member.role == role {
        return Ok(member);
    }
    if role == OrgRole::Owner && !can_act {
        return Err(OrgError::NoSuchPerson);
    }
    may_own_more(&mut tx, user_id, role).await?;
    keep_an_owner(&mut tx, org.id, &member).await?;
    store::update_member(&mut tx, org.id, user_id, role).await?;
    let diff = json!({ "from": member.role, "to": role });
    audit_in(&mut tx, &who.caller, Some(org.id), "member.updated", ("user", user_id), diff, now).await?;
    tx.event(topic(org.id), "member.updated", &json!({ "org_id": org.id, "user_id": user_id, "role": role }));
    match role {
        OrgRole::Owner => {}
        OrgRole::Admin => invites::revoke_made_in(&mut tx, org.id, user_id, Some(OrgRole::Owner), now).await?,
        // They may not invite any more.
        OrgRole::Member | OrgRole::Viewer => invites::revoke_made_in(&mut tx, org.id, user_id, None, now).await?,
    }
    invites::revoke_to(&mut tx, org.id, &member.email, now).await?;
    lost_rights(&mut tx, org.id, user_id, now).await?;
    tx.commit(now).await?;
    member.role = role;
    Ok(member)
}

/// Refuses to take the role of the last owner who can act.
async fn keep_an_owner(tx: &mut Tx, org_id: Uuid, member: &OrgMember) -> Result<(), OrgError> {
    if member.role == OrgRole::Owner && store::count_other_owners(tx, org_id, member.user_id).await? == 0 {
        return Err(OrgError::LastOwner);
    }
    Ok(())
}

/// Whoever had rights through the organization is looked at again: open sockets, open calls.
async fn lost_rights(tx: &mut Tx, org_id: Uuid, user_id: Uuid, now: Micros) -> Result<(), StoreError> {
    let concerned = Concerned { user_id: Some(user_id), org_id: Some(org_id), ..Concerned::default() };
    rights_changed(tx, concerned);
    tx.enqueue(NewJob::recheck_organization(org_id), now).await
}

/// Removes a member; everybody may remove themselves.
///
/// # Errors
/// See [`OrgError`].
pub(crate) async fn remove(app: &App, who: &SignedIn, name: &OrgName, user_id: Uuid) -> Result<(), OrgError> {
    let now = app.clock.now();
    let oneself = user_id == who.user.id;
    let action = if oneself { OrgAction::See } else { OrgAction::Manage };
    let (mut tx, org, _) = begin(app, who, name, action, None).await?;
    let member = store::find_member(&mut tx, org.id, user_id).await?.ok_or(OrgError::NoSuchMember)?;
    if !oneself {
        may_give(who, &org, member.role)?;
    }
    keep_an_owner(&mut tx, org.id, &member).await?;
    store::delete_member(&mut tx, org.id, user_id).await?;
    invites::revoke_made_in(&mut tx, org.id, user_id, None, now).await?;
    // What was decided now counts more than an invite of before.
    invites::revoke_to(&mut tx, org.id, &member.email, now).await?;
    let diff = json!({ "role": member.role, "left": oneself });
    audit_in(&mut tx, &who.caller, Some(org.id), "member.left", ("user", user_id), diff, now).await?;
    tx.event(topic(org.id), "member.left", &json!({ "org_id": org.id, "user_id": user_id }));
    let actor = Some((who.user.id, who.user.display_name.as_str()));
    let data = json!({ "display_name": member.display_name });
    let new = NewActivity { org_id: org.id, actor, kind: "member.left", of: ("user", user_id), data };
    activities::record(&mut tx, new, None, now).await?;
    lost_rights(&mut tx, org.id, user_id, now).await?;
    tx.commit(now).await?;
    Ok(())
}
