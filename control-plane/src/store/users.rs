//! SQL of accounts and passwords.

use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::room::AccessLevel;
use crate::model::user::{PlatformRole, User};

statements! {
    INSERT_USER = "INSERT INTO users \
        (id, email, username, display_name, locale, timezone, platform_role, status, default_room_access, \
        email_verified_at, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'active', 'trusted', $8, $9, $9) \
        RETURNING id, email, username, display_name, locale, timezone, platform_role, status, default_room_access, \
        email_verified_at, created_at, updated_at";
    UPDATE_USER = "UPDATE users SET display_name = $2, locale = $3, timezone = $4, default_room_access = $5, \
        username = $6, updated_at = $7 WHERE id = $1 AND deleted_at IS NULL \
        RETURNING id, email, username, display_name, locale, timezone, platform_role, status, default_room_access, \
        email_verified_at, created_at, updated_at";
    FIND_USER_WITH_PASSWORD = "SELECT u.id, u.email, u.username, u.display_name, u.locale, u.timezone, \
        u.platform_role, u.status, u.default_room_access, u.email_verified_at, u.created_at, u.updated_at, p.phc \
        FROM users u JOIN user_passwords p ON p.user_id = u.id \
        WHERE (u.email = $1 OR u.username = $1) AND u.deleted_at IS NULL ORDER BY u.email = $1 DESC LIMIT 1";
    FIND_USER_BY_EMAIL = "SELECT id, email, username, display_name, locale, timezone, platform_role, status, \
        default_room_access, email_verified_at, created_at, updated_at \
        FROM users WHERE email = $1 AND deleted_at IS NULL";
    FIND_USER_BY_ID = "SELECT id, email, username, display_name, locale, timezone, platform_role, status, \
        default_room_access, email_verified_at, created_at, updated_at \
        FROM users WHERE id = $1 AND deleted_at IS NULL";
    SET_VERIFIED = "UPDATE users SET email_verified_at = $2, updated_at = $2 \
        WHERE id = $1 AND email_verified_at IS NULL AND deleted_at IS NULL \
        RETURNING id, email, username, display_name, locale, timezone, platform_role, status, default_room_access, \
        email_verified_at, created_at, updated_at";
    FIND_PASSWORD = "SELECT phc FROM user_passwords WHERE user_id = $1";
    DELETE_PASSWORD = "DELETE FROM user_passwords WHERE user_id = $1";
    UPSERT_PASSWORD = "INSERT INTO user_passwords (user_id, phc, changed_at) VALUES ($1, $2, $3) \
        ON CONFLICT (user_id) DO UPDATE SET phc = excluded.phc, changed_at = excluded.changed_at";
    COUNT_ADMINS = "SELECT COUNT(*) FROM users \
        WHERE platform_role = 'admin' AND status = 'active' AND deleted_at IS NULL";
}

/// A new account; the address must be lower-cased.
#[derive(Debug)]
pub(crate) struct NewUser<'a> {
    pub email: &'a str,
    pub username: Option<&'a str>,
    pub display_name: &'a str,
    pub locale: &'a str,
    pub timezone: &'a str,
    pub platform_role: PlatformRole,
    pub email_verified_at: Option<Micros>,
}

/// An account with its password's hash.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct UserWithPassword {
    #[sqlx(flatten)]
    pub user: User,
    pub phc: String,
}

/// Inserts an account. [`StoreError::Duplicate`] when the address or the user name is taken.
pub(crate) async fn insert(tx: &mut Tx, new: NewUser<'_>, now: Micros) -> Result<User, StoreError> {
    run!(
        tx,
        fetch_one as User,
        INSERT_USER,
        Uuid::now_v7(),
        new.email,
        new.username,
        new.display_name,
        new.locale,
        new.timezone,
        new.platform_role,
        new.email_verified_at,
        now
    )
}

/// Updates the profile of `user` to what it holds; `None` when the account is gone. [`StoreError::Duplicate`] when the
/// user name is taken.
pub(crate) async fn update_profile(tx: &mut Tx, user: &User, now: Micros) -> Result<Option<User>, StoreError> {
    let access: AccessLevel = user.default_room_access;
    run!(
        tx,
        fetch_optional as User,
        UPDATE_USER,
        user.id,
        &user.display_name,
        &user.locale,
        &user.timezone,
        access,
        user.username.as_deref(),
        now
    )
}

/// Finds who signs in as `identifier`: an address (lower-cased), else a user name.
pub(crate) async fn find_with_password(db: &Db, identifier: &str) -> Result<Option<UserWithPassword>, StoreError> {
    run!(db, fetch_optional as UserWithPassword, FIND_USER_WITH_PASSWORD, identifier)
}

pub(crate) async fn set_password(tx: &mut Tx, user_id: Uuid, phc: &str, now: Micros) -> Result<(), StoreError> {
    run!(tx, execute, UPSERT_PASSWORD, user_id, phc, now)?;
    Ok(())
}

/// Platform admins who can act.
pub(crate) async fn count_admins(on: impl Into<On<'_>>) -> Result<i64, StoreError> {
    let (count,) = run!(on, fetch_one as (i64,), COUNT_ADMINS)?;
    Ok(count)
}

/// Finds the account of an address (lower-cased), suspended or not.
pub(crate) async fn find_by_email(on: impl Into<On<'_>>, email: &str) -> Result<Option<User>, StoreError> {
    run!(on, fetch_optional as User, FIND_USER_BY_EMAIL, email)
}

/// Finds an account, suspended or not.
pub(crate) async fn find(on: impl Into<On<'_>>, id: Uuid) -> Result<Option<User>, StoreError> {
    run!(on, fetch_optional as User, FIND_USER_BY_ID, id)
}

/// Notes that the address is proved; `None` when it was, or the account is gone.
pub(crate) async fn set_verified(tx: &mut Tx, id: Uuid, now: Micros) -> Result<Option<User>, StoreError> {
    run!(tx, fetch_optional as User, SET_VERIFIED, id, now)
}

/// The hash of an account's password, if it has one.
pub(crate) async fn find_password(db: &Db, user_id: Uuid) -> Result<Option<String>, StoreError> {
    let found = run!(db, fetch_optional as (String,), FIND_PASSWORD, user_id)?;
    Ok(found.map(|(phc,)| phc))
}

/// Leaves an account without a password.
pub(crate) async fn delete_password(tx: &mut Tx, user_id: Uuid) -> Result<(), StoreError> {
    run!(tx, execute, DELETE_PASSWORD, user_id)?;
    Ok(())
}
