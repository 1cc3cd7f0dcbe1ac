//! Forwarding proven from outside: single behaviours ([`behaviour`]) and random calls ([`random`]).

mod behaviour;
mod random;

use std::time::Duration;
use std::time::Instant;

use super::*;
use crate::api::SubscriptionId;
use crate::rtp::extension::ExtensionTable;
use crate::rtp::header::FixedHeader;
use crate::rtp::header::write_fixed;
use crate::rtp::rtcp::ReportBlock;
use crate::rtp::sender_report::LayerClocks;
use crate::rtp::sender_report::SenderClock;
use crate::rtp::sender_report::compact_ntp;

/// Ids at the publisher; the subscriber's differ.
const PUBLISHED: ExtensionIds = ExtensionIds {
    mid: Some(9),
    rid: Some(10),
    repaired_rid: None,
    transport_cc: Some(3),
    abs_send_time: None,
    audio_level: Some(1),
    abs_capture_time: Some(2),
    dependency_descriptor: None,
    playout_delay: None,
    video_orientation: Some(4),
};

fn origin() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the origin of virtual time")]
    Instant::now()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn params(kind: MediaKind, rtx_ssrc: Option<u32>) -> ForwarderParams {
    let payload = |pt, codec| PayloadType { pt, codec, rtx_pt: rtx_ssrc.map(|_| pt + 1), nack: true };
    ForwarderParams {
        kind,
        mid: "7".to_owned(),
        ssrc: 0xabc,
        rtx_ssrc,
        payload_types: vec![payload(111, Codec::Opus), payload(100, Codec::Vp8), payload(102, Codec::H264)],
        extensions: ExtensionIds::default(),
        target: LayerTarget::BEST,
        first_sequence: 65_500,
    }
}

/// One VP8 packet of a synthetic publisher.
#[derive(Clone, Copy, Debug)]
struct Vp8Packet {
    layer: u8,
    ext_seq: u64,
    timestamp: u32,
    picture_id: u16,
    tl0: u8,
    key_index: u8,
    temporal: u8,
    sync: bool,
    key: bool,
    /// Position in the frame, and packets in it.
    part: u8,
    parts: u8,
}

/// Length of the descriptor that [`Vp8Packet::bytes`] writes.
const DESCRIPTOR: usize = 6;

impl Vp8Packet {
    const KEY: Self = Self {
        layer: 0,
        ext_seq: 70_000,
        timestamp: 1_000,
        picture_id: 50,
        tl0: 3,
        key_index: 1,
        temporal: 0,
        sync: false,
        key: true,
        part: 0,
        parts: 1,
    };

    /// The packet on the wire; its payload names layer, part and parts behind the frame header's first byte.
    fn bytes(&self) -> Vec<u8> {
        let mut packet = write_fixed(&FixedHeader {
            ssrc: 0x1000 + u32::from(self.layer),
            timestamp: self.timestamp,
            sequence: self.ext_seq as u16,
            payload_type: 96,
            marker: self.part + 1 == self.parts,
            padding: false,
            extension: false,
        })
        .to_vec();
        let [high, low] = (self.picture_id | 0x8000).to_be_bytes();
        let start = if self.part == 0 { 0x10 } else { 0 };
        let layers = self.temporal << 6 | u8::from(self.sync) << 5 | self.key_index & 0x1f;
        packet.extend([0x80 | start, 0xf0, high, low, self.tl0, layers]);
        packet.extend([u8::from(!self.key), self.layer, self.part, self.parts]);
        packet.extend(self.timestamp.to_be_bytes());
        packet
    }
}

fn padding(layer: u8, ext_seq: u64, timestamp: u32) -> Vec<u8> {
    let mut packet = write_fixed(&FixedHeader {
        ssrc: 0x1000 + u32::from(layer),
        timestamp,
        sequence: ext_seq as u16,
        payload_type: 96,
        marker: false,
        padding: true,
        extension: false,
    })
    .to_vec();
    packet.extend([0, 0, 0, 4]);
    packet
}

/// Reads one packet and offers it; what comes out is `(outgoing, bytes)`.
fn offer(
    forwarder: &mut Forwarder,
    now: Instant,
    bytes: &[u8],
    at: (u8, u64, Codec),
    clocks: &LayerClocks,
) -> Result<(Outgoing, Vec<u8>), DropReason> {
    let (layer, ext_seq, codec) = at;
    let packet = InboundPacket::parse(bytes, layer, ext_seq, codec, &ExtensionTable::new(&PUBLISHED), clocks).unwrap();
    let plan = forwarder.select(now, &packet)?;
    write_out(forwarder, &plan, &packet)
}

fn write_out(
    forwarder: &mut Forwarder,
    plan: &Plan,
    packet: &InboundPacket<'_>,
) -> Result<(Outgoing, Vec<u8>), DropReason> {
    let mut out = vec![0xee; plan.packet_len() + 16];
    let outgoing = forwarder.write(plan, packet, &mut out)?;
    assert!(out[outgoing.packet_len..].iter().all(|byte| *byte == 0xee), "the tag's place is untouched");
    out.truncate(outgoing.packet_len);
    Ok((outgoing, out))
}

fn vp8(forwarder: &mut Forwarder, now: Instant, packet: Vp8Packet) -> Result<(Outgoing, Vec<u8>), DropReason> {
    let at = (packet.layer, packet.ext_seq, Codec::Vp8);
    offer(forwarder, now, &packet.bytes(), at, &LayerClocks::new())
}
