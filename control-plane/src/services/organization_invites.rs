//! Invites to organizations by address: made by admins, answered by whoever holds the token or owns the address.
//!
//! The token is shown once, to the inviter; the database keeps its hash. What is expired, used, revoked or for somebody
//! else is not there at all.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::audit_in;
use super::authorize::{OrgAction, Refusal, authorize_organization, effective_role, effective_role_of};
use super::mail::{self, Button, Mail};
use super::members::note_joined;
use super::notifications::notify;
use super::organizations::{MAX_MEMBERS, OrgError};
use super::web_pages;
use crate::app::App;
use crate::http::extract::{Caller, SignedIn};
use crate::model::clock::Micros;
use crate::model::notification::NotificationKind;
use crate::model::organization::{OrgInvite, OrgRole, Organization};
use crate::model::secret::{Secret, SecretKind};
use crate::store::db::StoreError;
use crate::store::organization_invites::{self as store, NewInvite};
use crate::store::organizations::{self as organizations, OrgName};
use crate::store::tx::Tx;
use crate::store::users;

/// Invites of one organization that wait for an answer.
const MAX_PENDING: i64 = 1_000;
/// How long an invite can be answered.
const LIFE: Duration = Duration::from_secs(14 * 86_400);

/// Why an invite cannot be had, made or answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InviteError {
    #[error("no such invite")]
    NotFound,
    #[error("too many invites wait")]
    TooMany,
    #[error(transparent)]
    Organization(#[from] OrgError),
}

impl From<StoreError> for InviteError {
    fn from(error: StoreError) -> Self {
        Self::Organization(OrgError::Store(error))
    }
}

impl From<Refusal> for InviteError {
    fn from(refusal: Refusal) -> Self {
        Self::Organization(OrgError::Refused(refusal))
    }
}

/// How somebody names an invite.
#[derive(Debug)]
pub(crate) enum InviteName {
    /// For who owns the address.
    Id(Uuid),
    /// For who holds it: to look at and to decline; to accept it, one also has the address.
    Token(Secret),
}

impl InviteName {
    /// Reads an id or a token; `None` for what is neither.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match Uuid::try_parse(text) {
            Ok(id) => Some(Self::Id(id)),
            Err(_) => Secret::parse(SecretKind::OrgInvite, text).map(Self::Token),
        }
    }
}

/// Invites an address; the token is for the inviter to pass on.
///
/// # Errors
/// See [`InviteError`].
pub(crate) async fn create(
    app: &App,
    who: &SignedIn,
    org_id: Uuid,
    email: &str,
    role: OrgRole,
) -> Result<(OrgInvite, Secret), InviteError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let org = organizations::find(&mut tx, &OrgName::Id(org_id), who.user.id).await?.ok_or(Refusal::NotFound)?;
    authorize_organization(&who.caller.actor, OrgAction::Manage, &org)?;
    // One after the other: two invites of the same address at once would both find none that waits.
    organizations::lock(&mut tx, org_id).await?;
    if !effective_role(&who.caller.actor, org.role).is_some_and(|own| own.covers(role)) {
        return Err(Refusal::Forbidden.into());
    }
    if store::is_member(&mut tx, org_id, email).await? {
        return Err(OrgError::AlreadyMember.into());
    }
    if store::count(&mut tx, org_id, now).await? >= MAX_PENDING {
        return Err(InviteError::TooMany);
    }
    let secret = Secret::random(SecretKind::OrgInvite);
    let new = NewInvite {
        org_id,
        email,
        role,
        token_hash: &secret.hash(),
        invited_by: who.user.id,
        expires_at: now.plus(LIFE),
    };
    let id = store::insert(&mut tx, new, now).await?;
    let invite = store::find(&mut tx, id, now).await?.ok_or(InviteError::NotFound)?;
    let diff = json!({ "email": email, "role": role });
    audit_in(&mut tx, &who.caller, Some(org_id), "invite.created", ("invite", id), diff, now).await?;
    tell(app, &mut tx, &invite, &secret, now).await?;
    tx.commit(now).await?;
    Ok((invite, secret))
}

/// Mails the link, where mail is on, and notifies whoever owns the address.
async fn tell(app: &App, tx: &mut Tx, invite: &OrgInvite, secret: &Secret, now: Micros) -> Result<(), StoreError> {
    if let Some(url) = mail::link(app, &path_of(secret)).filter(|_| app.mailer.is_some()) {
        let mail = Mail {
            to: invite.email.clone(),
            subject: format!("{} invites you to {}", invite.invited_by_name, invite.org_name),
            paragraphs: vec![
                format!("{} invites you to join {} on Plenum.", invite.invited_by_name, invite.org_name),
                "The invitation can be answered for 14 days.".to_owned(),
            ],
            button: Some(Button { label: "See the invitation".to_owned(), url }),
            calendar: None,
            unsubscribe: None,
            dedupe_key: Some(format!("organization_invite:{}", invite.id)),
        };
        mail::enqueue(tx, mail, now).await?;
    }
    if let Some(user_id) = store::find_verified(tx, &invite.email).await? {
        let payload = json!({ "org_id": invite.org_id, "invite_id": invite.id, "title": invite.org_name,
            "actor_id": invite.invited_by, "actor_name": invite.invited_by_name,
            "link": web_pages::organization_invite(&invite.id.to_string()) });
        let key = format!("organization.invited:{}", invite.id);
        notify(tx, &[user_id], NotificationKind::OrganizationInvited, payload, &key, now).await?;
    }
    Ok(())
}

/// Where the web app shows an invite.
pub(crate) fn path_of(secret: &Secret) -> String {
    web_pages::organization_invite(&secret.text())
}

/// Lists what waits for an answer in an organization, for its admins.
///
/// # Errors
/// See [`InviteError`].
pub(crate) async fn list(
    app: &App,
    org: &Organization,
    before: Uuid,
    limit: i64,
) -> Result<Vec<OrgInvite>, StoreError> {
    store::list(&app.db, org.id, app.clock.now(), before, limit).await
}

/// Lists what waits for an answer from the caller; nothing before they proved to own their address.
///
/// # Errors
/// As any statement.
pub(crate) async fn mine(app: &App, who: &SignedIn, before: Uuid, limit: i64) -> Result<Vec<OrgInvite>, StoreError> {
    if who.user.email_verified_at.is_none() {
        return Ok(Vec::new());
    }
    store::list_of(&app.db, &who.user.email, app.clock.now(), before, limit).await
}

/// Takes an invite back.
///
/// # Errors
/// See [`InviteError`].
pub(crate) async fn revoke(app: &App, who: &SignedIn, org_id: Uuid, id: Uuid) -> Result<(), InviteError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let org = organizations::find(&mut tx, &OrgName::Id(org_id), who.user.id).await?.ok_or(Refusal::NotFound)?;
    authorize_organization(&who.caller.actor, OrgAction::Manage, &org)?;
    let invite = store::find(&mut tx, id, now).await?.filter(|invite| invite.org_id == org_id);
    let invite = invite.ok_or(InviteError::NotFound)?;
    if !store::settle(&mut tx, id, "revoked", now).await? {
        return Err(InviteError::NotFound);
    }
    let diff = json!({ "email": invite.email });
    audit_in(&mut tx, &who.caller, Some(org_id), "invite.revoked", ("invite", id), diff, now).await?;
    tx.commit(now).await?;
    Ok(())
}

/// Finds what a token invites to.
///
/// # Errors
/// See [`InviteError`].
pub(crate) async fn find(app: &App, secret: &Secret) -> Result<OrgInvite, InviteError> {
    store::find_by_token(&app.db, &secret.hash(), app.clock.now()).await?.ok_or(InviteError::NotFound)
}

/// Finds an invite that the caller may answer.
async fn answerable(tx: &mut Tx, caller: &Caller, name: &InviteName, now: Micros) -> Result<OrgInvite, InviteError> {
    let found = match name {
        InviteName::Token(secret) => store::find_by_token(tx, &secret.hash(), now).await?,
        InviteName::Id(id) => {
            let user = caller.actor.user().ok_or(Refusal::SignInRequired)?;
            let owns = |invite: &OrgInvite| user.email_verified_at.is_some() && user.email == invite.email;
            store::find(tx, *id, now).await?.filter(owns)
        }
    };
    found.ok_or(InviteError::NotFound)
}

/// Refuses an invite whose inviter could not make it any more, and one that is not for the caller's address. That the
/// address is proved is not asked of who has the token: it was sent there, and people make their account to accept it.
async fn check_acceptable(tx: &mut Tx, who: &SignedIn, invite: &OrgInvite) -> Result<(), InviteError> {
    if invite.invited_by == who.user.id || invite.email != who.user.email {
        return Err(InviteError::NotFound);
    }
    let inviter = store::find_inviter(tx, invite.org_id, invite.invited_by).await?;
    let role = inviter.and_then(|(platform_role, role)| effective_role_of(platform_role, role));
    if !role.is_some_and(|role| role.covers(OrgRole::Admin) && role.covers(invite.role)) {
        return Err(InviteError::NotFound);
    }
    Ok(())
}

/// Makes the caller a member. Who is one already keeps the role they have: it was given after the invite.
///
/// # Errors
/// See [`InviteError`].
pub(crate) async fn accept(app: &App, who: &SignedIn, name: &InviteName) -> Result<Organization, InviteError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let invite = answerable(&mut tx, &who.caller, name, now).await?;
    if !users::lock_active(&mut tx, who.user.id).await? {
        return Err(Refusal::SignInRequired.into());
    }
    organizations::lock(&mut tx, invite.org_id).await?;
    check_acceptable(&mut tx, who, &invite).await?;
    if !store::settle(&mut tx, invite.id, "accepted", now).await? {
        return Err(InviteError::NotFound);
    }
    let (org_id, user_id) = (invite.org_id, who.user.id);
    if organizations::find_role(&mut tx, org_id, user_id).await?.is_none() {
        if organizations::count_members(&mut tx, org_id).await? >= MAX_MEMBERS {
            return Err(OrgError::TooManyMembers.into());
        }
        organizations::insert_member(&mut tx, org_id, user_id, invite.role, true, now).await?;
        note_joined(&mut tx, who, org_id, user_id, invite.role, now).await?;
    } else {
        organizations::show_email(&mut tx, org_id, user_id).await?;
    }
    let org = organizations::find(&mut tx, &OrgName::Id(org_id), user_id).await?.ok_or(InviteError::NotFound)?;
    tx.commit(now).await?;
    Ok(org)
}

/// Turns an invite down.
///
/// # Errors
/// See [`InviteError`].
pub(crate) async fn decline(app: &App, caller: &Caller, name: &InviteName) -> Result<(), InviteError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let invite = answerable(&mut tx, caller, name, now).await?;
    if !store::settle(&mut tx, invite.id, "declined", now).await? {
        return Err(InviteError::NotFound);
    }
    let target = ("invite", invite.id);
    audit_in(&mut tx, caller, Some(invite.org_id), "invite.declined", target, json!({}), now).await?;
    tx.commit(now).await?;
    Ok(())
}
