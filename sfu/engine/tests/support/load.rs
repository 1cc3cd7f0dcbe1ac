//! A load on the packet path without encryption: what the engine's loop does with opened packets, for tests and benches.

use std::hint::black_box;
use std::time::Duration;
use std::time::Instant;

use sfu_engine::api::Codec;
use sfu_engine::api::ExtensionIds;
use sfu_engine::api::LayerTarget;
use sfu_engine::api::MediaKind;
use sfu_engine::api::PayloadType;
use sfu_engine::forward::Forwarder;
use sfu_engine::forward::ForwarderParams;
use sfu_engine::forward::InboundPacket;
use sfu_engine::rtp::audio_level::SpeakerMeter;
use sfu_engine::rtp::cache::CacheLimits;
use sfu_engine::rtp::cache::PacketCache;
use sfu_engine::rtp::extension::ExtensionTable;
use sfu_engine::rtp::receive::InboundStream;
use sfu_engine::rtp::rtcp::write as rtcp;
use sfu_engine::rtp::sender_report::LayerClocks;
use sfu_engine::rtp::twcc::TwccRecorder;
use sfu_engine::run::RunBuffer;

/// Bytes that sealing adds.
const TAG: usize = 16;

const PUBLISHED: ExtensionIds = ExtensionIds {
    mid: Some(4),
    rid: Some(10),
    repaired_rid: Some(11),
    transport_cc: Some(3),
    abs_send_time: None,
    audio_level: Some(1),
    abs_capture_time: None,
    dependency_descriptor: None,
    playout_delay: None,
    video_orientation: None,
};

struct Layer {
    stream: InboundStream,
    cache: PacketCache,
    codec: Codec,
    sequence: u16,
    timestamp: u32,
    picture_id: u16,
    /// Packets of a frame, and their payload.
    packets: u8,
    payload: usize,
}

struct Subscriber {
    video: Forwarder,
    audio: Forwarder,
    run: RunBuffer,
}

/// One publisher with VP8 in three layers (1, 2 and 6 packets a frame) and Opus, and its subscribers.
pub(crate) struct Load {
    now: Instant,
    table: ExtensionTable,
    clocks: LayerClocks,
    video: Vec<Layer>,
    audio: Layer,
    subscribers: Vec<Subscriber>,
    twcc: TwccRecorder,
    transport_sequence: u16,
    meter: SpeakerMeter,
    packet: Vec<u8>,
    rtcp: Vec<u8>,
    frame: u64,
    /// Every 50th video packet is lost on the way to us, each 40th frame a subscriber asks for a packet.
    lossy: bool,
    /// Packets written for subscribers, of these repairs.
    pub(crate) forwarded: u64,
    pub(crate) repaired: u64,
    pub(crate) received: u64,
}

fn forwarder(kind: MediaKind, ssrc: u32) -> Forwarder {
    let codec = if kind == MediaKind::Audio { Codec::Opus } else { Codec::Vp8 };
    Forwarder::new(ForwarderParams {
        kind,
        mid: "0".to_owned(),
        ssrc,
        rtx_ssrc: (kind == MediaKind::Video).then_some(ssrc + 1),
        payload_types: vec![PayloadType { pt: 100, codec, rtx_pt: Some(101), nack: true }],
        extensions: ExtensionIds { mid: Some(1), audio_level: Some(2), ..ExtensionIds::default() },
        target: LayerTarget::BEST,
        first_sequence: ssrc as u16,
    })
}

fn layer(kind: MediaKind, index: u8, packets: u8, payload: usize) -> Layer {
    let (codec, layers) = if kind == MediaKind::Audio { (Codec::Opus, 1) } else { (Codec::Vp8, 3) };
    Layer {
        stream: InboundStream::new(u32::from(index) + 1, codec.clock_rate(), kind == MediaKind::Video),
        cache: PacketCache::new(CacheLimits::of(kind, index, layers)),
        codec,
        sequence: 60_000,
        timestamp: 77,
        picture_id: 0,
        packets,
        payload,
    }
}

impl Load {
    pub(crate) fn new(subscribers: u32, lossy: bool) -> Self {
        let subscriber = |n: u32| {
            let mut video = forwarder(MediaKind::Video, 4 * n);
            video.set_layers_active(0b111);
            Subscriber { video, audio: forwarder(MediaKind::Audio, 4 * n + 2), run: RunBuffer::new() }
        };
        Self {
            now: Instant::now(),
            table: ExtensionTable::new(&PUBLISHED),
            clocks: LayerClocks::new(),
            video: [(0, 1, 700), (1, 2, 1_050), (2, 6, 1_166)]
                .map(|(index, packets, payload)| layer(MediaKind::Video, index, packets, payload))
                .into(),
            audio: layer(MediaKind::Audio, 0, 1, 90),
            subscribers: (1..=subscribers).map(subscriber).collect(),
            twcc: TwccRecorder::new(),
            transport_sequence: 0,
            meter: SpeakerMeter::new(),
            packet: Vec::with_capacity(1_500),
            rtcp: Vec::with_capacity(8 * 1_024),
            frame: 0,
            lossy,
            forwarded: 0,
            repaired: 0,
            received: 0,
        }
    }

    /// So many frames of 33 ms.
    pub(crate) fn run(&mut self, frames: u64) {
        for _ in 0..frames {
            self.frame += 1;
            self.now += Duration::from_millis(33);
            self.audio_packet();
            for index in 0..self.video.len() {
                self.video_frame(index);
            }
            if self.lossy && self.frame.is_multiple_of(40) {
                let spatial = (self.frame / 40 % 3) as u8;
                for subscriber in &mut self.subscribers {
                    subscriber.video.set_target(LayerTarget { spatial, ..LayerTarget::BEST });
                }
            }
            self.feedback();
            for index in 0..self.subscribers.len() {
                self.flush(index);
            }
        }
    }

    fn audio_packet(&mut self) {
        self.audio.timestamp = self.audio.timestamp.wrapping_add(1_584);
        self.write_packet(None, 0);
        let Self { audio, packet, table, clocks, meter, now, .. } = self;
        let Some(inbound) = arrive(audio, packet, 0, table, clocks, *now) else { return };
        if let Some(level) = inbound.extensions.audio_level {
            meter.on_packet(level, inbound.header.timestamp, 48_000);
        }
        self.received += 1;
        for subscriber in &mut self.subscribers {
            self.forwarded += forward(&mut subscriber.audio, &mut subscriber.run, &inbound, *now);
        }
    }

    fn video_frame(&mut self, index: usize) {
        self.video[index].timestamp = self.video[index].timestamp.wrapping_add(2_970);
        self.video[index].picture_id = (self.video[index].picture_id + 1) & 0x7fff;
        for part in 0..self.video[index].packets {
            self.write_packet(Some(index), part);
            if self.lossy && self.transport_sequence.is_multiple_of(50) {
                continue;
            }
            let Self { video, packet, table, clocks, twcc, now, .. } = self;
            let Some(inbound) = arrive(&mut video[index], packet, index as u8, table, clocks, *now) else { continue };
            if let Some(sequence) = inbound.extensions.transport_cc {
                twcc.record(sequence, *now);
            }
            self.received += 1;
            for subscriber in &mut self.subscribers {
                self.forwarded += forward(&mut subscriber.video, &mut subscriber.run, &inbound, *now);
            }
        }
    }

    /// The next packet of a layer (`None`: audio), as it looks after it was opened.
    fn write_packet(&mut self, index: Option<usize>, part: u8) {
        self.transport_sequence = self.transport_sequence.wrapping_add(1);
        let key = self.frame % 30 == 1;
        let layer = index.map_or(&mut self.audio, |index| &mut self.video[index]);
        layer.sequence = layer.sequence.wrapping_add(1);
        let marker = u8::from(part + 1 == layer.packets) << 7;
        self.packet.clear();
        self.packet.extend_from_slice(&[0x90, 96 | marker]);
        self.packet.extend_from_slice(&layer.sequence.to_be_bytes());
        self.packet.extend_from_slice(&layer.timestamp.to_be_bytes());
        self.packet.extend_from_slice(&layer.stream.ssrc().to_be_bytes());
        let [high, low] = self.transport_sequence.to_be_bytes();
        if layer.codec == Codec::Opus {
            self.packet.extend_from_slice(&[0xbe, 0xde, 0, 1, 0x10, 0x9e, 0, 0]);
        } else {
            let [p0, p1] = (layer.picture_id | 0x8000).to_be_bytes();
            self.packet.extend_from_slice(&[0xbe, 0xde, 0, 1, 0x31, high, low, 0]);
            let start = u8::from(part == 0) << 4;
            self.packet.extend_from_slice(&[0x80 | start, 0xe0, p0, p1, layer.picture_id as u8, 0, u8::from(!key)]);
        }
        self.packet.resize(20 + layer.payload, 0x55);
    }

    fn feedback(&mut self) {
        self.rtcp.clear();
        while self.twcc.build_feedback(1, 2, &mut self.rtcp) {}
        for layer in &mut self.video {
            if let Some(batch) = layer.stream.poll_nack(self.now, None) {
                rtcp::nack(&mut self.rtcp, 1, layer.stream.ssrc(), batch.sequences().iter().copied());
            }
            if let Some(block) = layer.stream.report_block(self.now) {
                rtcp::receiver_report(&mut self.rtcp, 1, &[block]);
            }
            black_box(layer.stream.take_stats(true));
        }
        black_box(self.meter.judge());
        black_box(&self.rtcp);
    }

    /// A subscriber takes what waits for it, and asks for one of the last packets again.
    fn flush(&mut self, index: usize) {
        let Self { subscribers, video, table, clocks, now, .. } = self;
        let subscriber = &mut subscribers[index];
        if self.lossy && self.frame.is_multiple_of(10) {
            let newest = subscriber.video.newest_sequence().wrapping_sub(3);
            if let Some(at) = subscriber.video.resolve(newest)
                && let Some(cached) = video[usize::from(at.layer)].cache.get(at.ext_seq)
                && let Some(packet) =
                    InboundPacket::parse(cached.bytes, at.layer, at.ext_seq, cached.codec, table, clocks)
                && let Ok(plan) = subscriber.video.retransmit(*now, at, &packet)
                && let Some(space) = subscriber.run.push(plan.packet_len() + TAG)
                && subscriber.video.write(&plan, &packet, space).is_ok()
            {
                self.repaired += 1;
            }
        }
        while let Some(segments) = subscriber.run.next_segments() {
            black_box(subscriber.run.bytes(segments));
        }
        subscriber.run.clear();
    }
}

fn arrive<'a>(
    layer: &mut Layer,
    bytes: &'a [u8],
    index: u8,
    table: &ExtensionTable,
    clocks: &'a LayerClocks,
    now: Instant,
) -> Option<InboundPacket<'a>> {
    let mut packet = InboundPacket::parse(bytes, index, 0, layer.codec, table, clocks)?;
    let header = packet.header;
    packet.ext_seq = layer.stream.on_packet(now, header.sequence, header.timestamp, bytes.len()).ext_seq()?;
    layer.cache.put(now, packet.ext_seq, layer.codec, bytes);
    Some(packet)
}

fn forward(forwarder: &mut Forwarder, run: &mut RunBuffer, packet: &InboundPacket<'_>, now: Instant) -> u64 {
    let Ok(plan) = forwarder.select(now, packet) else { return 0 };
    let Some(space) = run.push(plan.packet_len() + TAG) else { return 0 };
    match forwarder.write(&plan, packet, space) {
        Ok(outgoing) => {
            black_box(outgoing);
            1
        }
        Err(_) => {
            run.cancel();
            0
        }
    }
}
