//! One peer connection of a participant: ICE-lite responder, DTLS, SRTP keys, SCTP data channels.
//!
//! In: datagrams already classified and addressed to this transport, time, messages to send. Out: datagrams to send
//! ([`Transport::poll_datagram`]), what happened ([`Transport::poll_event`]), when to be called again
//! ([`Transport::poll_timeout`]), and the keys that the forwarding path seals and opens with ([`Transport::srtp`]).
//! Must not: parse RTP or RTCP, keep maps over transports, read a clock.

pub(crate) mod data_channel;
pub(crate) mod dtls;
mod ice;
mod identity;
mod replay;
mod sctp;
mod sctp_guard;
mod srtp;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::api::{DataChannelKind, DropReason, IceCredentials, TransportFailure, TransportSpec, Tuple};
pub use data_channel::MAX_MESSAGE_LEN;
use data_channel::{Broken, ChannelEvent, DataChannels};
use dtls::{DtlsEvent, DtlsLink};
use ice::Responder;
pub use identity::{DtlsIdentity, IdentityError};
pub use replay::{IndexEstimator, ReplayWindow};
pub use srtp::{KeyError, SealError, SrtpKeys, SrtpProfile};

/// A transport that has not connected this long after it was opened ends.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Datagrams that may wait for [`Transport::poll_datagram`]; a whole SCTP window at once. Beyond it they are dropped, as
/// a network would.
const MAX_QUEUED_DATAGRAMS: usize = 4_096;

/// Why a transport cannot be opened or restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// RFC 8445 §5.3: a ufrag has at least 4 characters, a password at least 22, neither more than 256.
    #[error("the ICE credentials have a length that RFC 8445 does not allow")]
    Credentials,
}

/// What a valid connectivity check changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StunOutcome {
    /// The tuple was not known: map it to this transport. [`TransportEvent::TupleForgotten`] takes it back.
    pub learned: bool,
    /// [`Transport::remote`] is another tuple now.
    pub moved: bool,
}

/// What happened on a transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportEvent {
    /// DTLS is up with the certificate of the SDP, and [`Transport::srtp`] has keys. Comes once.
    Connected,
    /// It ended by itself. Comes once; nothing more comes after it.
    Failed(TransportFailure),
    DataChannelOpen(DataChannelKind),
    Data {
        channel: DataChannelKind,
        payload: Bytes,
    },
    /// A learned tuple was not heard of for its time, or gave way to a newer one: unmap it.
    TupleForgotten(Tuple),
    /// A ufrag from before an ICE restart is no longer valid: unmap it.
    UfragForgotten(String),
}

/// See the module.
pub struct Transport {
    identity: Arc<DtlsIdentity>,
    ice: Responder,
    dtls: DtlsLink,
    channels: DataChannels,
    connect_deadline: Instant,
    /// Failed or closed: only what is queued still leaves.
    ended: bool,
    outgoing: VecDeque<(Tuple, Vec<u8>)>,
    events: VecDeque<TransportEvent>,
}

impl Transport {
    /// A transport that waits for connectivity checks.
    pub fn new(identity: &Arc<DtlsIdentity>, spec: TransportSpec, now: Instant) -> Result<Self, OpenError> {
        Ok(Self {
            identity: Arc::clone(identity),
            ice: Responder::new(spec.local, spec.remote_ice, now)?,
            dtls: DtlsLink::new(identity, spec.role, spec.remote_fingerprint, now),
            channels: DataChannels::new(spec.role, spec.open_data_channels),
            connect_deadline: now + CONNECT_TIMEOUT,
            ended: false,
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
        })
    }

    /// New credentials of both sides; checks to the old ufrag stay valid for a while (RFC 8445 §9).
    pub fn restart_ice(
        &mut self,
        now: Instant,
        local: IceCredentials,
        remote: IceCredentials,
    ) -> Result<(), OpenError> {
        if let Some(retired) = self.ice.restart(now, local, remote)? {
            self.events.push_back(TransportEvent::UfragForgotten(retired));
        }
        Ok(())
    }

    /// Every ufrag that checks may be addressed to now.
    pub fn local_ufrags(&self) -> impl Iterator<Item = &str> {
        self.ice.ufrags()
    }

    /// A STUN datagram for one of our ufrags, from anybody. The answer is queued for [`Self::poll_datagram`].
    pub fn handle_stun(&mut self, now: Instant, tuple: Tuple, bytes: &[u8]) -> Result<StunOutcome, DropReason> {
        if self.ended {
            return Err(DropReason::NotReady);
        }
        let answer = self.ice.handle(now, tuple, bytes)?;
        self.queue(tuple, answer.datagram);
        if let Some(hurry) = answer.hurry {
            self.queue(tuple, hurry);
        }
        if let Some(forgotten) = answer.forgotten {
            self.events.push_back(TransportEvent::TupleForgotten(forgotten));
        }
        if answer.outcome.moved {
            let started = self.dtls.start(now);
            // Starting receives nothing that could be dropped.
            let _ = self.settle(now, started);
        }
        Ok(answer.outcome)
    }

    /// Whether an authenticated check (or SRTP packet) came from there lately.
    pub fn is_validated(&self, tuple: Tuple) -> bool {
        self.ice.is_learned(tuple)
    }

    /// A DTLS datagram; refused with [`DropReason::UnknownAddress`] unless its tuple is validated. The error may also
    /// tell of something in it that was dropped while the rest was taken.
    pub fn handle_dtls(&mut self, now: Instant, tuple: Tuple, bytes: &[u8]) -> Result<(), DropReason> {
        if self.ended {
            return Err(DropReason::NotReady);
        }
        if !self.ice.is_learned(tuple) {
            return Err(DropReason::UnknownAddress);
        }
        let handled = self.dtls.handle_datagram(now, bytes);
        let refused = handled.is_err();
        let dropped = self.settle(now, handled);
        if refused { Err(DropReason::DtlsRefused) } else { dropped }
    }

    /// Call it for every authenticated SRTP or SRTCP packet (cheap): it proves that the participant is alive and wants
    /// media. `true`: the tuple was not known (the NAT rebound); map it to this transport. What we send still goes to
    /// [`Self::remote`] until a check comes.
    pub fn handle_rtp_activity(&mut self, now: Instant, tuple: Tuple) -> bool {
        let Some(forgotten) = self.ice.note_alive(now, tuple) else { return false };
        if let Some(forgotten) = forgotten {
            self.events.push_back(TransportEvent::TupleForgotten(forgotten));
        }
        true
    }

    /// The keys, once connected.
    pub fn srtp(&self) -> Option<&SrtpKeys> {
        self.dtls.keys()
    }

    /// The same, for SRTCP, whose indices are kept inside.
    pub fn srtp_mut(&mut self) -> Option<&mut SrtpKeys> {
        self.dtls.keys_mut()
    }

    /// Where media and control leave to: the newest nominated tuple, before any nomination the first valid one.
    pub fn remote(&self) -> Option<Tuple> {
        self.ice.selected()
    }

    /// Everything that is due at `now`. Early calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.ended {
            return;
        }
        if now >= self.ice.poll_timeout() {
            let expired = self.ice.handle_timeout(now);
            self.events.extend(expired.tuples.into_iter().map(TransportEvent::TupleForgotten));
            self.events.extend(expired.ufrags.into_iter().map(TransportEvent::UfragForgotten));
            if expired.consent && self.dtls.is_connected() {
                return self.fail(TransportFailure::ConsentLost);
            }
        }
        if now >= self.connect_deadline && !self.dtls.is_connected() {
            return self.fail(TransportFailure::NeverConnected);
        }
        let handled = self.dtls.handle_timeout(now);
        if let Err(Broken) = self.channels.handle_timeout(now) {
            return self.fail(TransportFailure::Internal);
        }
        // What a timer leads to is nobody's datagram: there is nothing to count.
        let _ = self.settle(now, handled);
    }

    /// When [`Self::handle_timeout`] must be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.ended {
            return None;
        }
        let connect = (!self.dtls.is_connected()).then_some(self.connect_deadline);
        let due = [connect, self.dtls.poll_timeout(), self.channels.poll_timeout()];
        Some(due.into_iter().flatten().fold(self.ice.poll_timeout(), Instant::min))
    }

    /// The next datagram to send: STUN answers, DTLS, SCTP in DTLS. Drain it after every `handle_*`, [`Self::send_data`]
    /// and [`Self::close`].
    pub fn poll_datagram(&mut self) -> Option<(Tuple, Vec<u8>)> {
        self.outgoing.pop_front()
    }

    /// The next thing that happened. Drain it after every `handle_*`.
    pub fn poll_event(&mut self) -> Option<TransportEvent> {
        self.events.pop_front()
    }

    /// Queues one message. Before the channel is open, reliable ones are kept up to a bound and others refused with
    /// [`DropReason::NotReady`]; a full queue refuses with [`DropReason::QueueFull`], a message longer than
    /// [`MAX_MESSAGE_LEN`] with [`DropReason::LimitReached`].
    pub fn send_data(&mut self, now: Instant, channel: DataChannelKind, payload: Bytes) -> Result<(), DropReason> {
        if self.ended {
            return Err(DropReason::NotReady);
        }
        let sent = match self.channels.send(now, channel, payload) {
            Ok(sent) => sent,
            Err(Broken) => {
                self.fail(TransportFailure::Internal);
                return Err(DropReason::NotReady);
            }
        };
        self.send_sctp(now);
        sent
    }

    /// Says goodbye (DTLS close_notify, queued for [`Self::poll_datagram`]); after that the transport does nothing more.
    pub fn close(&mut self, now: Instant) {
        if self.ended {
            return;
        }
        if self.channels.close().is_ok() {
            self.send_sctp(now);
        }
        self.dtls.close();
        self.send_dtls();
        self.ended = true;
        self.events.clear();
    }

    /// After every call into DTLS: hands its events on, lets SCTP speak, queues what is to send.
    fn settle(&mut self, now: Instant, handled: Result<(), TransportFailure>) -> Result<(), DropReason> {
        let mut first_drop = Ok(());
        if let Err(failure) = handled {
            self.send_dtls();
            self.fail(failure);
            return first_drop;
        }
        while let Some(event) = self.dtls.poll_event() {
            match event {
                DtlsEvent::Connected => {
                    self.channels.start(&self.identity);
                    self.events.push_back(TransportEvent::Connected);
                }
                DtlsEvent::Data(packet) => match self.channels.handle_packet(now, packet) {
                    Ok(handled) => first_drop = first_drop.and(handled),
                    Err(Broken) => {
                        self.fail(TransportFailure::Internal);
                        return first_drop;
                    }
                },
                DtlsEvent::Closed => {
                    self.send_dtls();
                    self.fail(TransportFailure::ClosedByPeer);
                    return first_drop;
                }
            }
        }
        self.send_sctp(now);
        first_drop
    }

    /// Moves SCTP's packets into DTLS, DTLS's datagrams into the queue, and channel events out.
    fn send_sctp(&mut self, now: Instant) {
        let dtls = &mut self.dtls;
        let mut sealed = Ok(());
        let drained = self.channels.drain_packets(now, |packet| {
            if sealed.is_ok() {
                sealed = dtls.send(packet);
            }
        });
        while let Some(event) = self.channels.poll_event() {
            self.events.push_back(match event {
                ChannelEvent::Open(kind) => TransportEvent::DataChannelOpen(kind),
                ChannelEvent::Data { channel, payload } => TransportEvent::Data { channel, payload },
            });
        }
        self.send_dtls();
        if drained.is_err() || sealed.is_err() {
            self.fail(TransportFailure::Internal);
        }
    }

    fn send_dtls(&mut self) {
        while let Some(datagram) = self.dtls.poll_datagram() {
            if let Some(remote) = self.ice.selected() {
                self.queue(remote, datagram);
            }
        }
    }

    fn queue(&mut self, tuple: Tuple, datagram: Vec<u8>) {
        if self.outgoing.len() < MAX_QUEUED_DATAGRAMS {
            self.outgoing.push_back((tuple, datagram));
        }
    }

    fn fail(&mut self, failure: TransportFailure) {
        if !self.ended {
            self.ended = true;
            self.events.push_back(TransportEvent::Failed(failure));
        }
    }
}

#[cfg(test)]
mod tests;
