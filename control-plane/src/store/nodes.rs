//! SQL of media nodes: who sent a heartbeat when, and which of them is the least loaded.

use super::db::{Db, On, StoreError, run};
use super::statements;
use super::tx::Tx;
use crate::model::call::{MediaNode, NodeState};
use crate::model::clock::Micros;

macro_rules! select_node {
    ($rest:literal) => {
        concat!("SELECT id, url, api_url, state, heartbeat_at FROM media_nodes ", $rest)
    };
}

statements! {
    UPSERT_NODE = "INSERT INTO media_nodes \
        (id, url, api_url, region, version, state, rooms, participants, load_ppm, heartbeat_at, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) \
        ON CONFLICT (id) DO UPDATE SET url = excluded.url, api_url = excluded.api_url, region = excluded.region, \
        version = excluded.version, rooms = excluded.rooms, participants = excluded.participants, \
        load_ppm = excluded.load_ppm, heartbeat_at = excluded.heartbeat_at, \
        state = CASE WHEN media_nodes.drain_requested_at IS NOT NULL THEN 'draining' ELSE excluded.state END \
        RETURNING id, url, api_url, state, heartbeat_at";
    FIND_NODE = select_node!("WHERE id = $1");
    FIND_LEAST_LOADED = select_node!(
        "WHERE state = 'up' AND heartbeat_at > $1 AND id <> $2 ORDER BY load_ppm, participants, id LIMIT 1");
    LIST_REACHABLE = select_node!("WHERE heartbeat_at > $1 AND state <> 'down' ORDER BY id LIMIT $2");
    LIST_SILENT = select_node!("WHERE heartbeat_at <= $1 AND state <> 'down' ORDER BY id LIMIT $2");
    SET_NODE_STATE = "UPDATE media_nodes SET state = $2 WHERE id = $1 AND state <> $2";
    DELETE_FORGOTTEN_NODES = "DELETE FROM media_nodes WHERE state = 'down' AND heartbeat_at < $1";
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

/// The best node for a new call: up, heard of after `alive_since`, and not `except`.
pub(crate) async fn find_least_loaded(
    db: &Db,
    alive_since: Micros,
    except: &str,
) -> Result<Option<MediaNode>, StoreError> {
    run!(db, fetch_optional as MediaNode, FIND_LEAST_LOADED, alive_since, except)
}

/// Nodes heard of after `alive_since`.
pub(crate) async fn list_reachable(
    on: impl Into<On<'_>>,
    alive_since: Micros,
    limit: i64,
) -> Result<Vec<MediaNode>, StoreError> {
    run!(on, fetch_all as MediaNode, LIST_REACHABLE, alive_since, limit)
}

/// Nodes last heard of before `silent_since` and not yet marked down.
pub(crate) async fn list_silent(db: &Db, silent_since: Micros, limit: i64) -> Result<Vec<MediaNode>, StoreError> {
    run!(db, fetch_all as MediaNode, LIST_SILENT, silent_since, limit)
}

pub(crate) async fn set_state(on: impl Into<On<'_>>, id: &str, state: NodeState) -> Result<bool, StoreError> {
    Ok(run!(on, execute, SET_NODE_STATE, id, state)? == 1)
}

/// Forgets nodes that went down before `before`.
pub(crate) async fn delete_forgotten(tx: &mut Tx, before: Micros) -> Result<u64, StoreError> {
    run!(tx, execute, DELETE_FORGOTTEN_NODES, before)
}
