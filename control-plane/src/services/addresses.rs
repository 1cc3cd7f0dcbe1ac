//! Proof that an address is somebody's: by verification, sign-in by code, reset, or a provider that vouches for it.
//!
//! In: an address and a code, or somebody's word. Out: a verified account. Whoever registers somebody else's address
//! must not keep a way into the account once its owner turns up.

use serde_json::json;

use super::mail::{self, MailNotConfigured};
use super::passwords::PasswordError;
use super::sessions::{self, TokenPair};
use super::{audit, codes};
use crate::app::App;
use crate::http::extract::{Caller, SignedIn};
use crate::model::clock::Micros;
use crate::model::user::{CodePurpose, SessionTransport, User, UserStatus};
use crate::store::db::StoreError;
use crate::store::tx::Tx;
use crate::store::{identities, users};

/// Why a code opens nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodeError {
    #[error("wrong, used or expired")]
    Invalid,
    #[error("the account is suspended")]
    Suspended,
    #[error(transparent)]
    Mail(#[from] MailNotConfigured),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sends a code to whoever has this address, if there is an account; the caller cannot tell.
///
/// # Errors
/// Mail is off, or the database refused.
pub(crate) async fn request_code(app: &App, email: &str, purpose: CodePurpose) -> Result<(), CodeError> {
    mail::require(app)?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    codes::issue(app, &mut tx, email, purpose, now).await?;
    Ok(tx.commit(now).await?)
}

/// Lets somebody in by a code.
///
/// # Errors
/// See [`CodeError`].
pub(crate) async fn sign_in(
    app: &App,
    caller: &Caller,
    email: &str,
    code: &str,
    transport: SessionTransport,
) -> Result<(User, TokenPair), CodeError> {
    mail::require(app)?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let Some(user) = redeem(app, &mut tx, email, CodePurpose::Login, code, now).await? else {
        tx.commit(now).await?;
        return Err(CodeError::Invalid);
    };
    // Under the lock under which passwords and the status change.
    if !users::lock_active(&mut tx, user.id).await? {
        tx.commit(now).await?;
        return Err(CodeError::Suspended);
    }
    let user = claim(&mut tx, caller, user, now).await?;
    let tokens = sessions::begin(app, &mut tx, user.id, transport, &caller.facts, now).await?;
    audit(&mut tx, caller, "session.begun", ("user", user.id), json!({ "by": "code" }), now).await?;
    tx.commit(now).await?;
    Ok((user, tokens))
}

/// Sets a new password by a code and ends every session: whoever is inside may be why it is needed.
///
/// # Errors
/// See [`CodeError`].
pub(crate) async fn reset_password(
    app: &App,
    caller: &Caller,
    email: &str,
    code: &str,
    new_password: String,
) -> Result<(), CodeError> {
    mail::require(app)?;
    // Before the code is looked at, so that a wrong one takes as long as a right one.
    let phc = app.passwords.hash(new_password).await?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let user = redeem(app, &mut tx, email, CodePurpose::Reset, code, now).await?;
    let Some(user) = user.filter(|user| user.status == UserStatus::Active) else {
        tx.commit(now).await?;
        return Err(CodeError::Invalid);
    };
    // Who signs in with the old password meanwhile is either refused or among those whose sessions end here.
    users::lock(&mut tx, user.id).await?;
    let user = claim(&mut tx, caller, user, now).await?;
    users::set_password(&mut tx, user.id, &phc, now).await?;
    sessions::revoke_all(&mut tx, user.id, None, now).await?;
    audit(&mut tx, caller, "user.password_reset", ("user", user.id), json!({}), now).await?;
    Ok(tx.commit(now).await?)
}

/// Sends a code to the address of a signed-in person; `false` when it is verified already.
///
/// # Errors
/// See [`CodeError`].
pub(crate) async fn request_verification(app: &App, who: &SignedIn) -> Result<bool, CodeError> {
    if who.user.email_verified_at.is_some() {
        return Ok(false);
    }
    request_code(app, &who.user.email, CodePurpose::VerifyEmail).await.map(|()| true)
}

/// Verifies the address of a signed-in person.
///
/// # Errors
/// See [`CodeError`].
pub(crate) async fn confirm(app: &App, who: &SignedIn, code: &str) -> Result<User, CodeError> {
    mail::require(app)?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    let email = &who.user.email;
    let user = redeem(app, &mut tx, email, CodePurpose::VerifyEmail, code, now).await?;
    let Some(user) = user.filter(|user| user.id == who.user.id) else {
        tx.commit(now).await?;
        return Err(CodeError::Invalid);
    };
    let user = verify(&mut tx, &who.caller, user, now).await?;
    tx.commit(now).await?;
    Ok(user)
}

/// Whose address it is, if the code is right. The try counts when `tx` commits.
async fn redeem(
    app: &App,
    tx: &mut Tx,
    email: &str,
    purpose: CodePurpose,
    code: &str,
    now: Micros,
) -> Result<Option<User>, StoreError> {
    if codes::redeem(app, tx, email, purpose, code, now).await? {
        users::find_by_email(tx, email).await
    } else {
        Ok(None)
    }
}

/// Hands an account to whoever proved to own its address without a session of it.
///
/// If the address was not verified, whoever made the account never proved to own it: what they left behind to get in,
/// password, providers and sessions, is deleted first.
pub(super) async fn claim(tx: &mut Tx, caller: &Caller, user: User, now: Micros) -> Result<User, StoreError> {
    if user.email_verified_at.is_some() {
        return Ok(user);
    }
    users::delete_password(tx, user.id).await?;
    identities::delete_of(tx, user.id).await?;
    sessions::revoke_all(tx, user.id, None, now).await?;
    verify(tx, caller, user, now).await
}

/// Notes that the address is proved, and what hangs on that.
async fn verify(tx: &mut Tx, caller: &Caller, user: User, now: Micros) -> Result<User, StoreError> {
    let Some(user) = users::set_verified(tx, user.id, now).await? else { return Ok(user) };
    super::meetings::invites::adopt(tx, user.id, &user.email).await?;
    tx.event(format!("notifications:{}", user.id), "user.updated", &user);
    audit(tx, caller, "user.email_verified", ("user", user.id), json!({}), now).await?;
    Ok(user)
}
