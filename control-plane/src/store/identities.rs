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
    DELETE_IDENTITIES_OF = "DELETE FROM user_identities WHERE user_id = $1";
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
