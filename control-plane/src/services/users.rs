//! Accounts as platform admins administer them, and their end.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::accounts::{DEFAULT_LOCALE, DEFAULT_TIMEZONE};
use super::authorize::{Refusal, Sight, authorize_sight, authorize_users};
use super::credentials::{self, Proof, ProofError};
use super::passwords::PasswordError;
use super::{audit, erasure, sessions};
use crate::app::App;
use crate::http::extract::{Caller, SignedIn};
use crate::jobs::NewJob;
use crate::model::clock::Micros;
use crate::model::user::{PlatformRole, User, UserStatus};
use crate::store::db::StoreError;
use crate::store::tx::Tx;
use crate::store::users::{self as store, NewUser, UserFilter};
use crate::store::{organization_invites, organizations};

/// For how long a sign-in counts as a proof that the account is one's own.
const FRESH_FOR: Duration = Duration::from_secs(600);

/// Why an account is not seen or not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    #[error("there is no such account, as far as the caller may know")]
    NotFound,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the address is taken")]
    EmailTaken,
    #[error("the user name is taken")]
    UsernameTaken,
    #[error("somebody has to administer the server")]
    LastAdmin,
    #[error("organizations would be left without an owner")]
    SoleOwner(Vec<String>),
    #[error(transparent)]
    Proof(#[from] ProofError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An account an admin makes.
#[derive(Debug)]
pub(crate) struct NewAccount {
    /// Folded.
    pub email: String,
    pub password: Option<String>,
    pub display_name: String,
    /// Folded.
    pub username: Option<String>,
    pub locale: Option<String>,
    pub timezone: Option<String>,
    pub platform_role: PlatformRole,
    pub email_verified: bool,
}

/// What an admin changes of an account; `None` leaves it.
#[derive(Debug, Default)]
pub(crate) struct UserChange {
    /// Folded.
    pub email: Option<String>,
    pub display_name: Option<String>,
    /// `Some(None)` takes it away.
    pub username: Option<Option<String>>,
    pub locale: Option<String>,
    pub timezone: Option<String>,
    pub platform_role: Option<PlatformRole>,
    pub suspended: Option<bool>,
    pub email_verified: Option<bool>,
}

/// Lists accounts.
///
/// # Errors
/// See [`UserError`].
pub(crate) async fn list(app: &App, who: &SignedIn, filter: UserFilter<'_>) -> Result<Vec<User>, UserError> {
    authorize_users(&who.caller.actor)?;
    Ok(store::list(&app.db, filter).await?)
}

/// Finds an account, and how much of it the caller sees.
///
/// # Errors
/// See [`UserError`].
pub(crate) async fn find(app: &App, who: &SignedIn, id: Uuid) -> Result<(User, Sight), UserError> {
    let user = store::find(&app.db, id).await?.ok_or(UserError::NotFound)?;
    let needs_share = who.user.id != id && who.user.platform_role != PlatformRole::Admin;
    let share = needs_share && store::share_organization(&app.db, who.user.id, id).await?;
    let sight = authorize_sight(&who.caller.actor, id, share)?;
    Ok((user, sight))
}

/// Makes an account. Without a password its owner gets in by a code.
///
/// # Errors
/// See [`UserError`].
pub(crate) async fn create(app: &App, who: &SignedIn, new: NewAccount) -> Result<User, UserError> {
    authorize_users(&who.caller.actor)?;
    let phc = match new.password {
        Some(password) => Some(app.passwords.hash(password).await?),
        None => None,
    };
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let row = NewUser {
        email: &new.email,
        username: new.username.as_deref(),
        display_name: &new.display_name,
        locale: new.locale.as_deref().unwrap_or(DEFAULT_LOCALE),
        timezone: new.timezone.as_deref().unwrap_or(DEFAULT_TIMEZONE),
        platform_role: new.platform_role,
        email_verified_at: new.email_verified.then_some(now),
    };
    let user = match store::insert(&mut tx, row, now).await {
        Err(StoreError::Duplicate) => {
            drop(tx);
            return Err(which_is_taken(app, &new.email, None).await?);
        }
        other => other?,
    };
    if let Some(phc) = phc {
        store::set_password(&mut tx, user.id, &phc, now).await?;
    }
    if new.email_verified {
        super::meetings::invites::adopt(&mut tx, user.id, &user.email).await?;
    }
    let diff = json!({ "platform_role": user.platform_role });
    audit(&mut tx, &who.caller, "user.created", ("user", user.id), diff, now).await?;
    tx.commit(now).await?;
    Ok(user)
}

/// Changes an account. Suspension ends its sessions and takes it out of its calls.
///
/// # Errors
/// See [`UserError`].
pub(crate) async fn update(app: &App, who: &SignedIn, id: Uuid, change: UserChange) -> Result<User, UserError> {
    authorize_users(&who.caller.actor)?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    store::lock_admins(&mut tx).await?;
    let before = store::find(&mut tx, id).await?.ok_or(UserError::NotFound)?;
    who.caller.facts.if_match.check(before.updated_at)?;
    let mut user = before.clone();
    let changed = apply(&mut user, change, now);
    let user = match store::update(&mut tx, &user, now).await {
        Err(StoreError::Duplicate) => {
            drop(tx);
            return Err(which_is_taken(app, &user.email, Some(id)).await?);
        }
        other => other?.ok_or(UserError::NotFound)?,
    };
    keep_an_admin(&mut tx, &before).await?;
    if user.status != UserStatus::Active && before.status == UserStatus::Active {
        sessions::revoke_all(&mut tx, id, None, now).await?;
        erasure::leave_calls(&mut tx, id, now).await?;
    }
    if user.email_verified_at.is_some() && changed.contains(&"email_verified") {
        super::meetings::invites::adopt(&mut tx, id, &user.email).await?;
    }
    tx.event(format!("notifications:{id}"), "user.updated", &user);
    audit(&mut tx, &who.caller, "user.administered", ("user", id), json!({ "changed": changed }), now).await?;
    tx.commit(now).await?;
    Ok(user)
}

/// Writes the change into `user`; the names of the fields that differ now.
fn apply(user: &mut User, change: UserChange, now: Micros) -> Vec<&'static str> {
    let before = user.clone();
    if let Some(email) = change.email {
        // Nobody proved to own the new one.
        user.email_verified_at = user.email_verified_at.filter(|_| email == user.email);
        user.email = email;
    }
    if let Some(verified) = change.email_verified {
        user.email_verified_at = verified.then(|| user.email_verified_at.unwrap_or(now));
    }
    user.display_name = change.display_name.unwrap_or_else(|| user.display_name.clone());
    user.username = change.username.unwrap_or_else(|| user.username.clone());
    user.locale = change.locale.unwrap_or_else(|| user.locale.clone());
    user.timezone = change.timezone.unwrap_or_else(|| user.timezone.clone());
    user.platform_role = change.platform_role.unwrap_or(user.platform_role);
    if let Some(suspended) = change.suspended {
        user.status = if suspended { UserStatus::Suspended } else { UserStatus::Active };
    }
    [
        ("email", user.email != before.email),
        ("email_verified", user.email_verified_at != before.email_verified_at),
        ("display_name", user.display_name != before.display_name),
        ("username", user.username != before.username),
        ("locale", user.locale != before.locale),
        ("timezone", user.timezone != before.timezone),
        ("platform_role", user.platform_role != before.platform_role),
        ("status", user.status != before.status),
    ]
    .into_iter()
    .filter_map(|(field, differs)| differs.then_some(field))
    .collect()
}

/// Deletes an account: nobody gets in from now on, and a job takes it out of history.
///
/// # Errors
/// See [`UserError`].
pub(crate) async fn delete(app: &App, who: &SignedIn, id: Uuid) -> Result<(), UserError> {
    authorize_users(&who.caller.actor)?;
    end(app, &who.caller, id, None).await
}

/// Deletes the caller's own account, once they gave its password, if it has one. Who signed in a moment ago has just done so.
///
/// # Errors
/// See [`UserError`].
pub(crate) async fn delete_self(app: &App, who: &SignedIn, password: Option<String>) -> Result<(), UserError> {
    if password.is_none() && app.clock.now() < who.session.began_at.plus(FRESH_FOR) {
        return end(app, &who.caller, who.user.id, None).await;
    }
    let proof = credentials::prove(app, who.user.id, password).await?;
    end(app, &who.caller, who.user.id, Some(&proof)).await
}

async fn end(app: &App, caller: &Caller, id: Uuid, proof: Option<&Proof>) -> Result<(), UserError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    store::lock_admins(&mut tx).await?;
    let user = store::find(&mut tx, id).await?.ok_or(UserError::NotFound)?;
    caller.facts.if_match.check(user.updated_at)?;
    // Nobody gives this account a role from here on, and under the locks under which members change of two owners who go
    // at the same time one has to stay.
    store::lock(&mut tx, id).await?;
    if let Some(proof) = proof {
        proof.hold(&mut tx).await?;
    }
    organizations::lock_owned(&mut tx, id).await?;
    let left_alone = store::list_organizations_owned_alone(&mut tx, id).await?;
    if !left_alone.is_empty() {
        return Err(UserError::SoleOwner(left_alone));
    }
    if !store::delete(&mut tx, id, now).await? {
        return Err(UserError::NotFound);
    }
    keep_an_admin(&mut tx, &user).await?;
    organizations::delete_memberships(&mut tx, id).await?;
    organization_invites::revoke_made_by(&mut tx, id, now).await?;
    sessions::revoke_all(&mut tx, id, None, now).await?;
    erasure::leave_calls(&mut tx, id, now).await?;
    tx.enqueue(NewJob::erase_account(id), now).await?;
    audit(&mut tx, caller, "user.deleted", ("user", id), json!({}), now).await?;
    Ok(tx.commit(now).await?)
}

/// Refuses to take away the last active admin there is.
async fn keep_an_admin(tx: &mut Tx, before: &User) -> Result<(), UserError> {
    let was_one = before.platform_role == PlatformRole::Admin && before.status == UserStatus::Active;
    if was_one && store::count_admins(tx).await? == 0 {
        return Err(UserError::LastAdmin);
    }
    Ok(())
}

/// Which unique value an account lacked; asked outside the transaction that failed.
async fn which_is_taken(app: &App, email: &str, own: Option<Uuid>) -> Result<UserError, StoreError> {
    let found = store::find_by_email(&app.db, email).await?;
    let other = found.is_some_and(|user| Some(user.id) != own);
    Ok(if other { UserError::EmailTaken } else { UserError::UsernameTaken })
}
