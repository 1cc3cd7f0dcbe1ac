//! Our channels against a calling client, on a virtual clock, with loss; and against a client that forges packets.

use std::time::Duration;

use proptest::prelude::*;
use rtc_datachannel::message::message_channel_open::ChannelType;

use super::*;
use crate::sim::dice::Dice;
use crate::sim::fuzzing::forged_packet;
use crate::sim::sctp_client::SctpClient;
use crate::transport::tests::{identity, start};

struct Pair {
    now: Instant,
    server: DataChannels,
    client: SctpClient,
    events: Vec<ChannelEvent>,
    drops: Vec<DropReason>,
    dice: Dice,
    loss: f64,
}

impl Pair {
    fn new(opens: bool, loss: f64, seed: u64) -> Self {
        let mut server = DataChannels::new(DtlsRole::Server, opens);
        server.start(identity());
        let client = SctpClient::new(start());
        Self { now: start(), server, client, events: vec![], drops: vec![], dice: Dice::new(seed), loss }
    }

    fn with_client_channels(loss: f64, seed: u64) -> Self {
        let mut pair = Self::new(false, loss, seed);
        for (at, kind) in DataChannelKind::ALL.into_iter().enumerate() {
            pair.client.open(pair.now, 2 * at as u16, kind.label());
        }
        pair
    }

    fn step(&mut self) {
        let now = self.now;
        self.client.handle_timeout(now);
        self.server.handle_timeout(now).unwrap();
        for packet in self.client.poll_packets(now) {
            if !self.dice.chance(self.loss) {
                self.inject(packet);
            }
        }
        let mut packets = Vec::new();
        self.server.drain_packets(now, |packet| packets.push(Bytes::copy_from_slice(packet))).unwrap();
        for packet in packets {
            assert!(packet.len() <= 1_150);
            if !self.dice.chance(self.loss) {
                self.client.handle_packet(now, packet);
            }
        }
        self.events.extend(std::iter::from_fn(|| self.server.poll_event()));
        self.now += Duration::from_millis(5);
    }

    fn inject(&mut self, packet: Bytes) {
        if let Err(drop) = self.server.handle_packet(self.now, packet).unwrap() {
            self.drops.push(drop);
        }
    }

    fn run(&mut self, time: Duration, done: impl Fn(&Self) -> bool) {
        let end = self.now + time;
        while self.now < end && !done(self) {
            self.step();
        }
    }

    fn all_open(&self) -> bool {
        DataChannelKind::ALL
            .iter()
            .all(|kind| self.events.contains(&ChannelEvent::Open(*kind)) && self.client.is_open(kind.label()))
    }

    fn opened(mut self) -> Self {
        // The library's calling side doubles its patience with every INIT or COOKIE ECHO lost.
        self.run(Duration::from_secs(200), Self::all_open);
        assert!(self.all_open(), "{:?} {:?}", self.events, self.drops);
        self
    }

    fn data(&self, kind: DataChannelKind) -> Vec<Bytes> {
        let payload = |event: &ChannelEvent| match event {
            ChannelEvent::Data { channel, payload } if *channel == kind => Some(payload.clone()),
            _ => None,
        };
        self.events.iter().filter_map(payload).collect()
    }

    fn received(&self, kind: DataChannelKind) -> Vec<Bytes> {
        let of_kind = self.client.received.iter().filter(|(label, _)| label == kind.label());
        of_kind.map(|(_, payload)| payload.clone()).collect()
    }

    fn send(&mut self, kind: DataChannelKind, payload: &[u8]) -> Result<(), DropReason> {
        self.server.send(self.now, kind, Bytes::copy_from_slice(payload)).unwrap()
    }
}

const RELIABLE: DataChannelKind = DataChannelKind::Reliable;
const LOSSY: DataChannelKind = DataChannelKind::Lossy;

#[test]
fn messages_cross_on_channels_that_the_client_opened() {
    let mut pair = Pair::with_client_channels(0.0, 1).opened();
    for kind in DataChannelKind::ALL {
        assert!(pair.client.send(pair.now, kind.label(), kind.label().as_bytes()));
        assert_eq!(pair.send(kind, b"down"), Ok(()));
        assert_eq!(pair.send(kind, b""), Ok(()));
        assert!(pair.client.send(pair.now, kind.label(), b""));
    }
    pair.run(Duration::from_secs(2), |_| false);
    for kind in DataChannelKind::ALL {
        assert_eq!(pair.data(kind), [kind.label().as_bytes(), b""]);
        assert_eq!(pair.received(kind), [&b"down"[..], b""]);
    }
    assert_eq!(pair.drops, []);
}

#[test]
fn we_open_three_channels_on_odd_streams_when_told_to() {
    let pair = Pair::new(true, 0.0, 1).opened();
    let unreliable = ChannelType::PartialReliableRexmitUnordered;
    assert_eq!(
        pair.client.channels(),
        [
            ("_reliable".to_owned(), 1, ChannelType::Reliable),
            ("_lossy".to_owned(), 3, unreliable),
            ("_data_track".to_owned(), 5, unreliable)
        ]
    );
}

#[test]
fn reliable_messages_come_whole_and_in_order_under_loss() {
    for (opens, seed) in [(true, 1), (false, 2), (true, 3), (false, 4)] {
        let mut pair = if opens { Pair::new(true, 0.1, seed) } else { Pair::with_client_channels(0.1, seed) }.opened();
        let messages: Vec<Vec<u8>> = (0..60u8).map(|at| vec![at; 1 + usize::from(at) * 97]).collect();
        for message in &messages {
            assert_eq!(pair.send(RELIABLE, message), Ok(()));
            assert!(pair.client.send(pair.now, RELIABLE.label(), message));
            pair.step();
        }
        let expected = messages.len();
        pair.run(Duration::from_secs(120), |pair| {
            pair.data(RELIABLE).len() == expected && pair.received(RELIABLE).len() == expected
        });
        assert_eq!(pair.data(RELIABLE), messages);
        assert_eq!(pair.received(RELIABLE), messages);
    }
}

#[test]
fn lossy_messages_are_lost_not_delayed_and_the_channel_goes_on() {
    let mut pair = Pair::with_client_channels(0.0, 9).opened();
    pair.loss = 0.3;
    for at in 0..400u32 {
        let _ = pair.send(LOSSY, &at.to_be_bytes());
        pair.client.send(pair.now, LOSSY.label(), &at.to_be_bytes());
        pair.step();
    }
    pair.loss = 0.0;
    pair.run(Duration::from_secs(20), |_| false);
    for arrived in [pair.data(LOSSY).len(), pair.received(LOSSY).len()] {
        assert!((100..400).contains(&arrived), "{arrived}");
    }
    assert_eq!(pair.send(LOSSY, b"after"), Ok(()));
    pair.client.send(pair.now, LOSSY.label(), b"after");
    pair.run(Duration::from_secs(5), |_| false);
    assert_eq!(pair.data(LOSSY).last().unwrap(), "after");
    assert_eq!(pair.received(LOSSY).last().unwrap(), "after");
}

#[test]
fn reliable_messages_wait_for_their_channel_up_to_a_bound() {
    let mut pair = Pair::with_client_channels(0.0, 1);
    assert_eq!(pair.send(LOSSY, b"x"), Err(DropReason::NotReady));
    for at in 0..MAX_HELD_MESSAGES as u32 {
        assert_eq!(pair.send(RELIABLE, &at.to_be_bytes()), Ok(()));
    }
    assert_eq!(pair.send(RELIABLE, b"x"), Err(DropReason::QueueFull));
    let mut pair = pair.opened();
    pair.run(Duration::from_secs(2), |_| false);
    let expected: Vec<_> = (0..MAX_HELD_MESSAGES as u32).map(|at| at.to_be_bytes().to_vec()).collect();
    assert_eq!(pair.received(RELIABLE), expected);

    let mut large = Pair::new(true, 0.0, 1);
    let held = (0..100).take_while(|_| large.send(RELIABLE, &vec![1; 200_000]).is_ok()).count();
    assert_eq!(held, MAX_HELD_BYTES / 200_000);
}

#[test]
fn messages_have_a_longest_length_both_ways() {
    let mut pair = Pair::with_client_channels(0.0, 1).opened();
    assert_eq!(pair.send(RELIABLE, &vec![7; MAX_MESSAGE_LEN + 1]), Err(DropReason::LimitReached));
    assert_eq!(pair.send(RELIABLE, &vec![7; MAX_MESSAGE_LEN]), Ok(()));
    assert!(pair.client.send(pair.now, RELIABLE.label(), &vec![8; MAX_MESSAGE_LEN]));
    pair.run(Duration::from_secs(20), |pair| !pair.data(RELIABLE).is_empty() && !pair.received(RELIABLE).is_empty());
    assert_eq!(pair.data(RELIABLE)[0].len(), MAX_MESSAGE_LEN);
    assert_eq!(pair.received(RELIABLE)[0].len(), MAX_MESSAGE_LEN);
}

#[test]
fn a_participant_that_does_not_read_costs_bounded_memory() {
    let mut pair = Pair::with_client_channels(0.0, 1).opened();
    for (kind, limit) in [(RELIABLE, MAX_RELIABLE_BUFFERED), (LOSSY, MAX_LOSSY_BUFFERED)] {
        let mut taken = 0;
        let refused = loop {
            match pair.send(kind, &[0; 10_000]) {
                Ok(()) => taken += 10_000,
                Err(refused) => break refused,
            }
        };
        assert_eq!(refused, DropReason::QueueFull);
        assert!(taken <= limit && taken > limit - 20_000, "{taken}");
    }
}

#[test]
fn unknown_labels_are_accepted_counted_and_bounded() {
    let mut pair = Pair::with_client_channels(0.0, 1).opened();
    for at in 0..30u16 {
        pair.client.open(pair.now, 100 + 2 * at, &format!("other{at}"));
        pair.run(Duration::from_millis(50), |_| false);
    }
    assert!(pair.client.is_open("other0"));
    assert_eq!(pair.server.channels.len(), MAX_STREAMS);
    pair.client.send(pair.now, "other0", b"hello");
    pair.drops.clear();
    pair.run(Duration::from_millis(100), |_| false);
    assert!(pair.drops.contains(&DropReason::Unwanted), "{:?}", pair.drops);
    assert!(DataChannelKind::ALL.iter().all(|kind| pair.data(*kind).is_empty()));
}

#[test]
fn a_stream_that_opens_no_channel_is_ignored() {
    let mut pair = Pair::with_client_channels(0.0, 1).opened();
    pair.client.open(pair.now, 40, "late");
    pair.run(Duration::from_millis(50), |_| false);
    // Another OPEN on a stream in use is answered like a first one and changes nothing.
    pair.client.write(pair.now, 0, &Bytes::from_static(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Ppi::Dcep);
    pair.client.write(pair.now, 0, &Bytes::from_static(&[77]), Ppi::Dcep);
    pair.run(Duration::from_millis(100), |_| false);
    assert_eq!(pair.send(RELIABLE, b"still"), Ok(()));
    pair.run(Duration::from_millis(100), |_| false);
    assert_eq!(pair.received(RELIABLE), [&b"still"[..]]);
}

#[test]
fn a_lost_answer_to_init_is_repeated() {
    for seed in 0..20 {
        let pair = Pair::with_client_channels(0.25, seed);
        pair.opened();
    }
}

#[test]
fn a_goodbye_ends_the_clients_association() {
    let mut pair = Pair::with_client_channels(0.0, 1).opened();
    pair.server.close().unwrap();
    pair.run(Duration::from_secs(1), |pair| pair.client.is_lost());
    assert!(pair.client.is_lost());
    assert_eq!(pair.send(RELIABLE, b"late"), Err(DropReason::NotReady));
}

#[test]
fn a_panic_is_contained() {
    let mut pair = Pair::with_client_channels(0.0, 1).opened();
    assert_eq!(pair.server.contained(|_, _| panic!("on purpose")).map(|_: Option<()>| ()), Err(Broken));
    assert_eq!(pair.server.handle_packet(pair.now, Bytes::new()), Ok(Err(DropReason::NotReady)));
    assert_eq!(pair.server.poll_timeout(), None);
}

impl Pair {
    /// Chunks in a packet that the association takes for the client's.
    fn forge(&mut self, chunks: &[u8]) {
        self.inject(forged_packet(self.client.verification_tag, chunks));
    }
}

#[test]
fn forged_chunks_neither_stop_nor_stall_it() {
    let far = [192, 0, 0, 8, 0x7f, 0, 0, 0];
    for chunks in [
        // ABORT and ERROR with a cause longer than the chunk: the library would panic.
        &[6, 0, 0, 8, 0, 12, 0, 200][..],
        &[9, 0, 0, 8, 0, 6, 0, 200],
        // A well-formed ERROR: the library would take it for an abort.
        &[9, 0, 0, 8, 0, 6, 0, 4],
        // FORWARD-TSN half the number space ahead: the library would walk for seconds.
        &far,
        &[0, 3, 0, 17, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 53, 1, 0, 0, 0],
        // A second INIT.
        &[1, 0, 0, 20, 0, 0, 0, 9, 0, 1, 0, 0, 0, 9, 0, 9, 0, 0, 0, 9],
    ] {
        let mut pair = Pair::with_client_channels(0.0, 1).opened();
        pair.drops.clear();
        let mut chunks = chunks.to_vec();
        if matches!(chunks[0], 192 | 0) {
            // Relative to where the association is: a TSN just sent, plus a jump.
            pair.client.send(pair.now, RELIABLE.label(), b"x");
            let sent = pair.client.poll_packets(pair.now);
            let tsn = u32::from_be_bytes(*sent[0][16..].first_chunk().unwrap());
            chunks[4..8].copy_from_slice(&tsn.wrapping_add(0x4000_0000).to_be_bytes());
            sent.into_iter().for_each(|packet| pair.inject(packet));
        }
        pair.forge(&chunks);
        assert_eq!(pair.drops, [DropReason::SctpRefused], "{chunks:?}");
        assert_eq!(pair.send(RELIABLE, b"alive"), Ok(()));
        pair.run(Duration::from_secs(5), |pair| !pair.received(RELIABLE).is_empty());
        assert_eq!(pair.received(RELIABLE), [&b"alive"[..]]);
    }
}

#[test]
fn a_forward_tsn_within_reason_is_followed() {
    let mut pair = Pair::with_client_channels(0.0, 1).opened();
    pair.client.send(pair.now, LOSSY.label(), b"x");
    let sent = pair.client.poll_packets(pair.now);
    let tsn = u32::from_be_bytes(*sent[0][16..].first_chunk().unwrap());
    let mut chunk = vec![192, 0, 0, 8];
    chunk.extend(tsn.wrapping_add(100).to_be_bytes());
    pair.forge(&chunk);
    assert_eq!(pair.drops, []);
    let mut acknowledged = None;
    pair.now += Duration::from_secs(1);
    pair.server.handle_timeout(pair.now).unwrap();
    pair.server.drain_packets(pair.now, |packet| acknowledged = packet.get(16..20).map(<[u8]>::to_vec)).unwrap();
    assert_eq!(acknowledged, Some(tsn.wrapping_add(100).to_be_bytes().to_vec()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever a connected client sends: no panic reaches us, nothing is walked for long, and when the association
    /// survives it still works.
    #[test]
    fn forged_packets_do_not_break_the_association(
        forged in proptest::collection::vec((0usize..10, any::<u8>(), proptest::collection::vec(any::<u8>(), 0..64)), 1..30),
    ) {
        let mut pair = Pair::with_client_channels(0.0, 1).opened();
        for (kind, flags, value) in forged {
            let kind = [0u8, 1, 3, 4, 6, 9, 130, 192, 10, 14][kind];
            let mut chunk = vec![kind, flags];
            chunk.extend((4 + value.len() as u16).to_be_bytes());
            chunk.extend(&value);
            chunk.resize(chunk.len().next_multiple_of(4), 0);
            let packet = forged_packet(pair.client.verification_tag, &chunk);
            prop_assert!(pair.server.handle_packet(pair.now, packet).is_ok(), "{:?}", chunk);
            pair.server.drain_packets(pair.now, |_| ()).unwrap();
        }
        prop_assert!(pair.server.channels.len() <= MAX_STREAMS);
    }
}
