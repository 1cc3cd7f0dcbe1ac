//! SQL of organizations and their members.

use sqlx::types::Json;
use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::rooms::like_pattern;
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::organization::{OrgMember, OrgRole, Organization};

/// An organization with the role of user `$1` in it.
macro_rules! select_organization {
    ($rest:literal) => {
        concat!(
            "SELECT o.id, o.slug, o.name, o.description, o.settings, o.created_at, o.updated_at, m.role, \
             (SELECT COUNT(*) FROM organization_members a WHERE a.org_id = o.id) AS members \
             FROM organizations o LEFT JOIN organization_members m ON m.org_id = o.id AND m.user_id = $1 ",
            $rest
        )
    };
}

macro_rules! select_member {
    ($rest:literal) => {
        concat!(
            "SELECT m.user_id, u.display_name, u.email, m.shows_email, m.role, m.created_at AS joined_at \
             FROM organization_members m JOIN users u ON u.id = m.user_id ",
            $rest
        )
    };
}

statements! {
    INSERT_ORGANIZATION = "INSERT INTO organizations \
        (id, slug, name, name_folded, description, settings, created_by, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) ON CONFLICT (slug) WHERE deleted_at IS NULL DO NOTHING";
    FIND_ORGANIZATION = select_organization!("WHERE o.id = $2 AND o.deleted_at IS NULL");
    FIND_ORGANIZATION_BY_SLUG = select_organization!("WHERE o.slug = $2 AND o.deleted_at IS NULL");
    LIST_ORGANIZATIONS = select_organization!(
        "WHERE m.user_id IS NOT NULL AND o.deleted_at IS NULL AND o.id < $2 \
        AND ($3 = '' OR o.name_folded LIKE $3 ESCAPE '!') ORDER BY o.id DESC LIMIT $4");
    // Writes nothing new: it takes the row's lock, so that changes of members come one after the other.
    LOCK_ORGANIZATION = "UPDATE organizations SET updated_at = updated_at WHERE id = $1 AND deleted_at IS NULL";
    UPDATE_ORGANIZATION = "UPDATE organizations SET slug = $2, name = $3, name_folded = $4, description = $5, \
        settings = $6, updated_at = $7 WHERE id = $1 AND deleted_at IS NULL";
    DELETE_ORGANIZATION = "UPDATE organizations SET deleted_at = $2, updated_at = $2 \
        WHERE id = $1 AND deleted_at IS NULL";
    DELETE_CHANNELS_OF = "UPDATE channels SET deleted_at = $2, updated_at = $2 \
        WHERE org_id = $1 AND deleted_at IS NULL";
    COUNT_OWNED = "SELECT COUNT(*) FROM organization_members m JOIN organizations o ON o.id = m.org_id \
        WHERE m.user_id = $1 AND m.role = 'owner' AND o.deleted_at IS NULL";
    COUNT_MADE = "SELECT COUNT(*) FROM organization_members m JOIN organizations o ON o.id = m.org_id \
        WHERE m.user_id = $1 AND m.role = 'owner' AND o.created_by = $1 AND o.deleted_at IS NULL";
    COUNT_MEMBERS = "SELECT COUNT(*) FROM organization_members WHERE org_id = $1";
    COUNT_OTHER_OWNERS = "SELECT COUNT(*) FROM organization_members m JOIN users u ON u.id = m.user_id \
        WHERE m.org_id = $1 AND m.user_id <> $2 AND m.role = 'owner' AND u.status = 'active' AND u.deleted_at IS NULL";
    LIST_OWNED = "SELECT m.org_id FROM organization_members m JOIN organizations o ON o.id = m.org_id \
        WHERE m.user_id = $1 AND m.role = 'owner' AND o.deleted_at IS NULL ORDER BY m.org_id";
    DELETE_MEMBERSHIPS_OF = "DELETE FROM organization_members WHERE user_id = $1";
    DELETE_CHANNEL_MEMBERSHIPS_OF = "DELETE FROM channel_members WHERE user_id = $1";
    FIND_ROLE = "SELECT m.role FROM organization_members m JOIN organizations o ON o.id = m.org_id \
        WHERE m.org_id = $1 AND m.user_id = $2 AND o.deleted_at IS NULL";
    INSERT_MEMBER = "INSERT INTO organization_members (org_id, user_id, role, created_at, shows_email) \
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (org_id, user_id) DO NOTHING";
    SHOW_EMAIL = "UPDATE organization_members SET shows_email = $3 WHERE org_id = $1 AND user_id = $2";
    UPDATE_MEMBER = "UPDATE organization_members SET role = $3 WHERE org_id = $1 AND user_id = $2";
    DELETE_MEMBER = "DELETE FROM organization_members WHERE org_id = $1 AND user_id = $2";
    DELETE_CHANNEL_MEMBERSHIPS = "DELETE FROM channel_members WHERE user_id = $2 \
        AND channel_id IN (SELECT id FROM channels WHERE org_id = $1)";
    FIND_MEMBER = select_member!("WHERE m.org_id = $1 AND m.user_id = $2");
    LIST_MEMBERS = select_member!("WHERE m.org_id = $1 AND m.user_id > $2 AND ($3 = '' OR m.role = $3) \
        AND ($4 = '' OR LOWER(u.display_name) LIKE $4 ESCAPE '!') ORDER BY m.user_id LIMIT $5");
    LIST_ROOMS_IN_CALL = "SELECT r.id FROM rooms r JOIN calls c ON c.room_id = r.id AND c.ended_at IS NULL \
        WHERE r.org_id = $1 AND r.id > $2 ORDER BY r.id LIMIT $3";
}

/// An organization about to be made.
#[derive(Debug)]
pub(crate) struct NewOrganization<'a> {
    pub slug: &'a str,
    pub name: &'a str,
    pub description: &'a str,
    pub created_by: Uuid,
}

/// How a request names an organization.
#[derive(Clone, Debug)]
pub(crate) enum OrgName {
    Id(Uuid),
    Slug(String),
}

/// Inserts an organization with its owner; `None` when the slug is taken.
pub(crate) async fn insert(tx: &mut Tx, new: NewOrganization<'_>, now: Micros) -> Result<Option<Uuid>, StoreError> {
    let id = Uuid::now_v7();
    let settings = Json(serde_json::Map::new());
    let inserted = run!(
        &mut *tx,
        execute,
        INSERT_ORGANIZATION,
        id,
        new.slug,
        new.name,
        new.name.to_lowercase(),
        new.description,
        &settings,
        new.created_by,
        now
    )?;
    if inserted == 0 {
        return Ok(None);
    }
    insert_member(tx, id, new.created_by, OrgRole::Owner, true, now).await?;
    Ok(Some(id))
}

/// Finds an organization with the role `user_id` has in it.
pub(crate) async fn find(
    on: impl Into<On<'_>>,
    name: &OrgName,
    user_id: Uuid,
) -> Result<Option<Organization>, StoreError> {
    match name {
        OrgName::Id(id) => run!(on, fetch_optional as Organization, FIND_ORGANIZATION, user_id, id),
        OrgName::Slug(slug) => run!(on, fetch_optional as Organization, FIND_ORGANIZATION_BY_SLUG, user_id, slug),
    }
}

/// Lists the organizations of `user_id`, the newest first.
pub(crate) async fn list(
    db: &Db,
    user_id: Uuid,
    q: &str,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Organization>, StoreError> {
    run!(db, fetch_all as Organization, LIST_ORGANIZATIONS, user_id, before, like_pattern(q), limit)
}

/// Takes the lock under which members change; `false` when the organization is gone.
pub(crate) async fn lock(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, LOCK_ORGANIZATION, id)? == 1)
}

/// Takes the locks of all organizations somebody owns, in the order of their ids, so that two who do so at the same
/// time wait for each other and not for ever.
pub(crate) async fn lock_owned(tx: &mut Tx, user_id: Uuid) -> Result<(), StoreError> {
    for (id,) in run!(&mut *tx, fetch_all as (Uuid,), LIST_OWNED, user_id)? {
        lock(&mut *tx, id).await?;
    }
    Ok(())
}

/// Deletes every membership of somebody, with those in channels.
pub(crate) async fn delete_memberships(tx: &mut Tx, user_id: Uuid) -> Result<(), StoreError> {
    run!(&mut *tx, execute, DELETE_CHANNEL_MEMBERSHIPS_OF, user_id)?;
    run!(tx, execute, DELETE_MEMBERSHIPS_OF, user_id)?;
    Ok(())
}

/// Writes what people may change. [`StoreError::Duplicate`] when the slug is taken.
pub(crate) async fn update(tx: &mut Tx, org: &Organization, now: Micros) -> Result<(), StoreError> {
    run!(
        tx,
        execute,
        UPDATE_ORGANIZATION,
        org.id,
        &org.slug,
        &org.name,
        org.name.to_lowercase(),
        &org.description,
        &org.settings,
        now
    )?;
    Ok(())
}

/// Marks an organization and its channels deleted.
pub(crate) async fn delete(tx: &mut Tx, id: Uuid, now: Micros) -> Result<(), StoreError> {
    run!(&mut *tx, execute, DELETE_ORGANIZATION, id, now)?;
    run!(tx, execute, DELETE_CHANNELS_OF, id, now)?;
    Ok(())
}

/// Organizations somebody made and still owns.
pub(crate) async fn count_made(on: impl Into<On<'_>>, user_id: Uuid) -> Result<i64, StoreError> {
    let (count,) = run!(on, fetch_one as (i64,), COUNT_MADE, user_id)?;
    Ok(count)
}

/// Organizations somebody owns.
pub(crate) async fn count_owned(on: impl Into<On<'_>>, user_id: Uuid) -> Result<i64, StoreError> {
    let (count,) = run!(on, fetch_one as (i64,), COUNT_OWNED, user_id)?;
    Ok(count)
}

/// People in an organization.
pub(crate) async fn count_members(on: impl Into<On<'_>>, id: Uuid) -> Result<i64, StoreError> {
    let (count,) = run!(on, fetch_one as (i64,), COUNT_MEMBERS, id)?;
    Ok(count)
}

/// Owners of an organization who can act, without this one.
pub(crate) async fn count_other_owners(on: impl Into<On<'_>>, id: Uuid, user_id: Uuid) -> Result<i64, StoreError> {
    let (count,) = run!(on, fetch_one as (i64,), COUNT_OTHER_OWNERS, id, user_id)?;
    Ok(count)
}

/// What somebody is in a living organization.
pub(crate) async fn find_role(on: impl Into<On<'_>>, id: Uuid, user_id: Uuid) -> Result<Option<OrgRole>, StoreError> {
    let row = run!(on, fetch_optional as (OrgRole,), FIND_ROLE, id, user_id)?;
    Ok(row.map(|(role,)| role))
}

/// Inserts a member; `false` when they are one. `shows_email`: whoever runs the organization may see the address.
pub(crate) async fn insert_member(
    tx: &mut Tx,
    id: Uuid,
    user_id: Uuid,
    role: OrgRole,
    shows_email: bool,
    now: Micros,
) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, INSERT_MEMBER, id, user_id, role, now, shows_email)? == 1)
}

/// Lets whoever runs the organization see a member's address.
pub(crate) async fn show_email(tx: &mut Tx, id: Uuid, user_id: Uuid) -> Result<(), StoreError> {
    run!(tx, execute, SHOW_EMAIL, id, user_id, true)?;
    Ok(())
}

pub(crate) async fn update_member(tx: &mut Tx, id: Uuid, user_id: Uuid, role: OrgRole) -> Result<(), StoreError> {
    run!(tx, execute, UPDATE_MEMBER, id, user_id, role)?;
    Ok(())
}

/// Deletes a membership and, with it, those in the organization's channels.
pub(crate) async fn delete_member(tx: &mut Tx, id: Uuid, user_id: Uuid) -> Result<(), StoreError> {
    run!(&mut *tx, execute, DELETE_CHANNEL_MEMBERSHIPS, id, user_id)?;
    run!(tx, execute, DELETE_MEMBER, id, user_id)?;
    Ok(())
}

pub(crate) async fn find_member(
    on: impl Into<On<'_>>,
    id: Uuid,
    user_id: Uuid,
) -> Result<Option<OrgMember>, StoreError> {
    run!(on, fetch_optional as OrgMember, FIND_MEMBER, id, user_id)
}

/// Lists the members of an organization.
pub(crate) async fn list_members(
    db: &Db,
    id: Uuid,
    role: Option<OrgRole>,
    q: &str,
    after: Uuid,
    limit: i64,
) -> Result<Vec<OrgMember>, StoreError> {
    let role = role.map_or("", OrgRole::as_str);
    run!(db, fetch_all as OrgMember, LIST_MEMBERS, id, after, role, like_pattern(q), limit)
}

/// Rooms of an organization in which a call is open, in the order of their ids.
pub(crate) async fn list_rooms_in_call(db: &Db, id: Uuid, after: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let rows = run!(db, fetch_all as (Uuid,), LIST_ROOMS_IN_CALL, id, after, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
