//! Changing the password of an account one is signed in to.

use serde_json::json;

use super::passwords::PasswordError;
use super::{audit, sessions};
use crate::app::App;
use crate::http::extract::SignedIn;
use crate::store::db::StoreError;
use crate::store::users;

/// Why a password stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangePasswordError {
    #[error("the account has a password, and it was not given")]
    CurrentRequired,
    #[error("the current password is another")]
    Wrong,
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Store(#[from] StoreError),
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
    if let Some(phc) = users::find_password(&app.db, who.user.id).await? {
        let current = current.ok_or(ChangePasswordError::CurrentRequired)?;
        if !app.passwords.verify(current, Some(phc)).await? {
            return Err(ChangePasswordError::Wrong);
        }
    }
    let phc = app.passwords.hash(new).await?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    users::set_password(&mut tx, who.user.id, &phc, now).await?;
    sessions::revoke_all(&mut tx, who.user.id, Some(who.session.id), now).await?;
    audit(&mut tx, &who.caller, "user.password_changed", ("user", who.user.id), json!({}), now).await?;
    Ok(tx.commit(now).await?)
}
