//! The worker's loop: wait, commands in, datagrams in, timers, datagrams out, events out. The only reader of the clock.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::{Events, Interest, Poll, Token};
use sfu_engine::api::{Event, RoomId};
use sfu_engine::transport::DtlsIdentity;
use sfu_engine::{Engine, EngineConfig};
use tokio::sync::mpsc;

use super::{Message, Shared};
use crate::net::udp::{ReceiveBuffers, UdpPort};

pub(super) const WAKE: Token = Token(usize::MAX);

/// Batches read from one socket before what they caused is sent: bounds both latency and the size of a burst.
const BATCHES_PER_TURN: usize = 4;

/// Commands handled before packets get their turn again.
const COMMANDS_PER_TURN: usize = 256;

/// Longest sleep without anything to do.
const IDLE: Duration = Duration::from_millis(500);

/// A turn that takes longer than this delays every call on the worker.
const SLOW_TURN: Duration = Duration::from_millis(5);

/// Seconds from the NTP era (1900) to the Unix one (RFC 5905).
const NTP_UNIX_OFFSET_SECS: u64 = 2_208_988_800;

pub(super) struct Worker {
    shared: Arc<Shared>,
    commands: Receiver<Message>,
    poll: Poll,
    ports: Vec<UdpPort>,
    /// Which ports may still hold datagrams: readiness is edge-triggered.
    readable: Vec<bool>,
    engine: Engine,
    rooms: HashMap<RoomId, mpsc::Sender<Event>>,
    buffers: ReceiveBuffers,
    stopping: bool,
    /// More commands wait than one turn takes.
    backlog: bool,
}

impl Worker {
    pub(super) fn new(
        shared: Arc<Shared>,
        commands: Receiver<Message>,
        poll: Poll,
        mut ports: Vec<UdpPort>,
        identity: Arc<DtlsIdentity>,
    ) -> io::Result<Self> {
        for (index, port) in ports.iter_mut().enumerate() {
            poll.registry().register(port.source(), Token(index), Interest::READABLE)?;
        }
        let engine = Engine::new(EngineConfig { identity, ntp_now: ntp_now(), seed: rand::random() }, Instant::now());
        let readable = vec![true; ports.len()];
        Ok(Self {
            shared,
            commands,
            poll,
            ports,
            readable,
            engine,
            rooms: HashMap::new(),
            buffers: ReceiveBuffers::default(),
            stopping: false,
            backlog: false,
        })
    }

    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(16);
        while !self.stopping {
            self.wait(&mut events);
            let now = Instant::now();
            self.take_commands(now);
            self.receive(now);
            self.engine.handle_timeout(now);
            self.send();
            self.deliver_events();
            self.count(now.elapsed());
        }
    }

    fn wait(&mut self, events: &mut Events) {
        let timeout = if self.backlog || self.readable.contains(&true) {
            Duration::ZERO
        } else {
            self.engine.poll_timeout().map_or(IDLE, |at| at.saturating_duration_since(Instant::now()).min(IDLE))
        };
        if let Err(error) = self.poll.poll(events, Some(timeout))
            && error.kind() != io::ErrorKind::Interrupted
        {
            tracing::error!(%error, "media worker cannot wait for its sockets");
        }
        for event in events.iter() {
            if let Some(readable) = self.readable.get_mut(event.token().0) {
                *readable = true;
            }
        }
    }

    fn take_commands(&mut self, now: Instant) {
        self.shared.woken.store(false, Ordering::Release);
        self.backlog = true;
        for _ in 0..COMMANDS_PER_TURN {
            let message = match self.commands.try_recv() {
                Ok(message) => message,
                Err(TryRecvError::Empty) => {
                    self.backlog = false;
                    return;
                }
                Err(TryRecvError::Disconnected) => {
                    self.stopping = true;
                    return;
                }
            };
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
            match message {
                Message::Command(command) => self.engine.handle_command(now, command),
                Message::OpenRoom(room, events) => {
                    self.rooms.insert(room, events);
                }
                Message::CloseRoom(room) => {
                    self.rooms.remove(&room);
                }
                Message::Ping(reply) => {
                    // Whoever asked may have given up.
                    let _ = reply.send(());
                }
                Message::Stop => self.stopping = true,
            }
        }
    }

    fn receive(&mut self, now: Instant) {
        let (mut datagrams, mut bytes) = (0, 0);
        for (port, readable) in self.ports.iter().zip(&mut self.readable) {
            for _ in 0..BATCHES_PER_TURN {
                if !*readable {
                    break;
                }
                let result = port.receive(&mut self.buffers, |tuple, datagram| {
                    bytes += datagram.len() as u64;
                    self.engine.handle_datagram(now, tuple, datagram);
                });
                match result {
                    Ok(count) => datagrams += count as u64,
                    // Anything but "interrupted" ends this turn; an ICMP error of one destination is not ours to handle.
                    Err(error) => *readable = matches!(error.kind(), io::ErrorKind::Interrupted),
                }
            }
        }
        let counters = &self.shared.counters;
        counters.datagrams_in.fetch_add(datagrams, Ordering::Relaxed);
        counters.bytes_in.fetch_add(bytes, Ordering::Relaxed);
    }

    fn send(&mut self) {
        let (mut datagrams, mut bytes, mut sends, mut errors) = (0, 0, 0, 0);
        while let Some(transmit) = self.engine.poll_transmit() {
            let v4 = transmit.tuple.remote.is_ipv4();
            let Some(port) = self.ports.iter().find(|port| port.local().is_ipv4() == v4) else {
                errors += 1;
                continue;
            };
            sends += 1;
            match port.send(transmit.tuple, transmit.bytes, transmit.segment_size) {
                Ok(()) => {
                    datagrams += transmit.count as u64;
                    bytes += transmit.bytes.len() as u64;
                }
                // A full kernel buffer is loss like any other on the way: the receiver asks again.
                Err(_) => errors += 1,
            }
        }
        let counters = &self.shared.counters;
        counters.datagrams_out.fetch_add(datagrams, Ordering::Relaxed);
        counters.bytes_out.fetch_add(bytes, Ordering::Relaxed);
        counters.sends.fetch_add(sends, Ordering::Relaxed);
        counters.send_errors.fetch_add(errors, Ordering::Relaxed);
    }

    fn deliver_events(&mut self) {
        while let Some((room, event)) = self.engine.poll_event() {
            let delivered = self.rooms.get(&room).is_some_and(|events| events.try_send(event).is_ok());
            if !delivered {
                self.shared.counters.events_dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn count(&self, turn: Duration) {
        let counters = &self.shared.counters;
        counters.busy_us.fetch_add(turn.as_micros() as u64, Ordering::Relaxed);
        if turn > SLOW_TURN {
            counters.slow_turns.fetch_add(1, Ordering::Relaxed);
        }
        let figures = self.engine.figures();
        counters.transports.store(figures.transports as u64, Ordering::Relaxed);
        counters.publications.store(figures.publications as u64, Ordering::Relaxed);
        counters.subscriptions.store(figures.subscriptions as u64, Ordering::Relaxed);
        counters.packets_forwarded.store(figures.packets_forwarded, Ordering::Relaxed);
        counters.keyframe_requests.store(figures.keyframe_requests, Ordering::Relaxed);
        counters.retransmissions.store(figures.retransmissions, Ordering::Relaxed);
        for (total, drops) in counters.drops.iter().zip(&figures.drops) {
            total.store(*drops, Ordering::Relaxed);
        }
    }
}

/// The wall clock as an NTP timestamp (RFC 3550 §4): seconds since 1900 in the upper half, fraction in the lower.
fn ntp_now() -> u64 {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
    ((unix.as_secs() + NTP_UNIX_OFFSET_SECS) << 32) | fraction
}
