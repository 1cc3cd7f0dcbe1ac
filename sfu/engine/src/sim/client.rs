//! A simulated participant's end of one peer connection: the controlling ICE agent, DTLS, SRTP both ways, data channels.
//!
//! In: datagrams from the SFU, time, packets and messages to send. Out: datagrams to the SFU, and a record of what came.
//! Must not: know rooms or the engine; and it speaks SDP's results, not SDP.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::prober::Prober;
use super::sctp_client::SctpClient;
use crate::api::{DataChannelKind, DtlsRole, IceCredentials, TransportFailure, Tuple};
use crate::demux::{DatagramClass, STUN_BINDING_REQUEST, classify};
use crate::rtp::header::RtpHeader;
use crate::transport::dtls::{DtlsEvent, DtlsLink};
use crate::transport::{DtlsIdentity, IndexEstimator};

/// Between two checks before and after DTLS is up, as Chromium does it.
const CHECK_INTERVAL_CONNECTING: Duration = Duration::from_millis(50);
const CHECK_INTERVAL: Duration = Duration::from_millis(2_500);

/// A packet that was opened: header and payload in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub at: Instant,
    pub packet: Vec<u8>,
}

/// What the SFU answered in SDP, and where the participant sits.
#[derive(Clone, Debug)]
pub struct SimClientConfig {
    /// Ours, as the SFU sees it.
    pub tuple: Tuple,
    /// The SFU's ufrag and password.
    pub server: IceCredentials,
    pub server_fingerprint: [u8; 32],
    /// Ours.
    pub role: DtlsRole,
}

/// One end of a peer connection.
pub struct SimClient {
    config: SimClientConfig,
    prober: Prober,
    next_check: Instant,
    dtls: DtlsLink,
    sctp: Option<SctpClient>,
    /// Channels to open once SCTP is there.
    channels: Vec<DataChannelKind>,
    inbound: HashMap<u32, IndexEstimator>,
    outbound: HashMap<u32, IndexEstimator>,
    /// Digest of what arrived sealed under an SSRC and index.
    sealed: HashMap<(u32, u64), u64>,
    outgoing: VecDeque<Vec<u8>>,
    failure: Option<TransportFailure>,
    connected_at: Option<Instant>,
    /// RTP in order of arrival; whoever reads it may take it.
    pub received: Vec<Received>,
    /// Compound RTCP in order of arrival.
    pub received_rtcp: Vec<Received>,
    /// Answers to our checks.
    pub answers: u64,
    /// Packets that came again (the network duplicates), were not authentic, or came before the keys.
    pub refused: u64,
    /// Two different packets sealed with one index: must never be.
    pub nonce_reuses: u64,
}

impl SimClient {
    pub fn new(identity: &Arc<DtlsIdentity>, config: SimClientConfig, now: Instant) -> Self {
        Self {
            prober: Prober::new(&config.server),
            next_check: now,
            dtls: DtlsLink::new(identity, config.role, config.server_fingerprint, now),
            config,
            sctp: None,
            channels: Vec::new(),
            inbound: HashMap::new(),
            outbound: HashMap::new(),
            sealed: HashMap::new(),
            outgoing: VecDeque::new(),
            failure: None,
            connected_at: None,
            received: Vec::new(),
            received_rtcp: Vec::new(),
            answers: 0,
            refused: 0,
            nonce_reuses: 0,
        }
    }

    /// Where the SFU sees us.
    pub fn tuple(&self) -> Tuple {
        self.config.tuple
    }

    /// The NAT rebinds: datagrams come from another address from now on. The next check is not brought forward.
    pub fn rebind(&mut self, tuple: Tuple) {
        self.config.tuple = tuple;
    }

    /// An ICE restart: checks go to the new credentials, at once.
    pub fn restart_ice(&mut self, now: Instant, server: IceCredentials) {
        self.prober = Prober::new(&server);
        self.config.server = server;
        self.next_check = now;
    }

    /// Opens these channels in-band once SCTP is up.
    pub fn open_channels(&mut self, kinds: &[DataChannelKind]) {
        self.channels.extend(kinds);
    }

    pub fn is_connected(&self) -> bool {
        self.dtls.is_connected()
    }

    /// When DTLS came up.
    pub fn connected_at(&self) -> Option<Instant> {
        self.connected_at
    }

    pub fn failure(&self) -> Option<TransportFailure> {
        self.failure
    }

    /// The channel exists on both sides.
    pub fn is_channel_open(&self, kind: DataChannelKind) -> bool {
        self.sctp.as_ref().is_some_and(|sctp| sctp.is_open(kind.label()))
    }

    /// Messages in order of arrival, by label.
    pub fn messages(&self) -> &[(String, bytes::Bytes)] {
        self.sctp.as_ref().map(|sctp| sctp.received.as_slice()).unwrap_or_default()
    }

    /// Seals and sends one RTP packet, given in clear; `false` before the keys are there or when it is no RTP.
    pub fn send_rtp(&mut self, packet: &[u8]) -> bool {
        let (Some(keys), Some(header)) = (self.dtls.keys(), RtpHeader::parse(packet)) else { return false };
        let stream = self.outbound.entry(header.ssrc).or_default();
        let index = stream.estimate(header.sequence);
        let mut sealed = packet.to_vec();
        sealed.resize(packet.len() + keys.tag_len(), 0);
        if keys.seal_rtp(&mut sealed, usize::from(header.header_len), header.ssrc, index).is_err() {
            return false;
        }
        stream.accept(index);
        self.outgoing.push_back(sealed);
        true
    }

    /// Seals and sends one compound RTCP packet.
    pub fn send_rtcp(&mut self, packet: &[u8]) -> bool {
        let Some(keys) = self.dtls.keys_mut() else { return false };
        let mut sealed = packet.to_vec();
        sealed.resize(packet.len() + keys.rtcp_overhead(), 0);
        let done = keys.seal_rtcp(&mut sealed).is_ok();
        self.outgoing.extend(done.then_some(sealed));
        done
    }

    /// `false` before the channel is there.
    pub fn send_data(&mut self, now: Instant, kind: DataChannelKind, payload: &[u8]) -> bool {
        let sent = self.sctp.as_mut().is_some_and(|sctp| sctp.send(now, kind.label(), payload));
        self.settle(now);
        sent
    }

    /// Says goodbye.
    pub fn close(&mut self) {
        self.dtls.close();
        self.outgoing.extend(std::iter::from_fn(|| self.dtls.poll_datagram()));
    }

    pub fn handle_datagram(&mut self, now: Instant, datagram: &mut [u8]) {
        match classify(datagram) {
            // A check of the SFU's own asks for nothing that a simulation needs.
            Some(DatagramClass::Stun) if datagram.starts_with(&STUN_BINDING_REQUEST) => {}
            Some(DatagramClass::Stun) => self.handle_answer(now),
            Some(DatagramClass::Dtls) => {
                let handled = self.dtls.handle_datagram(now, datagram);
                self.note(handled);
                self.settle(now);
            }
            Some(DatagramClass::Rtp) => self.handle_rtp(now, datagram),
            Some(DatagramClass::Rtcp) => self.handle_rtcp(now, datagram),
            None => self.refused += 1,
        }
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_check <= now && self.failure.is_none() {
            let check = self.prober.check(true);
            self.outgoing.push_back(check);
            let interval = if self.is_connected() { CHECK_INTERVAL } else { CHECK_INTERVAL_CONNECTING };
            self.next_check = now + interval;
        }
        let handled = self.dtls.handle_timeout(now);
        self.note(handled);
        if let Some(sctp) = &mut self.sctp {
            sctp.handle_timeout(now);
        }
        self.settle(now);
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.failure.is_some() {
            return None;
        }
        let sctp = self.sctp.as_ref().and_then(SctpClient::poll_timeout);
        let due = [self.dtls.poll_timeout(), sctp];
        Some(due.into_iter().flatten().fold(self.next_check, Instant::min))
    }

    pub fn poll_datagram(&mut self) -> Option<Vec<u8>> {
        self.outgoing.pop_front()
    }

    fn handle_answer(&mut self, now: Instant) {
        self.answers += 1;
        // The path works: the ClientHello may go, when it is ours to send.
        let started = self.dtls.start(now);
        self.note(started);
        self.settle(now);
    }

    fn handle_rtp(&mut self, now: Instant, datagram: &mut [u8]) {
        let digest = digest(datagram);
        let (Some(keys), Some(header)) = (self.dtls.keys(), RtpHeader::parse(datagram)) else {
            self.refused += 1;
            return;
        };
        let stream = self.inbound.entry(header.ssrc).or_default();
        let index = stream.estimate(header.sequence);
        let Ok(len) = keys.open_rtp(datagram, usize::from(header.header_len), header.ssrc, index) else {
            self.refused += 1;
            return;
        };
        if *self.sealed.entry((header.ssrc, index)).or_insert(digest) != digest {
            self.nonce_reuses += 1;
        }
        if !stream.check(index) {
            self.refused += 1;
            return;
        }
        stream.accept(index);
        self.received.extend(datagram.get(..len).map(|packet| Received { at: now, packet: packet.to_vec() }));
    }

    fn handle_rtcp(&mut self, now: Instant, datagram: &mut [u8]) {
        let opened = self.dtls.keys_mut().and_then(|keys| keys.open_rtcp(datagram).ok());
        match opened.and_then(|len| datagram.get(..len)) {
            Some(packet) => self.received_rtcp.push(Received { at: now, packet: packet.to_vec() }),
            None => self.refused += 1,
        }
    }

    fn note(&mut self, result: Result<(), TransportFailure>) {
        if let Err(failure) = result {
            self.failure.get_or_insert(failure);
        }
    }

    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.dtls.poll_event() {
            match event {
                DtlsEvent::Connected => {
                    self.connected_at = Some(now);
                    self.call(now);
                }
                DtlsEvent::Data(packet) => {
                    if let Some(sctp) = &mut self.sctp {
                        sctp.handle_packet(now, packet);
                    }
                }
                DtlsEvent::Closed => self.note(Err(TransportFailure::ClosedByPeer)),
            }
        }
        let packets = self.sctp.as_mut().map(|sctp| sctp.poll_packets(now)).unwrap_or_default();
        for packet in packets {
            let sent = self.dtls.send(&packet);
            self.note(sent);
        }
        self.outgoing.extend(std::iter::from_fn(|| self.dtls.poll_datagram()));
    }

    /// Clients send INIT whatever their DTLS role.
    fn call(&mut self, now: Instant) {
        let mut sctp = SctpClient::new(now);
        let first = u16::from(self.config.role == DtlsRole::Server);
        for (at, kind) in self.channels.drain(..).enumerate() {
            sctp.open(now, first + 2 * at as u16, kind.label());
        }
        self.sctp = Some(sctp);
    }
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
