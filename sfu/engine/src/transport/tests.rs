//! Two transports on a virtual clock: handshakes under loss, wrong certificates, consent, restarts, forgeries.

use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::api::{DtlsRole, RoomId, TransportId};
use crate::sim::dice::Dice;
use crate::sim::prober::{Prober, fresh_identity};

static IDENTITY: LazyLock<Arc<DtlsIdentity>> = LazyLock::new(fresh_identity);
static OTHER: LazyLock<Arc<DtlsIdentity>> = LazyLock::new(fresh_identity);
/// The epoch of all tests: nothing depends on its value.
static START: LazyLock<Instant> = LazyLock::new(crate::sim::epoch);

pub(super) fn identity() -> &'static Arc<DtlsIdentity> {
    &IDENTITY
}

pub(super) fn start() -> Instant {
    *START
}

fn credentials(name: &str) -> IceCredentials {
    IceCredentials { ufrag: format!("{name}-ufrag"), pwd: format!("{name}-password-of-some-length") }
}

fn address(text: &str) -> Tuple {
    Tuple { remote: text.parse::<SocketAddr>().unwrap(), local_ip: None }
}

fn spec(name: &str, role: DtlsRole, remote_fingerprint: [u8; 32]) -> TransportSpec {
    TransportSpec {
        id: TransportId(1),
        room: RoomId(1),
        local: credentials(name),
        remote_ice: IceCredentials { ufrag: "whatever".into(), pwd: String::new() },
        remote_fingerprint,
        role,
        open_data_channels: false,
    }
}

/// A datagram under way: due time, order, destination.
type UnderWay = std::cmp::Reverse<(Instant, u64, usize, Vec<u8>)>;

/// Our transport and one that plays the browser; each is probed on behalf of the other.
struct Pair {
    now: Instant,
    ends: [Transport; 2],
    tuples: [Tuple; 2],
    probers: [Prober; 2],
    events: [Vec<TransportEvent>; 2],
    wire: BinaryHeap<UnderWay>,
    sent: u64,
    dice: Dice,
    loss: f64,
    last_probe: Option<Instant>,
}

impl Pair {
    fn new(role: DtlsRole, loss: f64, seed: u64) -> Self {
        Self::with_fingerprints(role, loss, seed, [OTHER.fingerprint(), IDENTITY.fingerprint()])
    }

    fn with_fingerprints(role: DtlsRole, loss: f64, seed: u64, expected: [[u8; 32]; 2]) -> Self {
        let other = if role == DtlsRole::Server { DtlsRole::Client } else { DtlsRole::Server };
        let now = start();
        let ends = [
            Transport::new(&IDENTITY, spec("ours", role, expected[0]), now).unwrap(),
            Transport::new(&OTHER, spec("theirs", other, expected[1]), now).unwrap(),
        ];
        Self {
            now,
            ends,
            // What each end sees as the source of the other's datagrams.
            tuples: [address("198.51.100.7:4000"), address("192.0.2.1:7882")],
            probers: [Prober::new(&credentials("ours")), Prober::new(&credentials("theirs"))],
            events: [Vec::new(), Vec::new()],
            wire: BinaryHeap::new(),
            sent: 0,
            dice: Dice::new(seed),
            loss,
            last_probe: None,
        }
    }

    fn send(&mut self, to: usize, datagram: Vec<u8>) {
        if self.dice.chance(self.loss) {
            return;
        }
        self.sent += 1;
        let due = self.now + Duration::from_millis(10 + self.dice.below(5));
        self.wire.push(std::cmp::Reverse((due, self.sent, to, datagram)));
    }

    fn deliver(&mut self, to: usize, datagram: &[u8]) {
        let (now, from) = (self.now, self.tuples[to]);
        match crate::demux::classify(datagram) {
            Some(crate::demux::DatagramClass::Stun) => {
                // Answers come back to whoever probes; a lite agent has no use for them.
                let _ = self.ends[to].handle_stun(now, from, datagram);
            }
            _ => {
                let _ = self.ends[to].handle_dtls(now, from, datagram);
            }
        }
    }

    /// Runs the virtual clock for `time`, or until `done`.
    fn run(&mut self, time: Duration, done: impl Fn(&Self) -> bool) {
        let end = self.now + time;
        while self.now < end && !done(self) {
            if self.last_probe.is_none_or(|last| self.now >= last + Duration::from_millis(50)) {
                self.last_probe = Some(self.now);
                for to in 0..2 {
                    let check = self.probers[to].check(true);
                    self.send(to, check);
                }
            }
            while self.wire.peek().is_some_and(|next| next.0.0 <= self.now) {
                let Some(std::cmp::Reverse((_, _, to, datagram))) = self.wire.pop() else { break };
                self.deliver(to, &datagram);
            }
            for end in 0..2 {
                if self.ends[end].poll_timeout().is_some_and(|due| due <= self.now) {
                    self.ends[end].handle_timeout(self.now);
                }
                while let Some((_, datagram)) = self.ends[end].poll_datagram() {
                    self.send(1 - end, datagram);
                }
                while let Some(event) = self.ends[end].poll_event() {
                    self.events[end].push(event);
                }
            }
            self.now += Duration::from_millis(1);
        }
    }

    fn connected(&self) -> bool {
        self.events.iter().all(|events| events.contains(&TransportEvent::Connected))
    }

    fn failure(&self, end: usize) -> Option<TransportFailure> {
        self.events[end].iter().find_map(|event| match event {
            TransportEvent::Failed(failure) => Some(*failure),
            _ => None,
        })
    }
}

/// Both directions of media, sealed by one end and opened by the other.
fn assert_media_flows(pair: &Pair) {
    for (from, to) in [(0, 1), (1, 0)] {
        let (sender, receiver) = (pair.ends[from].srtp().unwrap(), pair.ends[to].srtp().unwrap());
        let mut packet = vec![0x80; 12 + 100 + sender.tag_len()];
        let plain = packet[..112].to_vec();
        sender.seal_rtp(&mut packet, 12, 7, 1).unwrap();
        assert_ne!(packet[..112], plain);
        assert_eq!(receiver.open_rtp(&mut packet, 12, 7, 1), Ok(112));
        assert_eq!(packet[..112], plain);
    }
}

#[test]
fn it_connects_in_both_roles() {
    for role in [DtlsRole::Server, DtlsRole::Client] {
        let mut pair = Pair::new(role, 0.0, 1);
        pair.run(Duration::from_secs(5), Pair::connected);
        assert!(pair.connected(), "{role:?}");
        assert_media_flows(&pair);
        // The server prefers AES-GCM with the longest key.
        assert_eq!(pair.ends[0].srtp().unwrap().profile(), SrtpProfile::AeadAes256Gcm);
        assert_eq!(pair.ends[0].remote(), Some(pair.tuples[0]));
    }
}

#[test]
fn it_connects_under_loss() {
    for loss in [0.02, 0.05, 0.2] {
        for seed in 1..=20 {
            let role = if seed % 2 == 0 { DtlsRole::Server } else { DtlsRole::Client };
            let mut pair = Pair::new(role, loss, seed);
            pair.run(CONNECT_TIMEOUT, |pair| pair.connected() || pair.failure(0).is_some());
            assert!(pair.connected(), "loss {loss} seed {seed}: {:?}", pair.events);
            assert_media_flows(&pair);
        }
    }
}

#[test]
fn another_certificate_than_in_the_sdp_is_refused() {
    for role in [DtlsRole::Server, DtlsRole::Client] {
        let mut pair = Pair::with_fingerprints(role, 0.0, 1, [[9; 32], IDENTITY.fingerprint()]);
        pair.run(Duration::from_secs(3), |pair| pair.failure(0).is_some());
        assert_eq!(pair.failure(0), Some(TransportFailure::FingerprintMismatch));
        assert!(pair.ends[0].srtp().is_none());
        assert!(!pair.events[0].contains(&TransportEvent::Connected));
        assert_eq!(pair.ends[0].handle_dtls(pair.now, pair.tuples[0], &[22; 40]), Err(DropReason::NotReady));
    }
}

#[test]
fn nobody_coming_ends_it() {
    let mut transport =
        Transport::new(&IDENTITY, spec("ours", DtlsRole::Server, OTHER.fingerprint()), start()).unwrap();
    let due = transport.poll_timeout().unwrap();
    assert_eq!(due, start() + CONNECT_TIMEOUT);
    transport.handle_timeout(due - Duration::from_millis(1));
    assert_eq!(transport.poll_event(), None);
    transport.handle_timeout(due);
    assert_eq!(transport.poll_event(), Some(TransportEvent::Failed(TransportFailure::NeverConnected)));
    assert_eq!(transport.poll_timeout(), None);
}

#[test]
fn silence_loses_consent_and_media_keeps_it() {
    let mut pair = Pair::new(DtlsRole::Server, 0.0, 1);
    pair.run(Duration::from_secs(5), Pair::connected);
    let heard = pair.now;
    let transport = &mut pair.ends[0];
    for second in 1..=60 {
        let now = heard + Duration::from_secs(second);
        assert!(!transport.handle_rtp_activity(now, pair.tuples[0]));
        transport.handle_timeout(now);
    }
    assert_eq!(transport.poll_event(), None);
    transport.handle_timeout(heard + Duration::from_secs(89));
    assert_eq!(transport.poll_event(), None);
    transport.handle_timeout(heard + Duration::from_secs(90));
    assert_eq!(transport.poll_event(), Some(TransportEvent::TupleForgotten(pair.tuples[0])));
    assert_eq!(transport.poll_event(), Some(TransportEvent::Failed(TransportFailure::ConsentLost)));
}

#[test]
fn a_rebound_nat_is_followed() {
    let mut pair = Pair::new(DtlsRole::Server, 0.0, 1);
    pair.run(Duration::from_secs(5), Pair::connected);
    let (old, new) = (pair.tuples[0], address("198.51.100.7:4999"));
    let transport = &mut pair.ends[0];
    assert_eq!(transport.handle_dtls(pair.now, new, &[22; 40]), Err(DropReason::UnknownAddress));
    // Media from there is taken at once, but what we send moves only when a check proves the way back.
    assert!(transport.handle_rtp_activity(pair.now, new));
    assert!(transport.is_validated(new));
    assert_eq!(transport.remote(), Some(old));
    let check = pair.probers[0].check(true);
    let outcome = transport.handle_stun(pair.now, new, &check).unwrap();
    assert_eq!(outcome, StunOutcome { learned: false, moved: true });
    assert_eq!(transport.remote(), Some(new));
    assert_eq!(transport.poll_datagram().unwrap().0, new);
}

#[test]
fn the_first_valid_tuple_serves_until_a_nomination() {
    let mut transport =
        Transport::new(&IDENTITY, spec("ours", DtlsRole::Server, OTHER.fingerprint()), start()).unwrap();
    let mut prober = Prober::new(&credentials("ours"));
    let (a, b) = (address("198.51.100.7:1"), address("198.51.100.7:2"));
    let outcome = |learned, moved| Ok(StunOutcome { learned, moved });
    assert_eq!(transport.handle_stun(start(), a, &prober.check(false)), outcome(true, true));
    assert_eq!(transport.handle_stun(start(), b, &prober.check(false)), outcome(true, false));
    assert_eq!(transport.remote(), Some(a));
    assert_eq!(transport.handle_stun(start(), b, &prober.check(true)), outcome(false, true));
    assert_eq!(transport.handle_stun(start(), a, &prober.check(false)), outcome(false, false));
    assert_eq!(transport.remote(), Some(b));
    assert_eq!(transport.handle_stun(start(), a, &prober.check(true)), outcome(false, true));
}

#[test]
fn an_ice_restart_keeps_the_old_ufrag_for_a_while() {
    let mut pair = Pair::new(DtlsRole::Server, 0.0, 1);
    pair.run(Duration::from_secs(5), Pair::connected);
    let (now, new_tuple) = (pair.now, address("203.0.113.5:9"));
    let transport = &mut pair.ends[0];
    transport.restart_ice(now, credentials("again"), credentials("theirs")).unwrap();
    assert_eq!(transport.local_ufrags().collect::<Vec<_>>(), ["ours-ufrag", "again-ufrag"]);
    let mut again = Prober::new(&credentials("again"));
    assert!(transport.handle_stun(now, pair.tuples[0], &pair.probers[0].check(true)).is_ok());
    assert!(transport.handle_stun(now, new_tuple, &again.check(true)).unwrap().moved);
    // A late nomination of the old generation does not take media back.
    assert!(!transport.handle_stun(now, pair.tuples[0], &pair.probers[0].check(true)).unwrap().moved);
    assert_eq!(transport.remote(), Some(new_tuple));
    assert!(transport.srtp().is_some(), "the keys survive");
    let later = now + ice::OLD_CREDENTIALS_TIMEOUT;
    transport.handle_rtp_activity(later, new_tuple);
    transport.handle_timeout(later);
    let events: Vec<_> = std::iter::from_fn(|| transport.poll_event()).collect();
    assert!(events.contains(&TransportEvent::UfragForgotten("ours-ufrag".into())), "{events:?}");
    let late = pair.probers[0].check(true);
    assert_eq!(transport.handle_stun(later, pair.tuples[0], &late), Err(DropReason::StunUnknownUfrag));
    assert!(transport.handle_stun(later, new_tuple, &again.check(true)).is_ok());
}

#[test]
fn learned_tuples_are_bounded_and_the_one_in_use_stays() {
    let mut pair = Pair::new(DtlsRole::Server, 0.0, 1);
    pair.run(Duration::from_secs(5), Pair::connected);
    let transport = &mut pair.ends[0];
    let mut forgotten = 0;
    for port in 1..=100 {
        let tuple = address(&format!("203.0.113.5:{port}"));
        let now = pair.now + Duration::from_millis(port);
        transport.handle_stun(now, tuple, &pair.probers[0].check(false)).unwrap();
        forgotten += std::iter::from_fn(|| transport.poll_event())
            .filter(|event| matches!(event, TransportEvent::TupleForgotten(_)))
            .count();
    }
    assert_eq!(forgotten, 100 + 1 - ice::MAX_TUPLES);
    assert_eq!(transport.remote(), Some(pair.tuples[0]));
    assert!(transport.is_validated(pair.tuples[0]));
    assert!(transport.is_validated(address("203.0.113.5:100")));
    assert!(!transport.is_validated(address("203.0.113.5:50")));
}

#[test]
fn a_forged_plain_alert_does_not_end_a_handshake() {
    let fatal = [21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 2, 40];
    let mut pair = Pair::new(DtlsRole::Server, 0.0, 1);
    for _ in 0..200 {
        pair.run(Duration::from_millis(1), Pair::connected);
        for end in 0..2 {
            if pair.ends[end].is_validated(pair.tuples[end]) {
                let _ = pair.ends[end].handle_dtls(pair.now, pair.tuples[end], &fatal);
            }
        }
    }
    assert!(pair.connected(), "{:?}", pair.events);
    assert_media_flows(&pair);
}

#[test]
fn a_goodbye_is_heard() {
    let mut pair = Pair::new(DtlsRole::Server, 0.0, 1);
    pair.run(Duration::from_secs(5), Pair::connected);
    let now = pair.now;
    pair.ends[0].close(now);
    assert!(pair.ends[0].srtp().is_none());
    assert_eq!(pair.ends[0].poll_timeout(), None);
    assert_eq!(pair.ends[0].handle_stun(now, pair.tuples[0], &[]), Err(DropReason::NotReady));
    pair.run(Duration::from_secs(1), |pair| pair.failure(1).is_some());
    assert_eq!(pair.failure(1), Some(TransportFailure::ClosedByPeer));
}

#[test]
fn credentials_of_a_forbidden_length_are_refused() {
    for (ufrag, pwd) in [("abc", "a".repeat(22)), ("abcd", "a".repeat(21)), ("abcd", "a".repeat(257))] {
        let mut spec = spec("ours", DtlsRole::Server, [0; 32]);
        spec.local = IceCredentials { ufrag: ufrag.into(), pwd };
        assert_eq!(Transport::new(&IDENTITY, spec, start()).err(), Some(OpenError::Credentials));
    }
}

#[test]
fn stun_is_refused_for_one_wrong_bit_anywhere() {
    let mut transport =
        Transport::new(&IDENTITY, spec("ours", DtlsRole::Server, OTHER.fingerprint()), start()).unwrap();
    let good = Prober::new(&credentials("ours")).check(true);
    let tuple = address("198.51.100.7:1");
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            assert!(transport.handle_stun(start(), tuple, &bad).is_err(), "byte {at} bit {bit}");
        }
    }
    for trailing in 1..9 {
        let long = [&good[..], &vec![0; trailing]].concat();
        assert_eq!(transport.handle_stun(start(), tuple, &long), Err(DropReason::StunMalformed));
        assert!(transport.handle_stun(start(), tuple, &good[..good.len() - trailing]).is_err());
    }
    assert!(!transport.is_validated(tuple));
    assert_eq!(transport.poll_datagram(), None);
    assert!(transport.handle_stun(start(), tuple, &good).is_ok());
}

#[test]
fn what_follows_the_integrity_attribute_is_not_believed() {
    let mut transport =
        Transport::new(&IDENTITY, spec("ours", DtlsRole::Server, OTHER.fingerprint()), start()).unwrap();
    let tuple = address("198.51.100.7:1");
    let appended = Prober::new(&credentials("ours")).check_with_late_nomination();
    assert_eq!(transport.handle_stun(start(), tuple, &appended), Err(DropReason::StunMalformed));
}

#[test]
fn a_check_with_another_password_is_refused() {
    let mut transport =
        Transport::new(&IDENTITY, spec("ours", DtlsRole::Server, OTHER.fingerprint()), start()).unwrap();
    let tuple = address("198.51.100.7:1");
    let mut wrong = credentials("ours");
    wrong.pwd.push('x');
    let check = Prober::new(&wrong).check(true);
    assert_eq!(transport.handle_stun(start(), tuple, &check), Err(DropReason::StunUnauthenticated));
    let stranger = Prober::new(&credentials("other")).check(true);
    assert_eq!(transport.handle_stun(start(), tuple, &stranger), Err(DropReason::StunUnknownUfrag));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_datagrams_change_nothing(datagrams in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..120), 1..20)) {
        let mut transport =
            Transport::new(&IDENTITY, spec("ours", DtlsRole::Server, OTHER.fingerprint()), start()).unwrap();
        for datagram in datagrams {
            prop_assert!(transport.handle_stun(start(), address("198.51.100.7:1"), &datagram).is_err());
            prop_assert!(transport.handle_dtls(start(), address("198.51.100.7:1"), &datagram).is_err());
        }
        prop_assert_eq!(transport.poll_datagram(), None);
        prop_assert_eq!(transport.remote(), None);
    }

    #[test]
    fn random_dtls_from_a_validated_tuple_does_not_panic(
        datagrams in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..120)), 1..20),
    ) {
        let mut transport =
            Transport::new(&IDENTITY, spec("ours", DtlsRole::Server, OTHER.fingerprint()), start()).unwrap();
        let tuple = address("198.51.100.7:1");
        transport.handle_stun(start(), tuple, &Prober::new(&credentials("ours")).check(true)).unwrap();
        for (content, body) in datagrams {
            let mut datagram = vec![20 + content % 5, 254, 253, 0, content & 1, 0, 0, 0, 0, 0, content, 0, body.len() as u8];
            datagram.extend(body);
            let _ = transport.handle_dtls(start(), tuple, &datagram);
        }
        prop_assert!(transport.srtp().is_none());
    }
}
