//! Passwords of accounts one is signed in to: proved before what a stolen token must not do alone, and changed.

use serde_json::json;
use uuid::Uuid;

use super::passwords::PasswordError;
use super::{audit, sessions};
use crate::app::App;
use crate::http::extract::SignedIn;
use crate::store::db::StoreError;
use crate::store::tx::Tx;
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

/// What somebody proved an account with: its password as stored, or that it has none.
pub(super) struct Proof {
    user_id: Uuid,
    phc: Option<String>,
}

/// Has somebody prove that the account is theirs: by its password, if it has one.
///
/// # Errors
/// See [`ProofError`].
pub(super) async fn prove(app: &App, user_id: Uuid, current: Option<String>) -> Result<Proof, ProofError> {
    let phc = users::find_password(&app.db, user_id).await?;
    if phc.is_some() {
        let current = current.ok_or(ProofError::CurrentRequired)?;
        if !app.passwords.verify(current, phc.clone()).await? {
            return Err(ProofError::Wrong);
        }
    }
    Ok(Proof { user_id, phc })
}

impl Proof {
    /// Locks the account and checks that nobody gave it another password meanwhile: checking one takes its time.
    ///
    /// # Errors
    /// [`ProofError::Wrong`] when somebody did, or as any statement.
    pub(super) async fn hold(&self, tx: &mut Tx) -> Result<(), ProofError> {
        users::lock(tx, self.user_id).await?;
        if users::find_password(tx, self.user_id).await? == self.phc { Ok(()) } else { Err(ProofError::Wrong) }
    }
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
    let proof = prove(app, who.user.id, current).await?;
    let phc = app.passwords.hash(new).await?;
    let now = app.clock.now();
    let mut tx = app.begin().await?;
    proof.hold(&mut tx).await?;
    users::set_password(&mut tx, who.user.id, &phc, now).await?;
    sessions::revoke_all(&mut tx, who.user.id, Some(who.session.id), now).await?;
    audit(&mut tx, &who.caller, "user.password_changed", ("user", who.user.id), json!({}), now).await?;
    Ok(tx.commit(now).await?)
}
