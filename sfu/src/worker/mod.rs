//! Stand-in for the media workers, until the threads with their sockets and engines take its place: it has their
//! interface, announces one candidate and carries no media.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use sfu_engine::api::Command;
use sfu_engine::api::Event;
use sfu_engine::api::RoomId;
use tokio::sync::mpsc;

/// What workers need to start.
#[derive(Clone, Debug)]
pub struct WorkersConfig {
    pub bind: IpAddr,
    pub udp_port: u16,
    pub workers: usize,
    pub advertise: Vec<IpAddr>,
}

/// Why workers did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {}

/// A worker's side that the room sees.
#[derive(Clone)]
pub struct WorkerHandle {
    candidates: Vec<SocketAddr>,
    fingerprint: String,
    rooms: Arc<Mutex<Vec<(RoomId, mpsc::Sender<Event>)>>>,
}

impl WorkerHandle {
    pub fn send(&self, command: Command) {
        let _ = command;
    }

    pub fn open_room(&self, room: RoomId, events: mpsc::Sender<Event>) {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).push((room, events));
    }

    pub fn close_room(&self, room: RoomId) {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).retain(|(other, _)| *other != room);
    }

    pub fn candidates(&self) -> &[SocketAddr] {
        &self.candidates
    }

    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub fn transports(&self) -> usize {
        0
    }
}

/// All workers of a node.
pub struct Workers {
    handle: [WorkerHandle; 1],
}

impl Workers {
    /// # Errors
    /// None.
    pub fn start(config: &WorkersConfig) -> Result<Self, StartError> {
        let ip = config.advertise.first().copied().unwrap_or_else(|| [127, 0, 0, 1].into());
        let handle = WorkerHandle {
            candidates: vec![SocketAddr::new(ip, config.udp_port)],
            fingerprint: ["AA"; 32].join(":"),
            rooms: Arc::default(),
        };
        Ok(Self { handle: [handle] })
    }

    pub fn handles(&self) -> &[WorkerHandle] {
        &self.handle
    }

    pub fn least_loaded(&self) -> WorkerHandle {
        let [handle] = &self.handle;
        handle.clone()
    }

    pub fn publish_metrics(&self) {}

    pub fn shutdown(&mut self) {}
}
