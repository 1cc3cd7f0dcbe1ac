//! ICE (controlling) and DTLS (client) on one UDP socket, and the counting of what follows.
//!
//! Datagrams are told apart by their first byte (RFC 7983). They are read with GRO, so a server's batches stay batches.

use std::collections::HashSet;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use dimpl::{Dtls, DtlsCertificate, Output};
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use rtc::stun::attributes::{ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME};
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter, TransactionId};
use rtc::stun::xoraddr::XorMappedAddress;
use sha2::{Digest, Sha256};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use webrtc::peer_connection::crypto::{self, RTCCryptoProvider};

use super::answer::{self, Credentials, Offered};
use crate::counters::Counters;

/// A whole GRO batch.
const RECEIVE_BUFFER: usize = 65_536;
/// Between checks until one succeeds, and then to keep the consent (RFC 7675).
const CHECK_INTERVAL: Duration = Duration::from_millis(50);
const CONSENT_INTERVAL: Duration = Duration::from_millis(2500);
/// Host, component 1 (RFC 8445 §5.1.2).
const PRIORITY: u32 = 2_130_706_431;
/// What SRTP's AES-GCM adds to a packet.
const TAG_BYTES: usize = 16;
const RTP_HEADER_BYTES: usize = 12;
const DTLS_BUFFER: usize = 2_048;
const CREDENTIAL_CHARS: usize = 24;
/// Most batches read in one turn, so that signaling is not starved.
const MAX_READS: usize = 16;

/// One receiver's transport.
pub(super) struct Transport {
    socket: UdpSocket,
    batches: UdpSocketState,
    buffer: Vec<u8>,
    own: Credentials,
    offered: Option<Offered>,
    remote: Option<SocketAddr>,
    valid: bool,
    next_check: Option<Instant>,
    dtls: Dtls,
    dtls_started: bool,
    next_dtls: Option<Instant>,
    provider: Arc<dyn RTCCryptoProvider>,
    counters: Arc<Counters>,
}

/// One certificate for all receivers: making it is dear, and no server minds.
struct Identity {
    certificate: DtlsCertificate,
    fingerprint: String,
    config: Arc<dimpl::Config>,
}

fn identity() -> Result<&'static Identity> {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    if let Some(identity) = IDENTITY.get() {
        return Ok(identity);
    }
    let made = rcgen::generate_simple_self_signed(Vec::new()).context("making a certificate")?;
    let certificate =
        DtlsCertificate { certificate: made.cert.der().to_vec(), private_key: made.signing_key.serialize_der() };
    let fingerprint = fingerprint(&certificate.certificate);
    let config = Arc::new(dimpl::Config::builder().build().context("the DTLS configuration")?);
    Ok(IDENTITY.get_or_init(|| Identity { certificate, fingerprint, config }))
}

impl Transport {
    pub(super) async fn new(local: SocketAddr, counters: Arc<Counters>) -> Result<Self> {
        let identity = identity()?;
        let socket = UdpSocket::bind(local).await?;
        let batches = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let mut dtls = Dtls::new_12(Arc::clone(&identity.config), identity.certificate.clone(), Instant::now());
        dtls.set_active(true);
        Ok(Self {
            socket,
            batches,
            buffer: vec![0; RECEIVE_BUFFER],
            own: Credentials { ufrag: random_text(), pwd: random_text() },
            offered: None,
            remote: None,
            valid: false,
            next_check: None,
            dtls,
            dtls_started: false,
            next_dtls: None,
            provider: crypto::default_provider().context("no crypto provider")?,
            counters,
        })
    }

    /// Answers the server's offer.
    pub(super) fn answer(&mut self, offer: &str) -> Result<String> {
        let offered = answer::read(offer).context("the offer lacks ICE credentials or a SHA-256 fingerprint")?;
        let sdp = answer::write(offer, &self.own, &identity()?.fingerprint);
        let candidates = offered.candidates.clone();
        self.offered = Some(offered);
        candidates.into_iter().for_each(|address| self.use_address(address));
        self.schedule_check();
        Ok(sdp)
    }

    /// Takes the server's candidate if it is of our family and the first.
    pub(super) fn add_candidate(&mut self, text: &str) {
        if let Some(address) = answer::candidate(text) {
            self.use_address(address);
            self.schedule_check();
        }
    }

    fn use_address(&mut self, address: SocketAddr) {
        let same_family = self.socket.local_addr().is_ok_and(|local| local.is_ipv4() == address.is_ipv4());
        if self.remote.is_none() && same_family {
            self.remote = Some(address);
        }
    }

    fn schedule_check(&mut self) {
        if self.next_check.is_none() && self.remote.is_some() && self.offered.is_some() {
            self.next_check = Some(Instant::now());
        }
    }

    /// Waits for the next datagrams or timer and deals with them. Dropping the future loses nothing.
    pub(super) async fn turn(&mut self) -> Result<()> {
        let due = [self.next_check, self.next_dtls].into_iter().flatten().min();
        let timer = async {
            match due {
                Some(due) => tokio::time::sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ready = self.socket.readable() => { ready?; self.read_batches() }
            () = timer => self.handle_timeout(Instant::now()),
        }
    }

    fn read_batches(&mut self) -> Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut result = Ok(());
        for _ in 0..MAX_READS {
            let mut meta = [RecvMeta::default()];
            let read = self.socket.try_io(Interest::READABLE, || {
                self.batches.recv(UdpSockRef::from(&self.socket), &mut [IoSliceMut::new(&mut buffer)], &mut meta)
            });
            match read {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An ICMP answer to an early check; the next one may pass.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
                Err(error) => {
                    result = Err(error).context("reading the UDP socket");
                    break;
                }
            }
            let [meta] = meta;
            let batch = buffer.get(..meta.len).unwrap_or_default();
            let now = Instant::now();
            for datagram in batch.chunks(meta.stride.max(1)) {
                if let Err(error) = self.handle_datagram(datagram, meta.addr, now) {
                    result = Err(error);
                }
            }
            if result.is_err() {
                break;
            }
        }
        self.buffer = buffer;
        result
    }

    fn handle_datagram(&mut self, datagram: &[u8], from: SocketAddr, now: Instant) -> Result<()> {
        match datagram.first() {
            Some(128..=191) => {
                self.count(datagram, now);
                Ok(())
            }
            Some(0..=3) => self.handle_stun(datagram, from, now),
            Some(20..=63) => {
                self.dtls.handle_packet(datagram).context("the DTLS handshake")?;
                self.drain_dtls()
            }
            _ => Ok(()),
        }
    }

    /// RTP without retransmissions; RTCP is 192–223 in its second byte (RFC 5761).
    fn count(&self, datagram: &[u8], now: Instant) {
        let Some(&[_, kind, seq_high, seq_low, _, _, _, _, a, b, c, d]) = datagram.first_chunk::<RTP_HEADER_BYTES>()
        else {
            return;
        };
        let media: Option<&HashSet<u8>> = self.offered.as_ref().map(|offered| &offered.media_types);
        if (192..=223).contains(&kind) || !media.is_some_and(|media| media.contains(&(kind & 0x7f))) {
            return;
        }
        let sequence = u16::from_be_bytes([seq_high, seq_low]);
        self.counters.note(
            u32::from_be_bytes([a, b, c, d]),
            sequence,
            datagram.len() - TAG_BYTES.min(datagram.len()),
            now,
        );
    }

    fn handle_stun(&mut self, datagram: &[u8], from: SocketAddr, now: Instant) -> Result<()> {
        let mut message = Message::new();
        if message.unmarshal_binary(datagram).is_err() {
            return Ok(());
        }
        if message.typ == BINDING_SUCCESS && Some(from) == self.remote {
            self.valid = true;
            if !self.dtls_started {
                self.dtls_started = true;
                self.dtls.handle_timeout(now).context("starting DTLS")?;
                return self.drain_dtls();
            }
        } else if message.typ == BINDING_REQUEST {
            // A server that is not lite checks us as well.
            let mapped = XorMappedAddress { ip: from.ip(), port: from.port() };
            let id = message.transaction_id;
            let reply = self.stun(BINDING_SUCCESS, id, &self.own.pwd, |reply| mapped.add_to(reply).is_ok());
            self.send(&reply.context("a STUN reply")?, from);
        }
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<()> {
        if self.next_check.is_some_and(|due| due <= now) {
            self.check()?;
            self.next_check = Some(now + if self.valid { CONSENT_INTERVAL } else { CHECK_INTERVAL });
        }
        if self.next_dtls.is_some_and(|due| due <= now) {
            self.next_dtls = None;
            self.dtls.handle_timeout(now).context("the DTLS handshake")?;
            self.drain_dtls()?;
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let (Some(offered), Some(remote)) = (&self.offered, self.remote) else { return Ok(()) };
        let credentials = &offered.credentials;
        let username = format!("{}:{}", credentials.ufrag, self.own.ufrag);
        let request = self.stun(BINDING_REQUEST, TransactionId::new(), &credentials.pwd, |request| {
            request.add(ATTR_USERNAME, username.as_bytes());
            request.add(ATTR_USE_CANDIDATE, &[]);
            request.add(ATTR_ICE_CONTROLLING, &u64::MAX.to_be_bytes());
            request.add(ATTR_PRIORITY, &PRIORITY.to_be_bytes());
            true
        });
        self.send(&request.context("a STUN request")?, remote);
        Ok(())
    }

    fn stun(
        &self,
        kind: rtc::stun::message::MessageType,
        id: TransactionId,
        password: &str,
        attributes: impl FnOnce(&mut Message) -> bool,
    ) -> Option<Vec<u8>> {
        let mut message = Message::new();
        message.typ = kind;
        message.transaction_id = id;
        message.write_header();
        if !attributes(&mut message) {
            return None;
        }
        let crypto = self.provider.crypto();
        MessageIntegrity::new_short_term_integrity_with_provider(password.to_owned(), crypto)
            .add_to(&mut message)
            .ok()?;
        FINGERPRINT.add_to(&mut message).ok()?;
        Some(message.raw)
    }

    fn drain_dtls(&mut self) -> Result<()> {
        let mut buffer = vec![0; DTLS_BUFFER];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(packet) => {
                    if let Some(remote) = self.remote {
                        // As `send`, which cannot be called while the buffer is lent.
                        let _ = self.socket.try_send_to(packet, remote);
                    }
                }
                Output::BufferTooSmall { needed } => buffer.resize(needed, 0),
                Output::Timeout(due) => {
                    self.next_dtls = Some(due);
                    return Ok(());
                }
                Output::PeerCert(certificate) => {
                    let actual = fingerprint(certificate);
                    if self.offered.as_ref().is_none_or(|offered| offered.fingerprint != actual) {
                        bail!("the server's certificate is not the one it announced");
                    }
                }
                Output::CloseNotify => bail!("the server closed the DTLS connection"),
                _ => {}
            }
        }
    }

    /// A datagram that finds no room is lost, as on any network.
    fn send(&self, datagram: &[u8], to: SocketAddr) {
        let _ = self.socket.try_send_to(datagram, to);
    }
}

/// SHA-256 as hex pairs with colons (RFC 8122 §5).
fn fingerprint(certificate: &[u8]) -> String {
    let pairs: Vec<String> = Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

fn random_text() -> String {
    use rand::RngExt;
    rand::rng().sample_iter(rand::distr::Alphanumeric).take(CREDENTIAL_CHARS).map(char::from).collect()
}
