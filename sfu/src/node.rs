//! The node: workers, rooms, keys; what everything else in this crate shares.
//!
//! In: a [`NodeConfig`]. Out: a router to serve and an orderly end. It owns no listening TCP socket: the binary does.

use std::collections::HashMap;
use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use sfu_engine::api::TransportId;
use signaling_proto::error::JoinRefusal;
use signaling_proto::ids;
use signaling_proto::proto;
use signaling_proto::token::Claims;
use signaling_proto::token::KeyStore;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::HttpCall;
use crate::api::NetworkCall;
use crate::api::webhooks::Webhooks;
use crate::cluster::PendingQuality;
use crate::config::NodeConfig;
use crate::revocations::Revocations;
use crate::room;
use crate::room::RoomHandle;
use crate::room::RoomSettings;
use crate::worker::StartError;
use crate::worker::WorkerHandle;
use crate::worker::Workers;
use crate::worker::WorkersConfig;

/// How long the end of the node waits for webhooks after the rooms are closed.
const WEBHOOK_DRAIN: Duration = Duration::from_secs(3);

/// A worker comes by its commands every few milliseconds.
const WORKER_PING: Duration = Duration::from_millis(1_500);

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error(transparent)]
    Workers(#[from] StartError),
    #[error("no API key is configured")]
    NoKeys,
    #[error("cannot set up outgoing HTTP: {0}")]
    Http(#[from] reqwest::Error),
}

/// Figures of a running node.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NodeCounters {
    pub rooms: usize,
    pub participants: usize,
    /// Open signaling sockets.
    pub sockets: usize,
    /// Peer connections of all workers.
    pub transports: usize,
}

/// What rooms, sessions and the server API share.
pub(crate) struct Shared {
    pub(crate) config: NodeConfig,
    pub(crate) keys: KeyStore,
    pub(crate) webhooks: Webhooks,
    /// Keys whose tokens may open rooms by joining.
    auto_create: HashSet<String>,
    workers: Mutex<Workers>,
    rooms: Mutex<HashMap<Arc<str>, RoomHandle>>,
    revocations: Mutex<Revocations>,
    next_id: AtomicU64,
    pub(crate) sockets: Arc<Semaphore>,
    pub(crate) tasks: TaskTracker,
    shutting_down: AtomicBool,
    pub(crate) draining: AtomicBool,
    /// What came of the last heartbeat.
    heard: Mutex<Option<Result<(), String>>>,
    /// What the next heartbeats tell of connections.
    pub(crate) quality: PendingQuality,
    stop: CancellationToken,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // No lock here is held across code that can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// An id for a room, transport, publication or subscription: never used twice.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn next_transport(&self) -> TransportId {
        TransportId(self.next_id())
    }

    pub(crate) fn least_loaded_worker(&self) -> WorkerHandle {
        lock(&self.workers).least_loaded()
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    pub(crate) fn is_shutting_down(&self) -> bool {
        self.shutting_down.load(Ordering::Acquire)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.is_shutting_down() || self.draining.load(Ordering::Acquire)
    }

    /// Notes what came of a heartbeat.
    pub(crate) fn note_heartbeat(&self, outcome: Result<(), String>) {
        *lock(&self.heard) = Some(outcome);
    }

    pub(crate) fn may_auto_create(&self, key: &str) -> bool {
        self.auto_create.contains(key)
    }

    pub(crate) fn room(&self, name: &str) -> Option<RoomHandle> {
        lock(&self.rooms).get(name).cloned()
    }

    pub(crate) fn rooms(&self) -> Vec<RoomHandle> {
        lock(&self.rooms).values().cloned().collect()
    }

    /// The room of that name, opened with `settings` if there is none.
    pub(crate) fn room_or_open(self: &Arc<Self>, settings: RoomSettings) -> Result<RoomHandle, JoinRefusal> {
        let mut rooms = lock(&self.rooms);
        if let Some(room) = rooms.get(settings.name.as_str()) {
            return Ok(room.clone());
        }
        let full = |reason: &str| JoinRefusal::NodeFull { reason: reason.to_owned() };
        if self.is_draining() {
            return Err(full("it is shutting down or draining"));
        }
        if rooms.len() >= self.config.limits.rooms {
            return Err(full("it has as many rooms as it may"));
        }
        let room = room::open(self, settings);
        metrics::counter!("plenum_rooms_opened_total").increment(1);
        rooms.insert(Arc::clone(&room.name), room.clone());
        Ok(room)
    }

    /// Nobody finds the room from now on. A successor of the same name stays.
    pub(crate) fn forget_room(&self, name: &str, sid: &str) {
        let mut rooms = lock(&self.rooms);
        if rooms.get(name).is_some_and(|room| &*room.sid == sid) {
            rooms.remove(name);
            drop(rooms);
            lock(&self.revocations).forget_room(name);
        }
    }

    pub(crate) fn seen_expiry(&self, room: &Arc<str>, exp: u64) {
        lock(&self.revocations).seen_expiry(room, exp);
    }

    /// Withdraws tokens made up to `issued_until` (Unix seconds; `None`: now).
    pub(crate) fn revoke(&self, room: &str, identity: Option<&str>, issued_until: Option<u64>) {
        let now = signaling_proto::unix_now();
        lock(&self.revocations).revoke(room, identity, issued_until.unwrap_or(now), now);
    }

    pub(crate) fn is_revoked(&self, claims: &Claims, room: &str) -> bool {
        lock(&self.revocations).is_revoked(room, claims.identity(), claims.issued_at())
    }

    /// How long each worker has worked since it started.
    pub(crate) fn busy(&self) -> Vec<Duration> {
        lock(&self.workers).handles().iter().map(WorkerHandle::busy).collect()
    }

    pub(crate) fn counters(&self) -> NodeCounters {
        let rooms = self.rooms();
        let participants = rooms.iter().map(|room| room.summary().num_participants as usize).sum();
        NodeCounters {
            rooms: rooms.len(),
            participants,
            sockets: self.config.limits.sockets.saturating_sub(self.sockets.available_permits()),
            transports: lock(&self.workers).handles().iter().map(WorkerHandle::transports).sum(),
        }
    }
}

/// A running media node.
#[derive(Clone)]
pub struct Node {
    shared: Arc<Shared>,
}

impl Node {
    /// Starts workers, webhooks and the heartbeat. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// When a port cannot be opened, or nothing could ever join for want of a key. Nothing keeps running then.
    pub fn start(mut config: NodeConfig) -> Result<Self, NodeError> {
        if config.keys.is_empty() {
            return Err(NodeError::NoKeys);
        }
        if config.node_id.is_empty() {
            config.node_id = ids::node_id();
        }
        let mut keys = KeyStore::default();
        for key in &config.keys {
            keys.insert(key.key.clone(), key.secret.clone());
        }
        let network: Arc<dyn HttpCall> = Arc::new(NetworkCall::new()?);
        let workers = Workers::start(&WorkersConfig {
            bind: config.bind,
            udp_port: config.udp_port,
            workers: config.workers,
            advertise: config.advertise_ips.clone(),
        })?;
        let shared = Arc::new(Shared {
            auto_create: config.keys.iter().filter(|key| key.auto_create_rooms).map(|key| key.key.clone()).collect(),
            webhooks: Webhooks::start(&config.webhooks, &network),
            sockets: Arc::new(Semaphore::new(config.limits.sockets)),
            config,
            keys,
            workers: Mutex::new(workers),
            rooms: Mutex::new(HashMap::new()),
            revocations: Mutex::new(Revocations::default()),
            next_id: AtomicU64::new(1),
            tasks: TaskTracker::new(),
            shutting_down: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            heard: Mutex::new(None),
            quality: PendingQuality::default(),
            stop: CancellationToken::new(),
        });
        if let Some(control_plane) = shared.config.control_plane.clone() {
            let call = control_plane.call.clone().unwrap_or(network);
            shared.spawn(crate::cluster::report(Arc::clone(&shared), control_plane, call, shared.stop.clone()));
        }
        Ok(Self { shared })
    }

    /// The node's HTTP: `/rtc`, `/rtc/v1`, their `validate`, and `/twirp/…`. It has no fallback of its own, so that it
    /// merges with other routers.
    pub fn router(&self) -> Router {
        Router::new()
            .merge(crate::signal::router(Arc::clone(&self.shared)))
            .merge(crate::api::router(Arc::clone(&self.shared)))
    }

    /// `ND_…`
    pub fn id(&self) -> &str {
        &self.shared.config.node_id
    }

    pub fn counters(&self) -> NodeCounters {
        self.shared.counters()
    }

    /// Whether every worker comes by its commands.
    ///
    /// # Errors
    /// Which one does not, in words.
    pub async fn workers_ready(&self) -> Result<(), String> {
        let pings: Vec<_> = lock(&self.shared.workers).handles().iter().map(WorkerHandle::ping).collect();
        for (index, ping) in pings.into_iter().enumerate() {
            match tokio::time::timeout(WORKER_PING, ping).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(format!("media worker {index} has ended")),
                Err(_) => return Err(format!("media worker {index} does not answer")),
            }
        }
        Ok(())
    }

    /// Whether the control plane took the last heartbeat; `None` without a control plane.
    ///
    /// # Errors
    /// Why it did not, in words.
    pub fn control_plane_ready(&self) -> Option<Result<(), String>> {
        self.shared.config.control_plane.as_ref()?;
        let heard = lock(&self.shared.heard).clone();
        Some(heard.unwrap_or_else(|| Err("it has not answered yet".to_owned())))
    }

    /// Writes gauges and the workers' counters to the metrics recorder; called when metrics are read.
    pub fn publish_metrics(&self) {
        let counters = self.counters();
        metrics::gauge!("plenum_rooms").set(counters.rooms as f64);
        metrics::gauge!("plenum_participants").set(counters.participants as f64);
        metrics::gauge!("plenum_signal_sockets").set(counters.sockets as f64);
        lock(&self.shared.workers).publish_metrics();
    }

    /// Ends the node: every client gets a Leave with SERVER_SHUTDOWN and its socket is closed, rooms end, webhooks are
    /// delivered, workers stop. Returns after `deadline` plus a few seconds for webhooks at the latest.
    pub async fn shutdown(&self, deadline: Duration) {
        self.shared.shutting_down.store(true, Ordering::Release);
        self.shared.stop.cancel();
        for room in self.shared.rooms() {
            let _ = room.call(|room| room.close(proto::RoomEndReason::RoomEndServerShutdown)).await;
        }
        self.shared.tasks.close();
        if tokio::time::timeout(deadline, self.shared.tasks.wait()).await.is_err() {
            tracing::warn!("some sessions did not end in time");
        }
        self.shared.webhooks.drain(WEBHOOK_DRAIN).await;
        let shared = Arc::clone(&self.shared);
        // It joins threads.
        let _ = tokio::task::spawn_blocking(move || lock(&shared.workers).shutdown()).await;
    }
}
