//! Accounts: made by registering, entered with a password, changed by their owner.

use serde_json::json;

use super::passwords::PasswordError;
use super::sessions::{self, TokenPair};
use super::{audit, codes};
use crate::app::App;
use crate::config::Registration;
use crate::http::extract::Caller;
use crate::http::validate::fold_email;
use crate::model::clock::Micros;
use crate::model::room::AccessLevel;
use crate::model::secret::Secret;
use crate::model::user::{CodePurpose, PlatformRole, SessionTransport, User, UserStatus};
use crate::store::db::StoreError;
use crate::store::tx::Tx;
use crate::store::users::{self, NewUser};

/// Language and zone of somebody who said neither.
pub(super) const DEFAULT_LOCALE: &str = "en";
pub(super) const DEFAULT_TIMEZONE: &str = "UTC";

/// What somebody fills in to get an account.
#[derive(Debug)]
pub(crate) struct Registered {
    /// Folded.
    pub email: String,
    /// Folded.
    pub username: Option<String>,
    pub password: String,
    pub display_name: String,
    pub locale: Option<String>,
    pub timezone: Option<String>,
    /// Of an invitation into an organization, where registration is by invitation.
    pub invite_token: Option<String>,
}

impl Registered {
    /// What every form asks for, in the form it is stored in.
    pub(crate) fn new(email: &str, password: String, display_name: &str) -> Self {
        Self {
            email: fold_email(email),
            username: None,
            password,
            display_name: display_name.trim().to_owned(),
            locale: None,
            timezone: None,
            invite_token: None,
        }
    }
}

/// Why there are no new accounts by registering.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Closed {
    #[error("registration is closed")]
    ToAll,
    #[error("registration is by invitation")]
    InviteOnly,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Refuses a new account the settings do not allow.
///
/// Who brings the token of an invitation of their address into an organization, or a verified address that was invited, is
/// invited, while whoever invited still may.
pub(super) async fn require_open(
    app: &App,
    tx: &mut Tx,
    email: &str,
    verified: bool,
    invite_token: Option<&str>,
    now: Micros,
) -> Result<(), Closed> {
    match app.live().registration {
        Registration::Open => Ok(()),
        Registration::Closed => Err(Closed::ToAll),
        Registration::Invite => {
            let hash = invite_token.and_then(Secret::hash_of).unwrap_or_default();
            if users::is_invited(tx, &hash, email, verified, now).await? { Ok(()) } else { Err(Closed::InviteOnly) }
        }
    }
}

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegisterError {
    #[error(transparent)]
    Closed(#[from] Closed),
    #[error("the address is taken")]
    Taken,
    #[error("the user name is taken")]
    UsernameTaken,
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for RegisterError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Duplicate => Self::Taken,
            other => Self::Store(other),
        }
    }
}

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    #[error("wrong address or password")]
    Refused,
    #[error("the account is suspended")]
    Suspended,
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What somebody changes of their profile; `None` leaves it.
#[derive(Debug, Default)]
pub(crate) struct ProfileChange {
    pub display_name: Option<String>,
    /// `Some(None)` gives it up.
    pub username: Option<Option<String>>,
    pub locale: Option<String>,
    pub timezone: Option<String>,
    pub default_room_access: Option<AccessLevel>,
}

/// Makes an account and its first session.
///
/// # Errors
/// See [`RegisterError`].
pub(crate) async fn register(
    app: &App,
    caller: &Caller,
    form: Registered,
    transport: SessionTransport,
) -> Result<(User, TokenPair), RegisterError> {
    // Before the hash, which is work: closed is closed.
    if app.live().registration == Registration::Closed {
        return Err(Closed::ToAll.into());
    }
    let phc = app.passwords.hash(form.password.clone()).await?;
    let now = app.clock.now();
    let mut tx = app.begin().await.map_err(RegisterError::Store)?;
    require_open(app, &mut tx, &form.email, false, form.invite_token.as_deref(), now).await?;
    let user = match insert(&mut tx, &form, PlatformRole::User, &phc, now).await {
        Err(StoreError::Duplicate) => {
            drop(tx);
            return Err(which_is_taken(app, &form.email).await?);
        }
        other => other.map_err(RegisterError::Store)?,
    };
    if app.mailer.is_some() {
        codes::issue(app, &mut tx, &user.email, CodePurpose::VerifyEmail, now).await?;
    }
    let tokens = sessions::begin(app, &mut tx, user.id, transport, &caller.facts, now).await?;
    audit(&mut tx, caller, "user.registered", ("user", user.id), json!({}), now).await?;
    tx.commit(now).await?;
    Ok((user, tokens))
}

/// Which unique value an account lacked.
async fn which_is_taken(app: &App, email: &str) -> Result<RegisterError, StoreError> {
    let found = users::find_by_email(&app.db, email).await?;
    Ok(if found.is_some() { RegisterError::Taken } else { RegisterError::UsernameTaken })
}

/// Inserts an account with its password.
pub(super) async fn insert(
    tx: &mut Tx,
    form: &Registered,
    platform_role: PlatformRole,
    phc: &str,
    now: Micros,
) -> Result<User, StoreError> {
    let new = NewUser {
        email: &form.email,
        username: form.username.as_deref(),
        display_name: &form.display_name,
        locale: form.locale.as_deref().unwrap_or(DEFAULT_LOCALE),
        timezone: form.timezone.as_deref().unwrap_or(DEFAULT_TIMEZONE),
        platform_role,
        email_verified_at: None,
    };
    let user = users::insert(tx, new, now).await?;
    users::set_password(tx, user.id, phc, now).await?;
    Ok(user)
}

/// Lets somebody in by address or user name and password.
///
/// An unknown account and a wrong password look the same and take the same time; that an account is suspended is told
/// only to who knows its password.
///
/// # Errors
/// See [`LoginError`].
pub(crate) async fn login(
    app: &App,
    caller: &Caller,
    identifier: &str,
    password: String,
    transport: SessionTransport,
) -> Result<(User, TokenPair), LoginError> {
    let found = users::find_with_password(&app.db, identifier).await?;
    let phc = found.as_ref().map(|found| found.phc.clone());
    if !app.passwords.verify(password, phc.clone()).await? {
        return Err(LoginError::Refused);
    }
    let user = found.map(|found| found.user).ok_or(LoginError::Refused)?;
    if user.status != UserStatus::Active {
        return Err(LoginError::Suspended);
    }
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    // A password takes its time to be checked: a reset, a change or a suspension may have come in between, and ends what
    // the old one opens.
    if !users::lock_active(&mut tx, user.id).await? {
        return Err(LoginError::Suspended);
    }
    if users::find_password(&mut tx, user.id).await? != phc {
        return Err(LoginError::Refused);
    }
    let tokens = sessions::begin(app, &mut tx, user.id, transport, &caller.facts, now).await?;
    audit(&mut tx, caller, "session.begun", ("user", user.id), json!({}), now).await?;
    tx.commit(now).await?;
    Ok((user, tokens))
}

/// Changes the profile of `user`; `None` when the account is gone meanwhile.
pub(crate) async fn update_profile(
    app: &App,
    caller: &Caller,
    mut user: User,
    change: ProfileChange,
) -> Result<Option<User>, StoreError> {
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    if caller.facts.if_match.is_given() {
        users::lock(&mut tx, user.id).await?;
        let Some(found) = users::find(&mut tx, user.id).await? else { return Ok(None) };
        caller.facts.if_match.check(found.updated_at)?;
        user = found;
    }
    let mut changed = Vec::new();
    if let Some(display_name) = change.display_name {
        user.display_name = display_name;
        changed.push("display_name");
    }
    if let Some(username) = change.username {
        user.username = username;
        changed.push("username");
    }
    if let Some(locale) = change.locale {
        user.locale = locale;
        changed.push("locale");
    }
    if let Some(timezone) = change.timezone {
        user.timezone = timezone;
        changed.push("timezone");
    }
    if let Some(access) = change.default_room_access {
        user.default_room_access = access;
        changed.push("default_room_access");
    }
    let Some(user) = users::update_profile(&mut tx, &user, now).await? else {
        return Ok(None);
    };
    tx.event(format!("notifications:{}", user.id), "user.updated", &user);
    audit(&mut tx, caller, "user.updated", ("user", user.id), json!({ "changed": changed }), now).await?;
    tx.commit(now).await?;
    Ok(Some(user))
}
