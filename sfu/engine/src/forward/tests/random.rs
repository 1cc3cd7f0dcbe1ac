//! Random calls from one seed: a publisher with three VP8 layers of three temporal layers each, an uplink that loses,
//! repairs, reorders and duplicates, a subscriber that changes its mind and loses packets too, and a decoder that
//! believes only what the numbers say.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::api::MAX_LAYERS;
use crate::codec::vp8::Vp8Descriptor;
use crate::rtp::cache::CacheLimits;
use crate::rtp::cache::PacketCache;
use crate::rtp::header::RtpHeader;
use crate::rtp::receive::InboundStream;

/// xorshift64*
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

#[derive(Clone, Copy, Debug)]
struct Weather {
    uplink_loss: u64,
    reordering: u64,
    downlink_loss: u64,
    padding: u64,
    whims: u64,
}

/// A layer at the publisher.
struct Layer {
    index: u8,
    next_seq: u64,
    timestamp: u32,
    picture_id: u16,
    tl0: u8,
    key_index: u8,
    frame: u64,
    since_key: u64,
}

impl Layer {
    /// T0 T2 T1 T2, the first T2 and T1 standing on T0 alone.
    fn next_frame(&mut self, key: bool, dice: &mut Dice) -> Vec<Vp8Packet> {
        self.since_key = if key { 0 } else { self.since_key + 1 };
        let (temporal, sync) = [(0, false), (2, true), (1, true), (2, false)][(self.since_key % 4) as usize];
        self.frame += 1;
        self.timestamp = self.timestamp.wrapping_add(3_000);
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        self.tl0 = self.tl0.wrapping_add(u8::from(temporal == 0));
        self.key_index = (self.key_index + u8::from(key)) & 0x1f;
        let parts = 1 + dice.below(4) as u8;
        (0..parts)
            .map(|part| {
                self.next_seq += 1;
                Vp8Packet {
                    layer: self.index,
                    ext_seq: self.next_seq - 1,
                    timestamp: self.timestamp,
                    picture_id: self.picture_id,
                    tl0: self.tl0,
                    key_index: self.key_index,
                    temporal,
                    sync,
                    key,
                    part,
                    parts,
                }
            })
            .collect()
    }
}

struct Call {
    dice: Dice,
    weather: Weather,
    now: Instant,
    forwarder: Forwarder,
    table: ExtensionTable,
    clocks: LayerClocks,
    streams: Vec<InboundStream>,
    caches: Vec<PacketCache>,
    /// Every packet ever sealed, by SSRC and index.
    sealed: BTreeMap<(u32, u64), Vec<u8>>,
    /// What the subscriber has, by number: payload with its header before it.
    received: BTreeMap<u64, Vec<u8>>,
    fillers: BTreeSet<u64>,
    /// The packet behind each number, noted when the number appeared.
    origins: BTreeMap<u64, (u8, u64)>,
    arrived: BTreeSet<(u8, u64)>,
    /// Numbers that nothing filled before or during a pause: it may outlast the cache.
    paused: BTreeSet<u64>,
    /// How often each number was lost on its way to the subscriber.
    lost: BTreeMap<u64, u8>,
}

impl Call {
    fn new(seed: u64, weather: Weather, rtx: bool) -> Self {
        let mut dice = Dice(seed | 1);
        let mut parameters = params(MediaKind::Video, rtx.then_some(0xdef));
        parameters.first_sequence = dice.below(65_536) as u16;
        let limit = |layer| PacketCache::new(CacheLimits::of(MediaKind::Video, layer, MAX_LAYERS));
        Self {
            dice,
            weather,
            now: origin(),
            forwarder: Forwarder::new(parameters),
            table: ExtensionTable::new(&PUBLISHED),
            clocks: LayerClocks::new(),
            streams: (0..3).map(|layer| InboundStream::new(0x1000 + layer, 90_000, true)).collect(),
            caches: (0..3).map(limit).collect(),
            sealed: BTreeMap::new(),
            received: BTreeMap::new(),
            fillers: BTreeSet::new(),
            origins: BTreeMap::new(),
            arrived: BTreeSet::new(),
            paused: BTreeSet::new(),
            lost: BTreeMap::new(),
        }
    }

    /// A packet reaches us, as itself or as repair.
    fn arrive(&mut self, bytes: &[u8], layer: u8, repaired: bool) {
        let header = RtpHeader::parse(bytes).unwrap();
        let stream = &mut self.streams[usize::from(layer)];
        let arrival = if repaired {
            stream.on_repaired(header.sequence, bytes.len())
        } else {
            stream.on_packet(self.now, header.sequence, header.timestamp, bytes.len())
        };
        let Some(ext_seq) = arrival.ext_seq() else { return };
        self.arrived.insert((layer, ext_seq));
        self.caches[usize::from(layer)].put(self.now, ext_seq, Codec::Vp8, bytes);
        let packet = InboundPacket::parse(bytes, layer, ext_seq, Codec::Vp8, &self.table, &self.clocks).unwrap();
        if let Ok(plan) = self.forwarder.select(self.now, &packet) {
            let number = plan.number;
            if let Ok((outgoing, out)) = write_out(&mut self.forwarder, &plan, &packet) {
                self.send(outgoing, out, number);
            }
        }
        let next = self.origins.last_key_value().map_or(self.forwarder.first_number, |(number, _)| number + 1);
        for number in next.. {
            let Some((ext_seq, place)) = self.forwarder.timeline.origin(number) else { break };
            self.origins.insert(number, (place.epoch.layer, ext_seq));
        }
    }

    fn send(&mut self, outgoing: Outgoing, out: Vec<u8>, number: u64) {
        if let Some(before) = self.sealed.insert((outgoing.ssrc, outgoing.index), out.clone()) {
            assert_eq!(before, out, "one index, two packets");
            assert_ne!(outgoing.ssrc, 0xdef, "a repair number twice");
        }
        if self.dice.percent(self.weather.downlink_loss) {
            *self.lost.entry(number).or_default() += 1;
            return;
        }
        let header = RtpHeader::parse(&out).unwrap();
        if outgoing.ssrc == 0xdef {
            let mut restored = out;
            let range = crate::rtp::rtx::restore(&mut restored, &header, 0xabc, 100).unwrap();
            self.receive(number, restored[range].to_vec());
        } else {
            assert_eq!(outgoing.index, number);
            self.receive(number, out);
        }
    }

    fn receive(&mut self, number: u64, packet: Vec<u8>) {
        let header = RtpHeader::parse(&packet).unwrap();
        assert_eq!(header.sequence, number as u16);
        if header.payload_range(&packet).unwrap().is_empty() {
            self.fillers.insert(number);
        }
        if let Some(before) = self.received.insert(number, packet.clone()) {
            assert_eq!(before, packet, "a repair differs from what it repairs");
        }
    }

    /// The subscriber asks for everything it misses.
    fn repair(&mut self) {
        if self.forwarder.halted() {
            let handed_out = self.forwarder.first_number..self.forwarder.timeline.next_out();
            self.paused.extend(handed_out.filter(|number| !self.received.contains_key(number)));
            return;
        }
        let Some((&highest, _)) = self.received.last_key_value() else { return };
        let missing: Vec<u64> = (highest.saturating_sub(250).max(self.forwarder.first_number)..highest)
            .filter(|number| !self.received.contains_key(number))
            .collect();
        for number in missing {
            let Some(at) = self.forwarder.resolve(number as u16) else { continue };
            let Some(cached) = self.caches[usize::from(at.layer)].get(at.ext_seq) else { continue };
            let bytes = cached.bytes.to_vec();
            let packet =
                InboundPacket::parse(&bytes, at.layer, at.ext_seq, cached.codec, &self.table, &self.clocks).unwrap();
            let Ok(plan) = self.forwarder.retransmit(self.now, at, &packet) else { continue };
            let (outgoing, out) = write_out(&mut self.forwarder, &plan, &packet).unwrap();
            self.send(outgoing, out, number);
        }
    }

    fn whim(&mut self) {
        let target = LayerTarget {
            enabled: !self.dice.percent(10),
            spatial: self.dice.below(3) as u8,
            temporal: self.dice.below(4) as u8,
        };
        match self.dice.below(10) {
            0 => self.forwarder.set_muted(true),
            1 => self.forwarder.set_layers_active(1 + self.dice.below(7) as u8),
            _ => {
                self.forwarder.set_muted(false);
                self.forwarder.set_target(target);
            }
        }
    }

    fn run(&mut self, frames: u64) {
        let mut layers: Vec<Layer> = (0..3)
            .map(|index| Layer {
                index,
                next_seq: 65_536 + self.dice.below(65_536),
                timestamp: self.dice.below(1 << 32) as u32,
                picture_id: self.dice.below(1 << 15) as u16,
                tl0: self.dice.below(256) as u8,
                key_index: self.dice.below(32) as u8,
                frame: 0,
                since_key: 0,
            })
            .collect();
        self.forwarder.set_layers_active(0b111);
        let start = self.now;
        // (frame at which it arrives, layer, packet, as repair)
        let mut under_way: Vec<(u64, u8, Vec<u8>, bool)> = Vec::new();
        for frame in 0..frames {
            self.now = start + ms(frame * 33);
            if self.dice.percent(self.weather.whims) {
                self.whim();
            }
            let asked = self.forwarder.wants_keyframe().filter(|_| self.dice.percent(40));
            for layer in &mut layers {
                let key = layer.frame == 0 || asked == Some(layer.index);
                let mut packets: Vec<Vec<u8>> =
                    layer.next_frame(key, &mut self.dice).iter().map(Vp8Packet::bytes).collect();
                if self.dice.percent(self.weather.padding) {
                    packets.push(padding(layer.index, layer.next_seq, layer.timestamp));
                    layer.next_seq += 1;
                }
                for bytes in packets {
                    // The first packet gives the stream its numbers.
                    if layer.frame > 1 && self.dice.percent(self.weather.uplink_loss) {
                        if self.dice.percent(80) {
                            under_way.push((frame + 1 + self.dice.below(5), layer.index, bytes, true));
                        }
                        continue;
                    }
                    let delay = if layer.frame > 1 && self.dice.percent(self.weather.reordering) {
                        self.dice.below(3)
                    } else {
                        0
                    };
                    if self.dice.percent(2) {
                        under_way.push((frame + 2, layer.index, bytes.clone(), self.dice.percent(50)));
                    }
                    under_way.push((frame + delay, layer.index, bytes, false));
                }
            }
            let due: Vec<_> = under_way.extract_if(.., |(at, ..)| *at <= frame).collect();
            for (_, layer, bytes, repaired) in due {
                self.arrive(&bytes, layer, repaired);
            }
            self.repair();
        }
        // Nothing is repaired during a pause.
        self.forwarder.set_muted(false);
        self.forwarder.set_target(LayerTarget::BEST);
        self.weather.downlink_loss = 0;
        for round in 0..10 {
            self.now = start + ms(frames * 33 + round * 100);
            self.repair();
        }
    }

    /// The decoder: walks over what was received, in order of numbers.
    fn check(&self) -> Result<(), TestCaseError> {
        let mut last: Option<(u64, Seen)> = None;
        for (&number, packet) in &self.received {
            if self.fillers.contains(&number) {
                continue;
            }
            let seen = Seen::read(packet);
            match last {
                None => {
                    prop_assert!(seen.key && seen.part == 0, "starts at {seen:?}");
                }
                Some((before, previous)) => {
                    // Fillers and numbers that never came explain a jump.
                    let explained = (before + 1..number)
                        .all(|between| self.fillers.contains(&between) || !self.received.contains_key(&between));
                    prop_assert!(explained);
                    seen.follows(&previous, before + 1 == number)?;
                }
            }
            last = Some((number, seen));
        }
        let (Some((first, _)), Some((highest, _))) = (self.received.first_key_value(), self.received.last_key_value())
        else {
            return Ok(());
        };
        prop_assert_eq!(*first, self.forwarder.first_number);
        for number in *first..*highest {
            // Sent once, repeated five times, and lost each time.
            let given_up = self.paused.contains(&number) || self.lost.get(&number).is_some_and(|times| *times >= 6);
            if !self.received.contains_key(&number) && !given_up {
                let origin = self.origins[&number];
                prop_assert!(!self.arrived.contains(&origin), "{number} is missing although {origin:?} came");
            }
        }
        Ok(())
    }
}

/// What a decoder sees of a packet.
#[derive(Clone, Copy, Debug)]
struct Seen {
    timestamp: u32,
    source_timestamp: u32,
    picture_id: u16,
    tl0: u8,
    temporal: u8,
    key: bool,
    layer: u8,
    part: u8,
    marker: bool,
}

impl Seen {
    fn read(packet: &[u8]) -> Self {
        let header = RtpHeader::parse(packet).unwrap();
        let payload = &packet[header.payload_range(packet).unwrap()];
        let vp8 = Vp8Descriptor::parse(payload).unwrap();
        let [delta, layer, part, parts, t0, t1, t2, t3] = payload[DESCRIPTOR..] else { panic!("payload {payload:?}") };
        assert_eq!(header.marker, part + 1 == parts);
        Self {
            timestamp: header.timestamp,
            source_timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            picture_id: vp8.picture_id,
            tl0: vp8.tl0_picture_index,
            temporal: vp8.temporal_layer,
            key: delta == 0,
            layer,
            part,
            marker: header.marker,
        }
    }

    /// Does this packet go on from `last`? Strictly if nothing is missing between.
    fn follows(&self, last: &Self, adjacent: bool) -> Result<(), TestCaseError> {
        // A keyframe whose start came late may begin an epoch after its rest was sent: then it is sent again as another.
        let again = self.key && self.part == 0 && self.timestamp != last.timestamp;
        let same_frame = self.layer == last.layer && self.source_timestamp == last.source_timestamp && !again;
        if same_frame {
            prop_assert_eq!((self.timestamp, self.picture_id, self.tl0), (last.timestamp, last.picture_id, last.tl0));
            prop_assert!(self.part > last.part);
            prop_assert!(!adjacent || self.part == last.part + 1);
            return Ok(());
        }
        prop_assert!(timestamp_distance(last.timestamp, self.timestamp) > 0, "{last:?} {self:?}");
        let pictures = self.picture_id.wrapping_sub(last.picture_id) & 0x7fff;
        prop_assert!((1..0x4000).contains(&pictures), "{last:?} {self:?}");
        if self.layer != last.layer && adjacent {
            prop_assert!(self.key && self.part == 0, "another layer without a keyframe: {self:?}");
        }
        if adjacent {
            prop_assert_eq!(pictures, 1, "{:?} {:?}", last, self);
            prop_assert_eq!(self.part, 0, "the start of a frame is missing: {:?} {:?}", last, self);
            prop_assert!(last.marker || self.key, "the end of a frame is missing: {last:?} {self:?}");
            prop_assert_eq!(self.tl0, last.tl0.wrapping_add(u8::from(self.temporal == 0)), "{:?} {:?}", last, self);
        }
        Ok(())
    }
}

const CALM: Weather = Weather { uplink_loss: 0, reordering: 0, downlink_loss: 0, padding: 5, whims: 10 };

proptest! {
    /// Nothing lost: no gap at all, whatever the subscriber asks for.
    #[test]
    fn without_loss_nothing_is_missing(seed in any::<u64>()) {
        let mut call = Call::new(seed, CALM, true);
        call.run(240);
        let (first, last) = (call.received.first_key_value(), call.received.last_key_value());
        if let (Some((first, _)), Some((last, _))) = (first, last) {
            prop_assert_eq!(last - first + 1, call.received.len() as u64);
        }
        prop_assert!(call.fillers.is_empty());
        call.check()?;
    }

    #[test]
    fn losses_are_the_only_gaps(seed in any::<u64>(), uplink_loss in 0_u64..15, reordering in 0_u64..10, downlink_loss in 0_u64..10, rtx in any::<bool>()) {
        let mut call = Call::new(seed, Weather { uplink_loss, reordering, downlink_loss, ..CALM }, rtx);
        call.run(240);
        call.check()?;
    }
}
