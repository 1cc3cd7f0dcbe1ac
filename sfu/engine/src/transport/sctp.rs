//! One SCTP association over DTLS (RFC 8261), the answering side: clients send INIT whatever their DTLS role.
//!
//! In: SCTP packets, time, messages per stream. Out: SCTP packets, and what happened on streams. Must not: know labels or
//! data channel messages, or let a packet past the guard. May panic, with the library: the caller contains it.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use rtc_sctp::{
    Association, AssociationHandle, DatagramEvent, Endpoint, Event, Payload, PayloadProtocolIdentifier,
    ReliabilityType, StreamEvent,
};
use rtc_shared::TransportProtocol;

use super::data_channel::{MAX_MESSAGE_LEN, MAX_STREAMS};
use super::identity::{DtlsIdentity, SCTP_PORT};
use super::sctp_guard::SctpGuard;
use crate::api::DropReason;

/// Associations that answer retransmitted INITs until one of them is established.
const MAX_CANDIDATES: usize = 4;
/// The library tells peers apart by address; DTLS has done that already, so one constant does.
const PEER: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, SCTP_PORT));
/// Messages read from one stream in one call; the rest comes with the next packet. The guard bounds what can wait.
const MAX_READS: usize = 4_096;

/// What happened, in order.
#[derive(Debug)]
pub(super) enum SctpEvent {
    Established,
    Message {
        stream: u16,
        ppi: PayloadProtocolIdentifier,
        payload: BytesMut,
    },
    /// A message longer than [`MAX_MESSAGE_LEN`], dropped.
    TooLong,
    /// The peer reset the stream.
    StreamReset(u16),
    /// The association ended. Nothing comes after it.
    Lost,
}

/// Ordering and reliability of what we send on a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamReliability {
    pub(super) unordered: bool,
    pub(super) kind: ReliabilityType,
    pub(super) parameter: u32,
}

/// Why a message could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WriteRefused;

pub(super) struct SctpLink {
    endpoint: Endpoint,
    /// One, once established.
    candidates: Vec<(AssociationHandle, Association)>,
    guard: SctpGuard,
    established: bool,
    lost: bool,
    events: VecDeque<SctpEvent>,
}

impl SctpLink {
    pub(super) fn new(identity: &DtlsIdentity) -> Self {
        let endpoint = Endpoint::new(
            PEER,
            TransportProtocol::UDP,
            identity.sctp_endpoint.clone(),
            Some(identity.sctp_server.clone()),
        );
        Self {
            endpoint,
            candidates: Vec::new(),
            guard: SctpGuard::default(),
            established: false,
            lost: false,
            events: VecDeque::new(),
        }
    }

    pub(super) fn handle_packet(&mut self, now: Instant, packet: Bytes) -> Result<(), DropReason> {
        if self.lost {
            return Err(DropReason::NotReady);
        }
        let streams = self.candidates.first().map(|(_, association)| association.stream_ids()).unwrap_or_default();
        let free = MAX_STREAMS.saturating_sub(streams.len());
        self.guard.check(&packet, |stream| streams.contains(&stream), free)?;
        match self.endpoint.handle(now, PEER, None, packet) {
            Some((handle, DatagramEvent::NewAssociation(association))) => {
                if self.candidates.len() >= MAX_CANDIDATES {
                    self.candidates.remove(0);
                }
                self.candidates.push((handle, association));
            }
            Some((handle, DatagramEvent::AssociationEvent(event))) => {
                let addressed = self.candidates.iter_mut().find(|(known, _)| *known == handle);
                let (_, association) = addressed.ok_or(DropReason::SctpRefused)?;
                association.handle_event(event);
            }
            _ => return Err(DropReason::SctpRefused),
        }
        self.collect();
        Ok(())
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for (_, association) in &mut self.candidates {
            if association.poll_timeout().is_some_and(|due| due <= now) {
                association.handle_timeout(now);
            }
        }
        self.collect();
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.candidates.iter().filter_map(|(_, association)| association.poll_timeout()).min()
    }

    pub(super) fn poll_event(&mut self) -> Option<SctpEvent> {
        self.events.pop_front()
    }

    /// Hands every packet that may leave now to `sink`.
    pub(super) fn drain_packets(&mut self, now: Instant, mut sink: impl FnMut(&[u8])) {
        for (_, association) in &mut self.candidates {
            while let Some(transmit) = association.poll_transmit(now) {
                let Payload::RawEncode(packets) = transmit.message else { continue };
                for packet in packets {
                    self.guard.note_outbound(&packet);
                    sink(&packet);
                }
            }
        }
    }

    pub(super) fn open_stream(&mut self, stream: u16) -> Result<(), WriteRefused> {
        let association = self.association().ok_or(WriteRefused)?;
        association.open_stream(stream, PayloadProtocolIdentifier::Binary).map(|_| ()).map_err(|_| WriteRefused)
    }

    pub(super) fn set_reliability(&mut self, stream: u16, reliability: StreamReliability) -> Result<(), WriteRefused> {
        let StreamReliability { unordered, kind, parameter } = reliability;
        let association = self.association().ok_or(WriteRefused)?;
        let mut stream = association.stream(stream).map_err(|_| WriteRefused)?;
        stream.set_reliability_params(unordered, kind, parameter).map_err(|_| WriteRefused)
    }

    /// Bytes written to the stream and not acknowledged yet; `None` when there is no such stream.
    pub(super) fn buffered(&mut self, stream: u16) -> Option<usize> {
        let stream = self.association().and_then(|association| association.stream(stream).ok());
        stream.and_then(|stream| stream.buffered_amount().ok())
    }

    pub(super) fn write(
        &mut self,
        now: Instant,
        stream: u16,
        ppi: PayloadProtocolIdentifier,
        payload: &Bytes,
    ) -> Result<(), WriteRefused> {
        let association = self.association().ok_or(WriteRefused)?;
        let mut stream = association.stream(stream).map_err(|_| WriteRefused)?;
        stream.write_chunk_with_ppi(now, payload, ppi).map(|_| ()).map_err(|_| WriteRefused)
    }

    /// Tells the peer that the association ends (RFC 8831 §6.2 closes this way).
    pub(super) fn abort(&mut self) {
        for (_, association) in &mut self.candidates {
            // Only a closed association refuses, and that is what is wanted.
            let _ = association.abort();
        }
    }

    fn association(&mut self) -> Option<&mut Association> {
        if !self.established {
            return None;
        }
        self.candidates.first_mut().map(|(_, association)| association)
    }

    /// Turns the library's events into ours and reads every message that is complete.
    fn collect(&mut self) {
        let mut winner = None;
        for at in 0..self.candidates.len() {
            let Some((handle, association)) = self.candidates.get_mut(at) else { break };
            // The library queues opened streams for `accept_stream` too; events name them as well.
            while association.accept_stream().is_some() {}
            while let Some(event) = association.poll() {
                match event {
                    Event::Connected if !self.established => {
                        self.established = true;
                        self.guard.note_established();
                        winner = Some(*handle);
                        self.events.push_back(SctpEvent::Established);
                    }
                    Event::Stream(StreamEvent::Readable { id }) => {
                        read_messages(association, id, &mut self.guard, &mut self.events);
                    }
                    Event::AssociationLost { id, .. } => self.events.push_back(SctpEvent::StreamReset(id)),
                    Event::HandshakeFailed { .. } => self.lost = true,
                    _ => {}
                }
            }
        }
        if let Some(winner) = winner {
            self.candidates.retain(|(handle, _)| *handle == winner);
        }
        // An association that is not established yet counts as closed too.
        self.lost |= self.established && self.candidates.iter().all(|(_, association)| association.is_closed());
        if self.lost {
            self.established = false;
            self.events.push_back(SctpEvent::Lost);
        }
    }
}

fn read_messages(association: &mut Association, id: u16, guard: &mut SctpGuard, events: &mut VecDeque<SctpEvent>) {
    for _ in 0..MAX_READS {
        let read = association.stream(id).and_then(|mut stream| stream.read_sctp());
        let Ok(Some(message)) = read else { return };
        guard.note_read(message.chunks.len(), message.len());
        events.push_back(match message.to_payload(MAX_MESSAGE_LEN) {
            Ok(payload) => SctpEvent::Message { stream: id, ppi: message.ppi, payload },
            Err(_) => SctpEvent::TooLong,
        });
    }
}
