//! The engine itself: it owns every transport, publication and subscription of one worker and carries packets between
//! them.
//!
//! In: datagrams, commands, time. Out: runs of datagrams ([`Engine::poll_transmit`]), events ([`Engine::poll_event`]),
//! the next deadline ([`Engine::poll_timeout`]). After each input the caller drains all three. On the way from
//! [`Engine::handle_datagram`] to [`Engine::poll_transmit`] nothing allocates at steady state, locks or reads a clock.
//!
//! - `state.rs`: what one transport, publication, subscription and room consist of
//! - `commands.rs`: the room's commands: the only place where entries come and go
//! - `inbound.rs`: a datagram's way in, down to an opened packet with its publication and layer
//! - `outbound.rs`: one packet to all who subscribe to it; repair
//! - `feedback.rs`: RTCP in and out
//! - `timers.rs`, `wheel.rs`: what happens by time alone

mod commands;
mod feedback;
mod inbound;
mod outbound;
mod state;
mod timers;
mod wheel;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use crate::api::{Command, DropReason, Event, PublicationId, RoomId, SubscriptionId, TransportId, Tuple};
use crate::demux::{self, DatagramClass};
use crate::route::Table;
use crate::run::Segments;
use crate::transport::DtlsIdentity;
use state::{
    PublicationKey, PublicationSlot, RoomSlot, SubscriptionKey, SubscriptionSlot, TransportKey, TransportSlot,
};
use timers::Waiter;
use wheel::Wheel;

/// Events that may wait for [`Engine::poll_event`]; the caller drains after each input, so only a fault gets here.
const MAX_EVENTS: usize = 16 * 1024;

/// What an engine needs to start.
#[derive(Clone)]
pub struct EngineConfig {
    pub identity: Arc<DtlsIdentity>,
    /// The wall clock at the `now` given to [`Engine::new`], as an NTP timestamp (RFC 3550 §4).
    pub ntp_now: u64,
    /// Where sequence numbers and picture ids start.
    pub seed: u64,
}

/// One system call's worth of datagrams for one destination.
#[derive(Debug)]
pub struct Transmit<'a> {
    pub tuple: Tuple,
    pub bytes: &'a [u8],
    /// Bytes of every datagram but the last, which may be shorter.
    pub segment_size: usize,
    pub count: usize,
}

/// How many there are of what, and totals since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub transports: usize,
    pub publications: usize,
    pub subscriptions: usize,
    pub packets_forwarded: u64,
    pub keyframe_requests: u64,
    pub retransmissions: u64,
    /// By [`DropReason`], in discriminant order.
    pub drops: [u64; DropReason::COUNT],
}

/// See the module.
pub struct Engine {
    config: EngineConfig,
    transports: Table<TransportId, TransportSlot>,
    publications: Table<PublicationId, PublicationSlot>,
    subscriptions: Table<SubscriptionId, SubscriptionSlot>,
    rooms: HashMap<RoomId, RoomSlot>,
    by_ufrag: HashMap<String, TransportKey>,
    by_tuple: HashMap<Tuple, TransportKey>,
    /// Whose media comes with this SSRC, for the moment when its address changed.
    by_ssrc: HashMap<u32, TransportKey>,
    wheel: Wheel<Waiter>,
    /// Transports that have something to send, in the order in which they got it.
    dirty: VecDeque<TransportKey>,
    /// Publications whose subscribers want a keyframe, to be asked for at the end of the input.
    wants_keyframe: Vec<PublicationKey>,
    /// Subscriptions whose first packet was just sent.
    started: Vec<SubscriptionKey>,
    outgoing: Outgoing,
    events: VecDeque<(RoomId, Event)>,
    figures: Figures,
    /// Scratch space for feedback packets.
    rtcp: Vec<u8>,
}

/// What [`Engine::poll_transmit`] hands out now.
#[derive(Default)]
struct Outgoing {
    /// The last datagram of control traffic taken from a transport.
    control: Vec<u8>,
    /// Datagrams of transports that closed: their farewell.
    farewells: VecDeque<(Tuple, Vec<u8>)>,
}

enum Next {
    Control(Tuple),
    Run(TransportKey, Tuple, Segments),
}

impl Engine {
    pub fn new(config: EngineConfig, now: Instant) -> Self {
        Self {
            config,
            transports: Table::default(),
            publications: Table::default(),
            subscriptions: Table::default(),
            rooms: HashMap::new(),
            by_ufrag: HashMap::new(),
            by_tuple: HashMap::new(),
            by_ssrc: HashMap::new(),
            wheel: Wheel::new(now),
            dirty: VecDeque::new(),
            wants_keyframe: Vec::new(),
            started: Vec::new(),
            outgoing: Outgoing::default(),
            events: VecDeque::new(),
            figures: Figures::default(),
            rtcp: Vec::with_capacity(crate::run::MAX_DATAGRAM),
        }
    }

    /// One datagram from the network. It is decrypted in place: its bytes are undefined afterwards.
    pub fn handle_datagram(&mut self, now: Instant, tuple: Tuple, bytes: &mut [u8]) {
        let result = match demux::classify(bytes) {
            None => Err(DropReason::Malformed),
            Some(DatagramClass::Stun) => self.handle_stun(now, tuple, bytes),
            Some(class) => match self.by_tuple.get(&tuple).copied() {
                None => match self.transport_by_ssrc(bytes) {
                    Some(key) if class == DatagramClass::Rtp => self.handle_rtp(now, key, tuple, bytes),
                    _ => Err(DropReason::UnknownAddress),
                },
                Some(key) => match class {
                    DatagramClass::Dtls => self.handle_dtls(now, key, tuple, bytes),
                    DatagramClass::Rtp => self.handle_rtp(now, key, tuple, bytes),
                    DatagramClass::Rtcp => self.handle_rtcp(now, key, tuple, bytes),
                    DatagramClass::Stun => Err(DropReason::Malformed),
                },
            },
        };
        if let Err(reason) = result {
            self.count_drop(reason);
        }
        self.ask_for_keyframes(now);
    }

    /// One command from a room.
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        if let Err(reason) = self.apply(now, command) {
            self.count_drop(reason);
        }
        self.ask_for_keyframes(now);
    }

    /// Everything that is due at `now`. Early calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.run_timers(now);
        self.ask_for_keyframes(now);
    }

    /// When [`Self::handle_timeout`] must be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.wheel.next()
    }

    /// The next thing that a room should know.
    pub fn poll_event(&mut self) -> Option<(RoomId, Event)> {
        self.events.pop_front()
    }

    /// The next datagrams to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        match self.next_outgoing()? {
            Next::Control(tuple) => {
                let bytes = self.outgoing.control.as_slice();
                Some(Transmit { tuple, bytes, segment_size: bytes.len(), count: 1 })
            }
            Next::Run(key, tuple, segments) => {
                let bytes = self.transports.get(key)?.run.bytes(segments);
                Some(Transmit { tuple, bytes, segment_size: segments.segment_size, count: segments.count })
            }
        }
    }

    /// Counters and sizes as they are now.
    pub fn figures(&self) -> Figures {
        Figures {
            transports: self.transports.len(),
            publications: self.publications.len(),
            subscriptions: self.subscriptions.len(),
            ..self.figures
        }
    }

    fn next_outgoing(&mut self) -> Option<Next> {
        if let Some((tuple, bytes)) = self.outgoing.farewells.pop_front() {
            self.outgoing.control = bytes;
            return Some(Next::Control(tuple));
        }
        while let Some(&key) = self.dirty.front() {
            if let Some(slot) = self.transports.get_mut(key) {
                if let Some((tuple, bytes)) = slot.transport.poll_datagram() {
                    self.outgoing.control = bytes;
                    return Some(Next::Control(tuple));
                }
                if let Some(tuple) = slot.transport.remote()
                    && let Some(segments) = slot.run.next_segments()
                {
                    return Some(Next::Run(key, tuple, segments));
                }
                slot.run.clear();
                slot.dirty = false;
            }
            self.dirty.pop_front();
        }
        None
    }

    fn count_drop(&mut self, reason: DropReason) {
        if let Some(count) = self.figures.drops.get_mut(reason as usize) {
            *count += 1;
        }
    }

    fn emit(&mut self, room: RoomId, event: Event) {
        if self.events.len() < MAX_EVENTS {
            self.events.push_back((room, event));
        } else {
            self.count_drop(DropReason::QueueFull);
        }
    }

    fn mark_dirty(&mut self, key: TransportKey) {
        if let Some(slot) = self.transports.get_mut(key)
            && !slot.dirty
        {
            slot.dirty = true;
            self.dirty.push_back(key);
        }
    }
}
