//! Worker threads: each owns one UDP port and one engine, and shares nothing with the others while packets flow.
//!
//! In: commands from rooms, datagrams from the kernel. Out: datagrams, events to rooms. A room's handle to its worker is
//! [`WorkerHandle`]; [`Workers`] starts and stops them all.

mod counters;
mod thread;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use sfu_engine::api::{Command, Event, RoomId};
use sfu_engine::transport::DtlsIdentity;
use tokio::sync::{mpsc, oneshot};

use crate::net::addresses::candidate_addresses;
use crate::net::udp::bind_port;
use counters::Counters;

/// Commands that may wait for one worker. A worker empties its queue every few milliseconds, and a join costs about ten
/// commands, so this is thousands of joins at one moment.
const COMMAND_QUEUE: usize = 32 * 1024;

/// Above this many waiting commands, data messages are refused, so that the others always find room.
const DATA_QUEUE: usize = COMMAND_QUEUE / 2;

/// What workers need to start.
#[derive(Clone, Debug)]
pub struct WorkersConfig {
    /// Address that the sockets are bound to; `0.0.0.0` and `::` take all.
    pub bind: IpAddr,
    /// Port of the first worker; worker *i* takes this plus *i*. 0: any free port.
    pub udp_port: u16,
    /// Number of threads; 0: one per core.
    pub workers: usize,
    /// Addresses that clients are told instead of the machine's own.
    pub advertise: Vec<IpAddr>,
}

/// Why workers did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot open a media port: {0}")]
    Socket(#[source] io::Error),
    #[error("cannot make the DTLS certificate: {0}")]
    Certificate(String),
    #[error("cannot list the machine's addresses: {0}")]
    Addresses(#[source] io::Error),
    #[error("worker ports end at {0}, past 65535")]
    PortRange(usize),
}

enum Message {
    Command(Command),
    OpenRoom(RoomId, mpsc::Sender<Event>),
    CloseRoom(RoomId),
    Ping(oneshot::Sender<()>),
    Stop,
}

/// A worker's side that the room sees. Cheap to clone.
#[derive(Clone)]
pub struct WorkerHandle {
    shared: Arc<Shared>,
}

struct Shared {
    queue: SyncSender<Message>,
    waiting: AtomicUsize,
    waker: mio::Waker,
    /// Set while a wake-up is under way, so that a burst of commands costs one.
    woken: AtomicBool,
    candidates: Vec<SocketAddr>,
    fingerprint: String,
    counters: Counters,
}

impl WorkerHandle {
    /// Hands the worker a command. Never blocks; a data message that finds the queue half full, or any command that finds
    /// it full, is dropped and counted.
    pub fn send(&self, command: Command) {
        if matches!(command, Command::SendData { .. }) && self.shared.waiting.load(Ordering::Relaxed) > DATA_QUEUE {
            self.shared.counters.commands_dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.post(Message::Command(command));
    }

    /// From now on, events of `room` go to `events`. To be called before the room's first transport opens.
    pub fn open_room(&self, room: RoomId, events: mpsc::Sender<Event>) {
        self.post(Message::OpenRoom(room, events));
    }

    /// Forgets where events of `room` go.
    pub fn close_room(&self, room: RoomId) {
        self.post(Message::CloseRoom(room));
    }

    /// Resolves once the worker has come by its commands; fails when its thread is gone.
    pub fn ping(&self) -> oneshot::Receiver<()> {
        let (reply, answer) = oneshot::channel();
        self.post(Message::Ping(reply));
        answer
    }

    /// Where clients reach this worker, most preferred first.
    pub fn candidates(&self) -> &[SocketAddr] {
        &self.shared.candidates
    }

    /// The certificate's SHA-256 in the form of `a=fingerprint`.
    pub fn fingerprint(&self) -> &str {
        &self.shared.fingerprint
    }

    /// Transports now open on this worker.
    pub fn transports(&self) -> usize {
        self.shared.counters.transports.load(Ordering::Relaxed) as usize
    }

    /// Time it has worked since it started, waits left out.
    pub fn busy(&self) -> Duration {
        Duration::from_micros(self.shared.counters.busy_us.load(Ordering::Relaxed))
    }

    fn post(&self, message: Message) {
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = self.shared.queue.try_send(message) {
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
            self.shared.counters.commands_dropped.fetch_add(1, Ordering::Relaxed);
            if matches!(error, TrySendError::Full(_)) {
                tracing::error!("a media worker does not keep up: command dropped");
            }
            return;
        }
        // Acquire/release: the worker clears the flag before it reads the queue.
        if !self.shared.woken.swap(true, Ordering::AcqRel) {
            let _ = self.shared.waker.wake();
        }
    }
}

/// Opens every media port and closes it again: what [`Workers::start`] will need, found out before anything else starts.
///
/// # Errors
/// [`StartError`], for the first port that cannot be had.
pub fn check_ports(config: &WorkersConfig) -> Result<(), StartError> {
    if config.udp_port == 0 {
        return Ok(());
    }
    for port in (config.udp_port..=u16::MAX).take(config.workers) {
        bind_port(config.bind, port).map_err(StartError::Socket)?;
    }
    Ok(())
}

/// All workers of a node.
pub struct Workers {
    handles: Vec<WorkerHandle>,
    threads: Vec<JoinHandle<()>>,
    fingerprint: String,
}

impl Workers {
    /// Binds the ports, makes one DTLS certificate for the life of the process and starts the threads.
    ///
    /// # Errors
    /// [`StartError`]; nothing keeps running then.
    pub fn start(config: &WorkersConfig) -> Result<Self, StartError> {
        let count = match config.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let last = usize::from(config.udp_port) + count - 1;
        if last > usize::from(u16::MAX) {
            return Err(StartError::PortRange(last));
        }
        let identity = Arc::new(make_identity()?);
        let addresses = candidate_addresses(config.bind, &config.advertise).map_err(StartError::Addresses)?;
        let mut workers = Self { handles: Vec::new(), threads: Vec::new(), fingerprint: identity.fingerprint_sdp() };
        for index in 0..count {
            let offset = if config.udp_port == 0 { 0 } else { index as u16 };
            let (handle, thread) = start_worker(config, index, config.udp_port + offset, &addresses, &identity)?;
            workers.handles.push(handle);
            workers.threads.push(thread);
        }
        Ok(workers)
    }

    pub fn handle(&self, index: usize) -> Option<&WorkerHandle> {
        self.handles.get(index)
    }

    pub fn handles(&self) -> &[WorkerHandle] {
        &self.handles
    }

    /// The worker with the fewest transports: where a new room goes.
    ///
    /// # Panics
    /// Never: there is at least one worker.
    #[expect(clippy::expect_used, reason = "start() makes at least one worker")]
    pub fn least_loaded(&self) -> WorkerHandle {
        self.handles.iter().min_by_key(|handle| handle.transports()).expect("at least one worker").clone()
    }

    /// The certificate's SHA-256 in the form of `a=fingerprint`.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Writes the workers' counters to the metrics recorder. To be called now and then, not per packet.
    pub fn publish_metrics(&self) {
        for (index, handle) in self.handles.iter().enumerate() {
            handle.shared.counters.publish(index);
        }
    }

    /// Ends the threads after what is queued was handled. Blocks for some milliseconds.
    pub fn shutdown(&mut self) {
        for handle in &self.handles {
            handle.post(Message::Stop);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shutdown();
    }
}

fn make_identity() -> Result<DtlsIdentity, StartError> {
    let certificate = |e: rcgen::Error| StartError::Certificate(e.to_string());
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(certificate)?;
    let params = rcgen::CertificateParams::new(vec!["plenum".to_owned()]).map_err(certificate)?;
    let signed = params.self_signed(&key).map_err(certificate)?;
    DtlsIdentity::new(signed.der().to_vec(), key.serialize_der()).map_err(|e| StartError::Certificate(e.to_string()))
}

fn start_worker(
    config: &WorkersConfig,
    index: usize,
    port: u16,
    addresses: &[IpAddr],
    identity: &Arc<DtlsIdentity>,
) -> Result<(WorkerHandle, JoinHandle<()>), StartError> {
    let ports = bind_port(config.bind, port).map_err(StartError::Socket)?;
    let poll = mio::Poll::new().map_err(StartError::Socket)?;
    let waker = mio::Waker::new(poll.registry(), thread::WAKE).map_err(StartError::Socket)?;
    let candidates = addresses
        .iter()
        .filter_map(|ip| {
            // An advertised address may be of a family that no socket has (NAT64): then the only socket stands for it.
            let socket = ports.iter().find(|p| p.local().is_ipv4() == ip.is_ipv4()).or(ports.first())?;
            Some(SocketAddr::new(*ip, socket.local().port()))
        })
        .collect();
    let (queue, commands) = sync_channel(COMMAND_QUEUE);
    let shared = Arc::new(Shared {
        queue,
        waiting: AtomicUsize::new(0),
        waker,
        woken: AtomicBool::new(false),
        candidates,
        fingerprint: identity.fingerprint_sdp(),
        counters: Counters::default(),
    });
    let worker =
        thread::Worker::new(shared.clone(), commands, poll, ports, identity.clone()).map_err(StartError::Socket)?;
    let thread = std::thread::Builder::new()
        .name(format!("media-{index}"))
        .spawn(move || worker.run())
        .map_err(StartError::Socket)?;
    Ok((WorkerHandle { shared }, thread))
}
