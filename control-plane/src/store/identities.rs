//! SQL of the providers people sign in with.

use uuid::Uuid;

use super::db::{On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::user::{Provider, User};

statements! {
    FIND_USER_BY_IDENTITY = "SELECT u.id, u.email, u.username, u.display_name, u.locale, u.timezone, \
        u.platform_role, u.status, u.default_room_access, u.avatar_file_id, \
        u.email_verified_at, u.created_at, u.updated_at \
        FROM user_identities i JOIN users u ON u.id = i.user_id \
        WHERE i.provider = $1 AND i.subject = $2 AND u.deleted_at IS NULL";
    INSERT_IDENTITY = "INSERT INTO user_identities (provider, subject, user_id, email_at_link, created_at) \
        VALUES ($1, $2, $3, $4, $5)";
    LIST_IDENTITIES_OF = "SELECT provider, email_at_link, created_at FROM user_identities WHERE user_id = $1 \
        ORDER BY created_at, provider LIMIT 100";
    // Whoever holds the row of an account changes alone how it is got into.
    LOCK_ACCOUNT = "UPDATE users SET updated_at = updated_at WHERE id = $1 AND deleted_at IS NULL";
    COUNT_PASSWORDS = "SELECT COUNT(*) FROM user_passwords WHERE user_id = $1";
    DELETE_IDENTITIES_AT = "DELETE FROM user_identities WHERE user_id = $1 AND provider = $2";
    DELETE_IDENTITIES_OF = "DELETE FROM user_identities WHERE user_id = $1";
}

/// A provider that opens an account.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Identity {
    pub provider: Provider,
    /// The address the provider told then; may be empty.
    pub email_at_link: String,
    pub created_at: Micros,
}

/// The providers that open an account, the oldest first.
pub(crate) async fn list(on: impl Into<On<'_>>, user_id: Uuid) -> Result<Vec<Identity>, StoreError> {
    run!(on, fetch_all as Identity, LIST_IDENTITIES_OF, user_id)
}

/// Holds an account until the end of the transaction; `false` when it is gone.
pub(crate) async fn lock_account(tx: &mut Tx, user_id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, LOCK_ACCOUNT, user_id)? == 1)
}

/// Whether an account has a password.
pub(crate) async fn has_password(on: impl Into<On<'_>>, user_id: Uuid) -> Result<bool, StoreError> {
    let (count,) = run!(on, fetch_one as (i64,), COUNT_PASSWORDS, user_id)?;
    Ok(count > 0)
}

/// Unbinds one provider from an account; whether it was bound.
pub(crate) async fn delete_at(tx: &mut Tx, user_id: Uuid, provider: Provider) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, DELETE_IDENTITIES_AT, user_id, provider)? > 0)
}

/// Finds whose account a provider's subject opens.
pub(crate) async fn find_user(
    on: impl Into<On<'_>>,
    provider: Provider,
    subject: &str,
) -> Result<Option<User>, StoreError> {
    run!(on, fetch_optional as User, FIND_USER_BY_IDENTITY, provider, subject)
}

/// Binds a provider's subject to an account. [`StoreError::Duplicate`] when it opens one already.
pub(crate) async fn insert(
    tx: &mut Tx,
    provider: Provider,
    subject: &str,
    user_id: Uuid,
    email: &str,
    now: Micros,
) -> Result<(), StoreError> {
    run!(tx, execute, INSERT_IDENTITY, provider, subject, user_id, email, now)?;
    Ok(())
}

/// Unbinds every provider from an account.
pub(crate) async fn delete_of(tx: &mut Tx, user_id: Uuid) -> Result<(), StoreError> {
    run!(tx, execute, DELETE_IDENTITIES_OF, user_id)?;
    Ok(())
}
