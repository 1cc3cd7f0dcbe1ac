//! SQL of invites to organizations: found by their token's hash, or by the address they were sent to.

use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::organization::{OrgInvite, OrgRole};
use crate::model::user::PlatformRole;

macro_rules! select_invite {
    ($rest:literal) => {
        concat!(
            "SELECT i.id, i.org_id, o.name AS org_name, i.email, i.role, i.invited_by, \
             u.display_name AS invited_by_name, i.created_at, i.expires_at FROM organization_invites i \
             JOIN organizations o ON o.id = i.org_id AND o.deleted_at IS NULL JOIN users u ON u.id = i.invited_by \
             WHERE i.state = 'pending' ",
            $rest
        )
    };
}

statements! {
    REVOKE_PENDING = "UPDATE organization_invites SET state = 'revoked', settled_at = $3 \
        WHERE org_id = $1 AND email = $2 AND state = 'pending'";
    INSERT_INVITE = "INSERT INTO organization_invites \
        (id, org_id, email, role, token_hash, invited_by, state, created_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $8)";
    FIND_INVITE = select_invite!("AND i.id = $1 AND i.expires_at > $2");
    FIND_INVITE_BY_TOKEN = select_invite!("AND i.token_hash = $1 AND i.expires_at > $2");
    LIST_INVITES = select_invite!("AND i.org_id = $1 AND i.expires_at > $2 AND i.id < $3 ORDER BY i.id DESC LIMIT $4");
    LIST_INVITES_OF = select_invite!("AND i.email = $1 AND i.expires_at > $2 AND i.id < $3 ORDER BY i.id DESC LIMIT $4");
    COUNT_INVITES = "SELECT COUNT(*) FROM organization_invites \
        WHERE org_id = $1 AND state = 'pending' AND expires_at > $2";
    SETTLE_INVITE = "UPDATE organization_invites SET state = $2, settled_at = $3 WHERE id = $1 AND state = 'pending'";
    REVOKE_MADE_BY = "UPDATE organization_invites SET state = 'revoked', settled_at = $2 \
        WHERE invited_by = $1 AND state = 'pending'";
    REVOKE_MADE_IN = "UPDATE organization_invites SET state = 'revoked', settled_at = $3 \
        WHERE org_id = $1 AND invited_by = $2 AND state = 'pending' AND ($4 = '' OR role = $4)";
    FIND_INVITER = "SELECT u.platform_role, m.role FROM users u \
        LEFT JOIN organization_members m ON m.user_id = u.id AND m.org_id = $1 \
        WHERE u.id = $2 AND u.status = 'active' AND u.deleted_at IS NULL";
    IS_MEMBER_BY_EMAIL = "SELECT COUNT(*) FROM organization_members m JOIN users u ON u.id = m.user_id \
        WHERE m.org_id = $1 AND u.email = $2 AND u.deleted_at IS NULL";
    FIND_VERIFIED = "SELECT id FROM users WHERE email = $1 AND email_verified_at IS NOT NULL AND status = 'active' \
        AND deleted_at IS NULL";
    DELETE_OLD_INVITES = "DELETE FROM organization_invites WHERE id IN \
        (SELECT id FROM organization_invites WHERE expires_at < $1 LIMIT $2)";
}

/// An invite about to be made.
#[derive(Debug)]
pub(crate) struct NewInvite<'a> {
    pub org_id: Uuid,
    /// Folded.
    pub email: &'a str,
    pub role: OrgRole,
    pub token_hash: &'a [u8],
    pub invited_by: Uuid,
    pub expires_at: Micros,
}

/// Inserts an invite in place of one that waits for the same address.
pub(crate) async fn insert(tx: &mut Tx, new: NewInvite<'_>, now: Micros) -> Result<Uuid, StoreError> {
    revoke_to(&mut *tx, new.org_id, new.email, now).await?;
    let id = Uuid::now_v7();
    run!(
        tx,
        execute,
        INSERT_INVITE,
        id,
        new.org_id,
        new.email,
        new.role,
        new.token_hash,
        new.invited_by,
        now,
        new.expires_at
    )?;
    Ok(id)
}

/// Takes back what waits for an address in an organization.
pub(crate) async fn revoke_to(tx: &mut Tx, org_id: Uuid, email: &str, now: Micros) -> Result<(), StoreError> {
    run!(tx, execute, REVOKE_PENDING, org_id, email, now)?;
    Ok(())
}

/// Finds an invite that can still be answered.
pub(crate) async fn find(on: impl Into<On<'_>>, id: Uuid, now: Micros) -> Result<Option<OrgInvite>, StoreError> {
    run!(on, fetch_optional as OrgInvite, FIND_INVITE, id, now)
}

/// Finds the invite of a token that can still be answered.
pub(crate) async fn find_by_token(
    on: impl Into<On<'_>>,
    token_hash: &[u8],
    now: Micros,
) -> Result<Option<OrgInvite>, StoreError> {
    run!(on, fetch_optional as OrgInvite, FIND_INVITE_BY_TOKEN, token_hash, now)
}

/// Lists what waits for an answer in an organization, the newest first.
pub(crate) async fn list(
    db: &Db,
    org_id: Uuid,
    now: Micros,
    before: Uuid,
    limit: i64,
) -> Result<Vec<OrgInvite>, StoreError> {
    run!(db, fetch_all as OrgInvite, LIST_INVITES, org_id, now, before, limit)
}

/// Lists what waits for an answer from an address, the newest first.
pub(crate) async fn list_of(
    db: &Db,
    email: &str,
    now: Micros,
    before: Uuid,
    limit: i64,
) -> Result<Vec<OrgInvite>, StoreError> {
    run!(db, fetch_all as OrgInvite, LIST_INVITES_OF, email, now, before, limit)
}

/// Invites of an organization that wait for an answer.
pub(crate) async fn count(tx: &mut Tx, org_id: Uuid, now: Micros) -> Result<i64, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), COUNT_INVITES, org_id, now)?;
    Ok(count)
}

/// Ends an invite as `state`; `false` when it had ended.
pub(crate) async fn settle(tx: &mut Tx, id: Uuid, state: &'static str, now: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, SETTLE_INVITE, id, state, now)? == 1)
}

/// Takes back whatever invites somebody made that wait for an answer.
pub(crate) async fn revoke_made_by(tx: &mut Tx, user_id: Uuid, now: Micros) -> Result<(), StoreError> {
    run!(tx, execute, REVOKE_MADE_BY, user_id, now)?;
    Ok(())
}

/// As [`revoke_made_by`], in one organization, and only invites to `role` if one is given.
pub(crate) async fn revoke_made_in(
    tx: &mut Tx,
    org_id: Uuid,
    user_id: Uuid,
    role: Option<OrgRole>,
    now: Micros,
) -> Result<(), StoreError> {
    let role = role.map_or("", OrgRole::as_str);
    run!(tx, execute, REVOKE_MADE_IN, org_id, user_id, now, role)?;
    Ok(())
}

/// What somebody who invited is now, on the platform and in the organization; `None` without an account
/// that can act.
pub(crate) async fn find_inviter(
    tx: &mut Tx,
    org_id: Uuid,
    user_id: Uuid,
) -> Result<Option<(PlatformRole, Option<OrgRole>)>, StoreError> {
    run!(tx, fetch_optional as (PlatformRole, Option<OrgRole>), FIND_INVITER, org_id, user_id)
}

/// Whether somebody with that address belongs to the organization.
pub(crate) async fn is_member(tx: &mut Tx, org_id: Uuid, email: &str) -> Result<bool, StoreError> {
    let (count,) = run!(tx, fetch_one as (i64,), IS_MEMBER_BY_EMAIL, org_id, email)?;
    Ok(count > 0)
}

/// The active account that has proved to own an address.
pub(crate) async fn find_verified(tx: &mut Tx, email: &str) -> Result<Option<Uuid>, StoreError> {
    let row = run!(tx, fetch_optional as (Uuid,), FIND_VERIFIED, email)?;
    Ok(row.map(|(id,)| id))
}

/// Deletes at most `batch` invites that expired before `before`; how many went.
pub(crate) async fn delete_old(db: &Db, before: Micros, batch: i64) -> Result<u64, StoreError> {
    run!(db, execute, DELETE_OLD_INVITES, before, batch)
}
