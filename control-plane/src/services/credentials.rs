//! Passwords of accounts one is signed in to: proved before what a stolen token must not do alone, and changed.

use serde_json::json;
use uuid::Uuid;

use super::passwords::PasswordError;
use super::{audit, sessions};
use crate::app::App;
use crate::http::extract::SignedIn;
use crate::store::db::StoreError;
use crate::store::users;

/// Why somebody who is signed in did not prove that the account is theirs.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProofError {
    #[error("the account has a password, and it was not given")]
    CurrentRequired,
    #[error("the current password is another")]
    Wrong,
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a password stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangePasswordError {
    #[error(transparent)]
    Proof(#[from] ProofError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Has somebody prove that the account is theirs: by its password, if it has one.
///
/// # Errors
/// See [`ProofError`].
pub(super) async fn prove(app: &App, user_id: Uuid, current: Option<String>) -> Result<(), ProofError> {
    let Some(phc) = users::find_password(&app.db, user_id).await? else { return Ok(()) };
    let current = current.ok_or(ProofError::CurrentRequired)?;
    if app.passwords.verify(current, Some(phc)).await? { Ok(()) } else { Err(ProofError::Wrong) }
}

/// Sets a password and ends every other session. Who has one must know it; who signed in without gets a first one.
///
/// # Errors
/// See [`ChangePasswordError`].
pub(crate) async fn change_password(
    app: &App,
    who: &SignedIn,
    current: Option<String>,
    new: String,
) -> Result<(), ChangePasswordError> {
    prove(app, who.user.id, current).await?;
    let phc = app.passwords.hash(new).await?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    users::set_password(&mut tx, who.user.id, &phc, now).await?;
    sessions::revoke_all(&mut tx, who.user.id, Some(who.session.id), now).await?;
    audit(&mut tx, &who.caller, "user.password_changed", ("user", who.user.id), json!({}), now).await?;
    Ok(tx.commit(now).await?)
}
