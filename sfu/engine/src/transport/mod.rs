//! One peer connection of a participant: ICE-lite responder, DTLS, SRTP keys, SCTP data channels.
//!
//! In: datagrams already classified and addressed to this transport, time, messages to send. Out: datagrams to send
//! ([`Transport::poll_datagram`]), what happened ([`Transport::poll_event`]), when to be called again
//! ([`Transport::poll_timeout`]), and the keys that the forwarding path seals and opens with ([`Transport::srtp`]).
//! Must not: parse RTP or RTCP, keep maps over transports, read a clock.

mod srtp;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::api::{DataChannelKind, DropReason, IceCredentials, TransportFailure, TransportSpec, Tuple};
pub use srtp::{IndexEstimator, ReplayWindow, SealError, SrtpKeys};

/// Why a certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Not an ECDSA P-256 or P-384 certificate with its PKCS#8 key.
    #[error("the DTLS certificate and key are not usable: {0}")]
    Unusable(String),
}

/// Why a transport cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// RFC 8445 §5.3: a ufrag has at least 4 characters, a password at least 22, neither more than 256.
    #[error("the ICE credentials have a length that RFC 8445 does not allow")]
    Credentials,
}

/// Our DTLS certificate, shared by all transports of a node, with everything that is built once from it.
pub struct DtlsIdentity {}

impl DtlsIdentity {
    /// `certificate_der` is X.509, `private_key_pkcs8_der` its ECDSA key.
    pub fn new(certificate_der: Vec<u8>, private_key_pkcs8_der: Vec<u8>) -> Result<Self, IdentityError> {
        let _ = (certificate_der, private_key_pkcs8_der);
        Err(IdentityError::Unusable(String::new()))
    }

    /// SHA-256 of the certificate.
    pub fn fingerprint(&self) -> [u8; 32] {
        [0; 32]
    }

    /// The value of `a=fingerprint:sha-256`: upper-case hex pairs with colons (RFC 8122 §5).
    pub fn fingerprint_sdp(&self) -> String {
        String::new()
    }
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
pub struct Transport {}

impl Transport {
    /// A transport that waits for connectivity checks.
    pub fn new(identity: &Arc<DtlsIdentity>, spec: TransportSpec, now: Instant) -> Result<Self, OpenError> {
        let _ = (identity, spec, now);
        Err(OpenError::Credentials)
    }

    /// New credentials of both sides; checks to the old ufrag stay valid for a while (RFC 8445 §9).
    pub fn restart_ice(&mut self, now: Instant, local: IceCredentials, remote_ufrag: String) -> Result<(), OpenError> {
        let _ = (now, local, remote_ufrag);
        Ok(())
    }

    /// Every ufrag that checks may be addressed to now.
    pub fn local_ufrags(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }

    /// A STUN datagram for one of our ufrags, from anybody. The answer is queued for [`Self::poll_datagram`].
    pub fn handle_stun(&mut self, now: Instant, tuple: Tuple, bytes: &[u8]) -> Result<StunOutcome, DropReason> {
        let _ = (now, tuple, bytes);
        Err(DropReason::NotReady)
    }

    /// Whether an authenticated check (or SRTP packet) came from there lately.
    pub fn is_validated(&self, tuple: Tuple) -> bool {
        let _ = tuple;
        false
    }

    /// A DTLS datagram; refused with [`DropReason::UnknownAddress`] unless its tuple is validated.
    pub fn handle_dtls(&mut self, now: Instant, tuple: Tuple, bytes: &[u8]) -> Result<(), DropReason> {
        let _ = (now, tuple, bytes);
        Err(DropReason::NotReady)
    }

    /// Call it for every authenticated SRTP or SRTCP packet (cheap): it proves that the participant is alive and wants
    /// media. `true`: the tuple was not known (the NAT rebound); map it to this transport. What we send still goes to
    /// [`Self::remote`] until a check comes.
    pub fn handle_rtp_activity(&mut self, now: Instant, tuple: Tuple) -> bool {
        let _ = (now, tuple);
        false
    }

    /// The keys, once [`TransportEvent::Connected`] was reported.
    pub fn srtp(&self) -> Option<&SrtpKeys> {
        None
    }

    /// The same, for SRTCP, whose indices are kept inside.
    pub fn srtp_mut(&mut self) -> Option<&mut SrtpKeys> {
        None
    }

    /// Where media and control leave to: the newest nominated tuple, before any nomination the first valid one.
    pub fn remote(&self) -> Option<Tuple> {
        None
    }

    /// Everything that is due at `now`. Early calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// When [`Self::handle_timeout`] must be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The next datagram to send: STUN answers, DTLS, SCTP in DTLS. Drain it after every `handle_*`, [`Self::send_data`]
    /// and [`Self::close`].
    pub fn poll_datagram(&mut self) -> Option<(Tuple, Vec<u8>)> {
        None
    }

    /// The next thing that happened. Drain it after every `handle_*`.
    pub fn poll_event(&mut self) -> Option<TransportEvent> {
        None
    }

    /// Queues one message. Before the channel is open, reliable ones are kept up to a bound and others refused with
    /// [`DropReason::NotReady`]; a full queue refuses with [`DropReason::QueueFull`].
    pub fn send_data(&mut self, now: Instant, channel: DataChannelKind, payload: Bytes) -> Result<(), DropReason> {
        let _ = (now, channel, payload);
        Err(DropReason::NotReady)
    }

    /// Says goodbye (DTLS close_notify, queued for [`Self::poll_datagram`]); after that the transport does nothing more.
    pub fn close(&mut self, now: Instant) {
        let _ = now;
    }
}
