//! SQL of channels and of who is in them.

use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::rooms::like_pattern;
use super::{statements, tx::Tx};
use crate::model::clock::Micros;
use crate::model::organization::{Channel, ChannelMember, ChannelRole, Visibility};

/// A channel with what user `$1` has to do with it.
macro_rules! select_channel {
    ($rest:literal) => {
        concat!(
            "SELECT c.id, c.org_id, c.name, c.description, c.visibility, c.conversation_id, c.created_at, \
             c.updated_at, c.archived_at, m.role, om.role AS org_role, \
             EXISTS (SELECT 1 FROM channel_members a WHERE a.channel_id = c.id AND a.role = 'admin') AS has_admin, \
             (SELECT COUNT(*) FROM channel_members a WHERE a.channel_id = c.id) AS members \
             FROM channels c JOIN organizations o ON o.id = c.org_id AND o.deleted_at IS NULL \
             LEFT JOIN channel_members m ON m.channel_id = c.id AND m.user_id = $1 \
             LEFT JOIN organization_members om ON om.org_id = c.org_id AND om.user_id = $1 ",
            $rest
        )
    };
}

statements! {
    LOCK_CHANNEL = "UPDATE channels SET updated_at = updated_at WHERE id = $1 AND deleted_at IS NULL";
    INSERT_CHANNEL = "INSERT INTO channels (id, org_id, name, name_folded, description, visibility, conversation_id, \
        created_by, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) \
        ON CONFLICT (org_id, name_folded) WHERE deleted_at IS NULL DO NOTHING";
    FIND_CHANNEL = select_channel!("WHERE c.id = $2 AND c.deleted_at IS NULL");
    LIST_CHANNELS = select_channel!(
        "WHERE c.org_id = $2 AND c.deleted_at IS NULL AND c.id > $3 AND (c.visibility = 'public' OR m.role IS NOT NULL) \
        AND ($4 = '' OR c.name_folded LIKE $4 ESCAPE '!') \
        AND ($5 = '' OR ($5 = 'yes' AND c.archived_at IS NOT NULL) OR ($5 = 'no' AND c.archived_at IS NULL)) \
        ORDER BY c.id LIMIT $6");
    COUNT_CHANNELS = "SELECT COUNT(*) FROM channels WHERE org_id = $1 AND deleted_at IS NULL";
    UPDATE_CHANNEL = "UPDATE channels SET name = $2, name_folded = $3, description = $4, visibility = $5, \
        archived_at = $6, updated_at = $7 WHERE id = $1 AND deleted_at IS NULL";
    DELETE_CHANNEL = "UPDATE channels SET deleted_at = $2, updated_at = $2 WHERE id = $1 AND deleted_at IS NULL";
    INSERT_CHANNEL_MEMBER = "INSERT INTO channel_members (channel_id, user_id, role, created_at) \
        SELECT c.id, om.user_id, CAST($3 AS TEXT), CAST($4 AS BIGINT) FROM channels c JOIN organization_members om ON om.org_id = c.org_id \
        WHERE c.id = $1 AND om.user_id = $2 AND c.deleted_at IS NULL ON CONFLICT (channel_id, user_id) DO NOTHING";
    DELETE_CHANNEL_MEMBER = "DELETE FROM channel_members WHERE channel_id = $1 AND user_id = $2";
    COUNT_CHANNEL_MEMBERS = "SELECT COUNT(*) FROM channel_members WHERE channel_id = $1";
    FIND_CHANNEL_MEMBER = "SELECT m.user_id, u.display_name, m.role, m.created_at AS joined_at \
        FROM channel_members m JOIN users u ON u.id = m.user_id WHERE m.channel_id = $1 AND m.user_id = $2";
    LIST_CHANNEL_MEMBERS = "SELECT m.user_id, u.display_name, m.role, m.created_at AS joined_at \
        FROM channel_members m JOIN users u ON u.id = m.user_id WHERE m.channel_id = $1 AND m.user_id > $2 \
        ORDER BY m.user_id LIMIT $3";
}

/// A channel about to be made.
#[derive(Debug)]
pub(crate) struct NewChannel<'a> {
    pub id: Uuid,
    pub org_id: Uuid,
    pub name: &'a str,
    pub description: &'a str,
    pub visibility: Visibility,
    pub conversation_id: Uuid,
    pub created_by: Uuid,
}

/// Which channels of an organization a list shows.
#[derive(Debug)]
pub(crate) struct ChannelFilter<'a> {
    /// Part of the name, any case.
    pub q: &'a str,
    pub archived: Option<bool>,
    pub after: Uuid,
    pub limit: i64,
}

/// Inserts a channel; `false` when the name is taken.
pub(crate) async fn insert(tx: &mut Tx, new: NewChannel<'_>, now: Micros) -> Result<bool, StoreError> {
    let inserted = run!(
        tx,
        execute,
        INSERT_CHANNEL,
        new.id,
        new.org_id,
        new.name,
        new.name.to_lowercase(),
        new.description,
        new.visibility,
        new.conversation_id,
        new.created_by,
        now
    )?;
    Ok(inserted == 1)
}

/// Finds a channel as `user_id` sees it; whether they may is for services to decide.
pub(crate) async fn find(on: impl Into<On<'_>>, id: Uuid, user_id: Uuid) -> Result<Option<Channel>, StoreError> {
    run!(on, fetch_optional as Channel, FIND_CHANNEL, user_id, id)
}

/// Lists the channels of an organization that `user_id` sees.
pub(crate) async fn list(
    db: &Db,
    org_id: Uuid,
    user_id: Uuid,
    filter: ChannelFilter<'_>,
) -> Result<Vec<Channel>, StoreError> {
    let archived = match filter.archived {
        None => "",
        Some(true) => "yes",
        Some(false) => "no",
    };
    let pattern = like_pattern(filter.q);
    run!(db, fetch_all as Channel, LIST_CHANNELS, user_id, org_id, filter.after, &pattern, archived, filter.limit)
}

/// Channels of an organization.
pub(crate) async fn count(on: impl Into<On<'_>>, org_id: Uuid) -> Result<i64, StoreError> {
    let (count,) = run!(on, fetch_one as (i64,), COUNT_CHANNELS, org_id)?;
    Ok(count)
}

/// Writes what people may change. [`StoreError::Duplicate`] when the name is taken.
pub(crate) async fn update(tx: &mut Tx, channel: &Channel, now: Micros) -> Result<(), StoreError> {
    run!(
        tx,
        execute,
        UPDATE_CHANNEL,
        channel.id,
        &channel.name,
        channel.name.to_lowercase(),
        &channel.description,
        channel.visibility,
        channel.archived_at,
        now
    )?;
    Ok(())
}

/// Makes others who change the channel wait until this transaction ends.
pub(crate) async fn lock(tx: &mut Tx, id: Uuid) -> Result<(), StoreError> {
    run!(tx, execute, LOCK_CHANNEL, id)?;
    Ok(())
}

pub(crate) async fn delete(tx: &mut Tx, id: Uuid, now: Micros) -> Result<(), StoreError> {
    run!(tx, execute, DELETE_CHANNEL, id, now)?;
    Ok(())
}

/// Inserts a member who belongs to the organization; `false` when they are one already, or do not belong to it.
pub(crate) async fn insert_member(
    tx: &mut Tx,
    id: Uuid,
    user_id: Uuid,
    role: ChannelRole,
    now: Micros,
) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, INSERT_CHANNEL_MEMBER, id, user_id, role, now)? == 1)
}

/// Deletes a member; `false` when they were none.
pub(crate) async fn delete_member(tx: &mut Tx, id: Uuid, user_id: Uuid) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, DELETE_CHANNEL_MEMBER, id, user_id)? == 1)
}

/// People in a channel.
pub(crate) async fn count_members(on: impl Into<On<'_>>, id: Uuid) -> Result<i64, StoreError> {
    let (count,) = run!(on, fetch_one as (i64,), COUNT_CHANNEL_MEMBERS, id)?;
    Ok(count)
}

pub(crate) async fn find_member(
    on: impl Into<On<'_>>,
    id: Uuid,
    user_id: Uuid,
) -> Result<Option<ChannelMember>, StoreError> {
    run!(on, fetch_optional as ChannelMember, FIND_CHANNEL_MEMBER, id, user_id)
}

/// Lists the members of a channel.
pub(crate) async fn list_members(db: &Db, id: Uuid, after: Uuid, limit: i64) -> Result<Vec<ChannelMember>, StoreError> {
    run!(db, fetch_all as ChannelMember, LIST_CHANNEL_MEMBERS, id, after, limit)
}
