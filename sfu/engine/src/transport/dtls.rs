//! One DTLS 1.2 connection (RFC 6347, RFC 5764) over `dimpl`.
//!
//! In: datagrams from validated tuples, time, application data. Out: datagrams, and what they led to. Must not: see a
//! datagram from anybody whom no connectivity check has validated (every error of the library is final), or send data
//! before the handshake is done (the library's queue for it has no bound).

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use dimpl::{Dtls, Error, Output, SecurityError};
use sha2::{Digest, Sha256};

use super::identity::DtlsIdentity;
use super::srtp::{SrtpKeys, SrtpProfile};
use crate::api::{DtlsRole, TransportFailure};

/// Enough for every record that fits a datagram.
const RECORD_BUFFER: usize = 2_048;
/// Record header (RFC 6347 §4.1).
const RECORD_HEADER_LEN: usize = 13;
const CONTENT_ALERT: u8 = 21;

/// What a call led to. In order, to be handled before the next call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DtlsEvent {
    /// The handshake is done, the certificate is the right one, and there are SRTP keys.
    Connected,
    Data(Bytes),
    /// The peer said goodbye.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing sent or received yet.
    Idle,
    Handshaking,
    Connected,
    Ended,
}

pub(crate) struct DtlsLink {
    /// `None` once it ended: the library's state is then worthless.
    dtls: Option<Dtls>,
    role: DtlsRole,
    state: State,
    expected_fingerprint: [u8; 32],
    fingerprint_matches: Option<bool>,
    /// The library says that the handshake is done.
    finished: bool,
    keys: Option<SrtpKeys>,
    next_timeout: Option<Instant>,
    outgoing: VecDeque<Vec<u8>>,
    events: VecDeque<DtlsEvent>,
}

impl DtlsLink {
    pub(crate) fn new(identity: &DtlsIdentity, role: DtlsRole, expected_fingerprint: [u8; 32], now: Instant) -> Self {
        // DTLS 1.2 only: there, as server, the library prefers AES-GCM whatever the peer's order.
        let mut dtls = Dtls::new_12(identity.dtls.clone(), identity.certificate.clone(), now);
        dtls.set_active(role == DtlsRole::Client);
        Self {
            dtls: Some(dtls),
            role,
            state: State::Idle,
            expected_fingerprint,
            fingerprint_matches: None,
            finished: false,
            keys: None,
            next_timeout: None,
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.state == State::Connected
    }

    pub(crate) fn keys(&self) -> Option<&SrtpKeys> {
        self.keys.as_ref().filter(|_| self.state == State::Connected)
    }

    pub(crate) fn keys_mut(&mut self) -> Option<&mut SrtpKeys> {
        self.keys.as_mut().filter(|_| self.state == State::Connected)
    }

    /// There is somebody to talk to: a client begins.
    pub(crate) fn start(&mut self, now: Instant) -> Result<(), TransportFailure> {
        if self.state != State::Idle || self.role == DtlsRole::Server {
            return Ok(());
        }
        self.state = State::Handshaking;
        self.run(|dtls| dtls.handle_timeout(now))
    }

    /// One datagram from a validated tuple.
    pub(crate) fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) -> Result<(), TransportFailure> {
        if self.state == State::Idle {
            self.state = State::Handshaking;
        }
        let datagram = without_plain_alerts(datagram);
        if datagram.is_empty() {
            return Ok(());
        }
        self.run(|dtls| dtls.handle_timeout(now).and_then(|()| dtls.handle_packet(&datagram)))
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), TransportFailure> {
        if self.next_timeout.is_some_and(|due| due <= now) {
            self.next_timeout = None;
            return self.run(|dtls| dtls.handle_timeout(now));
        }
        Ok(())
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.next_timeout.filter(|_| matches!(self.state, State::Handshaking | State::Connected))
    }

    /// Seals one SCTP packet; it must fit a datagram with DTLS's 37 bytes around it.
    pub(crate) fn send(&mut self, data: &[u8]) -> Result<(), TransportFailure> {
        if self.state != State::Connected {
            return Ok(());
        }
        self.run(|dtls| dtls.send_application_data(data).map(|_| ()))
    }

    /// Queues close_notify when connected; nothing works after.
    pub(crate) fn close(&mut self) {
        if self.state == State::Connected {
            // A failure here changes nothing: it ends either way.
            let _ = self.run(Dtls::close);
        }
        self.end();
    }

    pub(crate) fn poll_datagram(&mut self) -> Option<Vec<u8>> {
        self.outgoing.pop_front()
    }

    pub(crate) fn poll_event(&mut self) -> Option<DtlsEvent> {
        self.events.pop_front()
    }

    fn end(&mut self) {
        self.state = State::Ended;
        self.dtls = None;
        self.next_timeout = None;
        self.keys = None;
        self.events.clear();
    }

    /// Every call of the library, and the polling that must follow each.
    fn run(&mut self, call: impl FnOnce(&mut Dtls) -> Result<(), Error>) -> Result<(), TransportFailure> {
        let Some(mut dtls) = self.dtls.take() else { return Ok(()) };
        let result = call(&mut dtls);
        // An alert may be waiting even after an error.
        let drained = self.drain(&mut dtls);
        let failure = match (drained, result) {
            (Err(failure), _) => failure,
            (Ok(()), Ok(())) => {
                self.dtls = Some(dtls);
                return Ok(());
            }
            (Ok(()), Err(error)) => self.failure(&error),
        };
        self.end();
        Err(failure)
    }

    fn failure(&self, error: &Error) -> TransportFailure {
        match error {
            _ if self.state != State::Connected => TransportFailure::Handshake,
            Error::ConnectionClosed | Error::SecurityError(SecurityError::FatalAlert { .. }) => {
                TransportFailure::ClosedByPeer
            }
            _ => TransportFailure::Internal,
        }
    }

    fn drain(&mut self, dtls: &mut Dtls) -> Result<(), TransportFailure> {
        let mut stack = [0; RECORD_BUFFER];
        let mut heap = Vec::new();
        loop {
            let buffer = if heap.is_empty() { &mut stack[..] } else { &mut heap[..] };
            match dtls.poll_output(buffer) {
                Output::Packet(packet) => self.outgoing.push_back(packet.to_vec()),
                Output::BufferTooSmall { needed } => heap = vec![0; needed],
                Output::Timeout(due) => {
                    self.next_timeout = Some(due);
                    // Done, but without keys: a peer without use_srtp.
                    let incomplete = self.finished && self.state != State::Connected;
                    return if incomplete { Err(TransportFailure::Handshake) } else { Ok(()) };
                }
                Output::PeerCert(certificate) => {
                    let fingerprint: [u8; 32] = Sha256::digest(certificate).into();
                    let matches = fingerprint == self.expected_fingerprint;
                    self.fingerprint_matches = Some(matches);
                    if !matches {
                        return Err(TransportFailure::FingerprintMismatch);
                    }
                }
                Output::KeyingMaterial(material, profile) => {
                    let keys = srtp_profile(profile).map(|profile| SrtpKeys::new(profile, &material, self.role));
                    self.keys = keys.and_then(Result::ok);
                    self.connect_if_complete()?;
                }
                Output::Connected => {
                    self.finished = true;
                    self.connect_if_complete()?;
                }
                Output::ApplicationData(data) if self.state == State::Connected => {
                    self.events.push_back(DtlsEvent::Data(Bytes::copy_from_slice(data)));
                }
                Output::CloseNotify => self.events.push_back(DtlsEvent::Closed),
                _ => {}
            }
        }
    }

    /// The library's word is not enough: the certificate must match, and there must be keys. The two come in either
    /// order.
    fn connect_if_complete(&mut self) -> Result<(), TransportFailure> {
        if !self.finished || self.keys.is_none() || self.state == State::Connected {
            return Ok(());
        }
        if self.fingerprint_matches != Some(true) {
            return Err(TransportFailure::FingerprintMismatch);
        }
        self.state = State::Connected;
        self.events.push_back(DtlsEvent::Connected);
        Ok(())
    }
}

fn srtp_profile(profile: dimpl::SrtpProfile) -> Option<SrtpProfile> {
    match profile {
        dimpl::SrtpProfile::AEAD_AES_128_GCM => Some(SrtpProfile::AeadAes128Gcm),
        dimpl::SrtpProfile::AEAD_AES_256_GCM => Some(SrtpProfile::AeadAes256Gcm),
        dimpl::SrtpProfile::AES128_CM_SHA1_80 => Some(SrtpProfile::Aes128CmHmacSha1_80),
        _ => None,
    }
}

/// The datagram without alert records of epoch 0. They are not authenticated, and a forged one would end a handshake in
/// progress; a peer that really gives up is noticed by the handshake's time limit. What cannot be split into records is
/// left for the library to refuse.
fn without_plain_alerts(datagram: &[u8]) -> Cow<'_, [u8]> {
    let mut kept = Vec::new();
    let mut rest = datagram;
    let mut dropped = false;
    while let Some((record, after)) = next_record(rest) {
        let plain_alert = record.first() == Some(&CONTENT_ALERT) && record.get(3..5) == Some(&[0, 0]);
        if plain_alert {
            if !dropped {
                kept = datagram.get(..datagram.len() - rest.len()).unwrap_or_default().to_vec();
                dropped = true;
            }
        } else if dropped {
            kept.extend_from_slice(record);
        }
        rest = after;
    }
    if dropped {
        kept.extend_from_slice(rest);
        Cow::Owned(kept)
    } else {
        Cow::Borrowed(datagram)
    }
}

fn next_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = u16::from_be_bytes([*bytes.get(11)?, *bytes.get(12)?]);
    bytes.split_at_checked(RECORD_HEADER_LEN + usize::from(len))
}

#[cfg(test)]
mod foreign_tests;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(content: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![content, 254, 253, 0, epoch, 0, 0, 0, 0, 0, 9, 0, body.len() as u8];
        bytes.extend(body);
        bytes
    }

    #[test]
    fn plain_alerts_are_cut_out_and_nothing_else_is() {
        let (hello, alert) = (record(22, 0, &[1; 30]), record(21, 0, &[2, 40]));
        let (sealed_alert, finished) = (record(21, 1, &[7; 26]), record(22, 1, &[8; 40]));
        let datagram = [&hello[..], &alert, &sealed_alert, &alert, &finished].concat();
        assert_eq!(*without_plain_alerts(&datagram), [&hello[..], &sealed_alert, &finished].concat());
        assert!(without_plain_alerts(&alert).is_empty());
        let clean = [&hello[..], &finished].concat();
        assert!(matches!(without_plain_alerts(&clean), Cow::Borrowed(same) if same == clean));
    }

    proptest! {
        #[test]
        fn no_bytes_can_stop_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(without_plain_alerts(&bytes).len() <= bytes.len());
        }
    }
}
