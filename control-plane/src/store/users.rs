//! SQL of accounts and passwords.

use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::room::AccessLevel;
use crate::model::user::{PlatformRole, User, UserStatus};
use crate::store::rooms::like_pattern;

statements! {
    INSERT_USER = "INSERT INTO users \
        (id, email, username, display_name, locale, timezone, platform_role, status, default_room_access, \
        email_verified_at, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'active', 'trusted', $8, $9, $9) \
        RETURNING id, email, username, display_name, locale, timezone, platform_role, status, \
        default_room_access, avatar_file_id, email_verified_at, created_at, updated_at";
    UPDATE_USER = "UPDATE users SET display_name = $2, locale = $3, timezone = $4, default_room_access = $5, \
        username = $6, updated_at = $7 WHERE id = $1 AND deleted_at IS NULL \
        RETURNING id, email, username, display_name, locale, timezone, platform_role, status, \
        default_room_access, avatar_file_id, email_verified_at, created_at, updated_at";
    FIND_USER_WITH_PASSWORD = "SELECT u.id, u.email, u.username, u.display_name, u.locale, u.timezone, \
        u.platform_role, u.status, u.default_room_access, u.avatar_file_id, \
        u.email_verified_at, u.created_at, u.updated_at, p.phc \
        FROM users u JOIN user_passwords p ON p.user_id = u.id \
        WHERE (u.email = $1 OR u.username = $1) AND u.deleted_at IS NULL ORDER BY u.email = $1 DESC LIMIT 1";
    FIND_USER_BY_EMAIL = "SELECT id, email, username, display_name, locale, timezone, platform_role, status, \
        default_room_access, avatar_file_id, email_verified_at, created_at, updated_at \
        FROM users WHERE email = $1 AND deleted_at IS NULL";
    FIND_USER_BY_ID = "SELECT id, email, username, display_name, locale, timezone, platform_role, status, \
        default_room_access, avatar_file_id, email_verified_at, created_at, updated_at \
        FROM users WHERE id = $1 AND deleted_at IS NULL";
    SET_VERIFIED = "UPDATE users SET email_verified_at = $2, updated_at = $2 \
        WHERE id = $1 AND email_verified_at IS NULL AND deleted_at IS NULL \
        RETURNING id, email, username, display_name, locale, timezone, platform_role, status, \
        default_room_access, avatar_file_id, email_verified_at, created_at, updated_at";
    FIND_PASSWORD = "SELECT phc FROM user_passwords WHERE user_id = $1";
    DELETE_PASSWORD = "DELETE FROM user_passwords WHERE user_id = $1";
    UPSERT_PASSWORD = "INSERT INTO user_passwords (user_id, phc, changed_at) VALUES ($1, $2, $3) \
        ON CONFLICT (user_id) DO UPDATE SET phc = excluded.phc, changed_at = excluded.changed_at";
    LIST_USERS = "SELECT id, email, username, display_name, locale, timezone, platform_role, status, \
        default_room_access, avatar_file_id, email_verified_at, created_at, updated_at FROM users \
        WHERE deleted_at IS NULL AND id < $1 AND ($2 = '' OR status = $2) AND ($3 = '' OR platform_role = $3) \
        AND ($4 = '' OR email LIKE $4 ESCAPE '!' OR LOWER(display_name) LIKE $4 ESCAPE '!' \
        OR username LIKE $4 ESCAPE '!') ORDER BY id DESC LIMIT $5";
    ADMINISTER_USER = "UPDATE users SET email = $2, username = $3, display_name = $4, locale = $5, timezone = $6, \
        platform_role = $7, status = $8, email_verified_at = $9, updated_at = $10 \
        WHERE id = $1 AND deleted_at IS NULL \
        RETURNING id, email, username, display_name, locale, timezone, platform_role, status, \
        default_room_access, avatar_file_id, email_verified_at, created_at, updated_at";
    DELETE_USER = "UPDATE users SET status = 'deleted', deleted_at = $2, updated_at = $2 \
        WHERE id = $1 AND deleted_at IS NULL";
    LOCK_USER = "UPDATE users SET updated_at = updated_at WHERE id = $1 AND deleted_at IS NULL";
    LOCK_ACTIVE_USER = "UPDATE users SET updated_at = updated_at \
        WHERE id = $1 AND status = 'active' AND deleted_at IS NULL";
    LOCK_ADMINS = "UPDATE users SET platform_role = platform_role \
        WHERE platform_role = 'admin' AND deleted_at IS NULL";
    SHARE_ORGANIZATION = "SELECT COUNT(*) FROM organization_members a \
        JOIN organization_members b ON b.org_id = a.org_id JOIN organizations o ON o.id = a.org_id \
        WHERE a.user_id = $1 AND b.user_id = $2 AND o.deleted_at IS NULL";
    LIST_ORGANIZATIONS_OWNED_ALONE = "SELECT o.name FROM organization_members m \
        JOIN organizations o ON o.id = m.org_id \
        WHERE m.user_id = $1 AND m.role = 'owner' AND o.deleted_at IS NULL AND NOT EXISTS \
        (SELECT 1 FROM organization_members x JOIN users u ON u.id = x.user_id AND u.status = 'active' \
        AND u.deleted_at IS NULL WHERE x.org_id = m.org_id AND x.role = 'owner' AND x.user_id <> $1) \
        ORDER BY o.id LIMIT 20";
    COUNT_INVITES = "SELECT COUNT(*) FROM organization_invites i \
        JOIN organizations o ON o.id = i.org_id AND o.deleted_at IS NULL \
        JOIN users u ON u.id = i.invited_by AND u.status = 'active' AND u.deleted_at IS NULL \
        LEFT JOIN organization_members m ON m.org_id = i.org_id AND m.user_id = i.invited_by \
        WHERE i.state = 'pending' AND i.expires_at > $1 AND i.email = $3 AND (i.token_hash = $2 OR $4) \
        AND (u.platform_role = 'admin' OR m.role = 'owner' OR (m.role = 'admin' AND i.role <> 'owner'))";
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

/// Which accounts.
#[derive(Debug)]
pub(crate) struct UserFilter<'a> {
    /// Part of the address, name or user name; empty for all.
    pub q: &'a str,
    pub status: Option<UserStatus>,
    pub platform_role: Option<PlatformRole>,
    pub after: Option<Uuid>,
    pub limit: i64,
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
pub(crate) async fn find_password(on: impl Into<On<'_>>, user_id: Uuid) -> Result<Option<String>, StoreError> {
    let found = run!(on, fetch_optional as (String,), FIND_PASSWORD, user_id)?;
    Ok(found.map(|(phc,)| phc))
}

/// Leaves an account without a password.
pub(crate) async fn delete_password(tx: &mut Tx, user_id: Uuid) -> Result<(), StoreError> {
    run!(tx, execute, DELETE_PASSWORD, user_id)?;
    Ok(())
}

/// Accounts, newest first.
pub(crate) async fn list(db: &Db, filter: UserFilter<'_>) -> Result<Vec<User>, StoreError> {
    let status = filter.status.map_or("", UserStatus::as_str);
    let role = filter.platform_role.map_or("", PlatformRole::as_str);
    let pattern = like_pattern(filter.q);
    let after = filter.after.unwrap_or(Uuid::max());
    run!(db, fetch_all as User, LIST_USERS, after, status, role, &pattern, filter.limit)
}

/// Writes what admins may change of `user`; `None` when the account is gone. [`StoreError::Duplicate`] when address or
/// user name are taken.
pub(crate) async fn update(tx: &mut Tx, user: &User, now: Micros) -> Result<Option<User>, StoreError> {
    run!(
        tx,
        fetch_optional as User,
        ADMINISTER_USER,
        user.id,
        &user.email,
        user.username.as_deref(),
        &user.display_name,
        &user.locale,
        &user.timezone,
        user.platform_role,
        user.status,
        user.email_verified_at,
        now
    )
}

/// Marks an account deleted, which frees its address and user name; `false` when it was.
pub(crate) async fn delete(tx: &mut Tx, id: Uuid, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, DELETE_USER, id, now)? == 1)
}

/// Makes others who change the account wait until this transaction ends.
pub(crate) async fn lock(tx: &mut Tx, id: Uuid) -> Result<(), StoreError> {
    run!(tx, execute, LOCK_USER, id)?;
    Ok(())
}

/// As [`lock`], for whoever is about to give the account something only an account that is used may have; `false` when
/// it is suspended or gone. Taken before the lock of what is given, so that an account cannot end in between.
pub(crate) async fn lock_active(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, LOCK_ACTIVE_USER, id)? == 1)
}

/// Makes acts that take admins away wait for each other, so that two of them cannot take the last two.
pub(crate) async fn lock_admins(tx: &mut Tx) -> Result<(), StoreError> {
    run!(tx, execute, LOCK_ADMINS)?;
    Ok(())
}

/// Whether two people are members of the same organization.
pub(crate) async fn share_organization(db: &Db, one: Uuid, other: Uuid) -> Result<bool, StoreError> {
    let (count,) = run!(db, fetch_one as (i64,), SHARE_ORGANIZATION, one, other)?;
    Ok(count > 0)
}

/// Names of organizations that have no owner who can act but this one.
pub(crate) async fn list_organizations_owned_alone(tx: &mut Tx, user_id: Uuid) -> Result<Vec<String>, StoreError> {
    let rows = run!(tx, fetch_all as (String,), LIST_ORGANIZATIONS_OWNED_ALONE, user_id)?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Whether an address is invited into an organization, by somebody who still may: shown by the hash of the invite's token,
/// or by the address alone where it is verified.
pub(crate) async fn is_invited(
    tx: &mut Tx,
    token_hash: &[u8],
    email: &str,
    verified: bool,
    now: Micros,
) -> Result<bool, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), COUNT_INVITES, now, token_hash, email, verified)?;
    Ok(count > 0)
}
