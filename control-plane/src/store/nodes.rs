//! SQL of media nodes: who sent a heartbeat when, which of them is the least loaded, and what operators asked of them.

use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::db::{Db, On, StoreError, run};
use super::statements;
use super::tx::Tx;
use crate::model::clock::Micros;
use crate::model::node::{MediaNode, MediaRegion, NodeCall, NodeState, NodeStatus};

macro_rules! node_columns {
    () => {
        "id, url, api_url, state, heartbeat_at, drain_requested_at, drain_deadline_at"
    };
}

macro_rules! select_node {
    ($rest:literal) => {
        concat!("SELECT ", node_columns!(), " FROM media_nodes ", $rest)
    };
}

macro_rules! select_status {
    ($rest:literal) => {
        concat!(
            "SELECT n.id, n.url, n.api_url, n.region, n.version, n.state, n.drain_requested_at, n.drain_deadline_at, \
             n.rooms, n.participants, n.load_ppm, n.heartbeat_at, n.created_at, (SELECT COUNT(*) FROM calls c \
             WHERE c.media_node_id = n.id AND c.ended_at IS NULL) AS open_calls FROM media_nodes n ",
            $rest
        )
    };
}

statements! {
    UPSERT_NODE = concat!("INSERT INTO media_nodes \
        (id, url, api_url, region, version, state, rooms, participants, load_ppm, heartbeat_at, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) \
        ON CONFLICT (id) DO UPDATE SET url = excluded.url, api_url = excluded.api_url, region = excluded.region, \
        version = excluded.version, rooms = excluded.rooms, participants = excluded.participants, \
        load_ppm = excluded.load_ppm, heartbeat_at = excluded.heartbeat_at, \
        state = CASE WHEN media_nodes.drain_requested_at IS NOT NULL THEN 'draining' ELSE excluded.state END \
        RETURNING ", node_columns!());
    FIND_NODE = select_node!("WHERE id = $1");
    FIND_LEAST_LOADED = select_node!(
        "WHERE state = 'up' AND heartbeat_at > $1 AND id <> $2 \
         ORDER BY CASE WHEN region = $3 THEN 0 ELSE 1 END, load_ppm, participants, (SELECT COUNT(*) FROM calls c \
         WHERE c.media_node_id = media_nodes.id AND c.ended_at IS NULL), id LIMIT 1");
    LIST_REACHABLE = select_node!("WHERE heartbeat_at > $1 AND state <> 'down' ORDER BY id LIMIT $2");
    LIST_LOST_WITH_CALLS = select_node!(
        "WHERE heartbeat_at <= $1 AND EXISTS (SELECT 1 FROM calls c WHERE c.media_node_id = media_nodes.id \
         AND c.ended_at IS NULL) ORDER BY id LIMIT $2");
    SET_NODE_STATE = "UPDATE media_nodes SET state = $2 WHERE id = $1 AND state <> $2";
    MARK_DOWN = "UPDATE media_nodes SET state = 'down' WHERE heartbeat_at <= $1 AND state <> 'down' RETURNING id";
    MARK_UNREACHABLE_DOWN = "UPDATE media_nodes SET state = 'down' WHERE api_url IS NULL AND state <> 'down'";
    DELETE_FORGOTTEN_NODES = "DELETE FROM media_nodes WHERE state = 'down' AND heartbeat_at < $1";
    LIST_STATUS = select_status!(
        "WHERE n.id > $1 AND (CAST($2 AS TEXT) IS NULL OR n.state = $2) AND (CAST($3 AS TEXT) IS NULL OR n.region = $3) \
         ORDER BY n.id LIMIT $4");
    LIST_STATUS_NEWEST = select_status!("ORDER BY n.heartbeat_at DESC, n.id LIMIT $1");
    FIND_STATUS = select_status!("WHERE n.id = $1");
    FIND_ORG_SETTINGS = "SELECT o.settings FROM rooms r JOIN organizations o ON o.id = r.org_id \
        WHERE r.id = $1 AND o.deleted_at IS NULL";
    LIST_NODE_CALLS = "SELECT c.id, c.room_id, c.created_at, c.started_at, (SELECT COUNT(*) FROM call_participants p \
        WHERE p.call_id = c.id AND p.left_at IS NULL) AS participants FROM calls c \
        WHERE c.media_node_id = $1 AND c.ended_at IS NULL ORDER BY c.id LIMIT $2";
    DRAIN_NODE = "UPDATE media_nodes SET drain_requested_at = COALESCE(drain_requested_at, $2), drain_deadline_at = $3, \
        state = 'draining' WHERE id = $1 AND state <> 'down'";
    UNDRAIN_NODE = "UPDATE media_nodes SET drain_requested_at = NULL, drain_deadline_at = NULL, \
        state = CASE WHEN state = 'draining' THEN 'up' ELSE state END WHERE id = $1 AND drain_requested_at IS NOT NULL";
}

/// What a heartbeat says.
#[derive(Debug)]
pub(crate) struct NodeReport<'a> {
    pub id: &'a str,
    pub url: Option<&'a str>,
    pub api_url: Option<&'a str>,
    pub region: &'a str,
    pub version: &'a str,
    pub state: NodeState,
    pub rooms: i64,
    pub participants: i64,
    /// 0 idle … 1,000,000 full.
    pub load_ppm: i64,
}

/// Notes a heartbeat. A node asked to drain stays `draining` whatever it says.
pub(crate) async fn upsert(db: &Db, report: NodeReport<'_>, now: Micros) -> Result<MediaNode, StoreError> {
    run!(
        db,
        fetch_one as MediaNode,
        UPSERT_NODE,
        report.id,
        report.url,
        report.api_url,
        report.region,
        report.version,
        report.state,
        report.rooms,
        report.participants,
        report.load_ppm,
        now
    )
}

pub(crate) async fn find(on: impl Into<On<'_>>, id: &str) -> Result<Option<MediaNode>, StoreError> {
    run!(on, fetch_optional as MediaNode, FIND_NODE, id)
}

/// The best node for a new call: up, heard of after `alive_since`, not `except`, in `region` if one is there.
pub(crate) async fn find_least_loaded(
    db: &Db,
    alive_since: Micros,
    except: &str,
    region: &str,
) -> Result<Option<MediaNode>, StoreError> {
    run!(db, fetch_optional as MediaNode, FIND_LEAST_LOADED, alive_since, except, region)
}

/// Where the organization of a room wants its calls to run; the key `media_region` of its settings.
pub(crate) async fn find_region_of_organization(db: &Db, room_id: Uuid) -> Result<Option<MediaRegion>, StoreError> {
    let found = run!(db, fetch_optional as (Json<Value>,), FIND_ORG_SETTINGS, room_id)?;
    // Settings are free text: what is no name of a region is none.
    Ok(found.and_then(|(settings,)| MediaRegion::try_from(settings.get("media_region")?.as_str()?.to_owned()).ok()))
}

/// Nodes heard of after `alive_since`.
pub(crate) async fn list_reachable(
    on: impl Into<On<'_>>,
    alive_since: Micros,
    limit: i64,
) -> Result<Vec<MediaNode>, StoreError> {
    run!(on, fetch_all as MediaNode, LIST_REACHABLE, alive_since, limit)
}

/// Nodes last heard of before `silent_since` that have open calls.
pub(crate) async fn list_lost_with_calls(
    db: &Db,
    silent_since: Micros,
    limit: i64,
) -> Result<Vec<MediaNode>, StoreError> {
    run!(db, fetch_all as MediaNode, LIST_LOST_WITH_CALLS, silent_since, limit)
}

pub(crate) async fn set_state(on: impl Into<On<'_>>, id: &str, state: NodeState) -> Result<bool, StoreError> {
    Ok(run!(on, execute, SET_NODE_STATE, id, state)? == 1)
}

/// Marks nodes last heard of before `silent_since` as down; which ones were not already.
pub(crate) async fn mark_down(db: &Db, silent_since: Micros) -> Result<Vec<String>, StoreError> {
    let rows = run!(db, fetch_all as (String,), MARK_DOWN, silent_since)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Marks nodes that said no address as down: no other process can reach them.
pub(crate) async fn mark_unreachable_down(db: &Db) -> Result<(), StoreError> {
    run!(db, execute, MARK_UNREACHABLE_DOWN)?;
    Ok(())
}

/// Forgets nodes that went down before `before`.
pub(crate) async fn delete_forgotten(tx: &mut Tx, before: Micros) -> Result<u64, StoreError> {
    run!(tx, execute, DELETE_FORGOTTEN_NODES, before)
}

/// Which nodes operators want to see.
#[derive(Debug)]
pub(crate) struct NodeFilter<'a> {
    pub state: Option<NodeState>,
    pub region: Option<&'a str>,
    /// The last id of the page before.
    pub after: &'a str,
    pub limit: i64,
}

pub(crate) async fn list(db: &Db, filter: NodeFilter<'_>) -> Result<Vec<NodeStatus>, StoreError> {
    let NodeFilter { state, region, after, limit } = filter;
    run!(db, fetch_all as NodeStatus, LIST_STATUS, after, state, region, limit)
}

/// The nodes heard of last, newest first.
pub(crate) async fn list_newest(db: &Db, limit: i64) -> Result<Vec<NodeStatus>, StoreError> {
    run!(db, fetch_all as NodeStatus, LIST_STATUS_NEWEST, limit)
}

pub(crate) async fn find_status(on: impl Into<On<'_>>, id: &str) -> Result<Option<NodeStatus>, StoreError> {
    run!(on, fetch_optional as NodeStatus, FIND_STATUS, id)
}

/// Open calls of a node, the oldest first.
pub(crate) async fn list_calls(db: &Db, id: &str, limit: i64) -> Result<Vec<NodeCall>, StoreError> {
    run!(db, fetch_all as NodeCall, LIST_NODE_CALLS, id, limit)
}

/// Wants a node to drain; `false` when it is unknown or down.
pub(crate) async fn drain(tx: &mut Tx, id: &str, now: Micros, deadline: Micros) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, DRAIN_NODE, id, now, deadline)? == 1)
}

/// Takes the wish to drain back; `false` when there was none.
pub(crate) async fn undrain(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    Ok(run!(tx, execute, UNDRAIN_NODE, id)? == 1)
}
