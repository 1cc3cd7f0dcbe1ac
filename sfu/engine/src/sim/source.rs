//! Simulated microphones and cameras: RTP as browsers send it, every payload marked so that a receiver can tell what came.
//!
//! In: time, keyframe requests, NACKs. Out: packets in clear, in sending order. Must not: adapt; the sender sends what it
//! was told to.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::api::ExtensionIds;

/// Header extension ids and payload types of every simulated participant.
pub const EXTENSIONS: ExtensionIds = ExtensionIds {
    mid: Some(1),
    rid: Some(2),
    repaired_rid: Some(3),
    transport_cc: Some(4),
    abs_send_time: None,
    audio_level: Some(5),
    abs_capture_time: None,
    dependency_descriptor: None,
    playout_delay: None,
    video_orientation: None,
};
pub const OPUS_PT: u8 = 111;
pub const VP8_PT: u8 = 96;
pub const VP8_RTX_PT: u8 = 97;

const AUDIO_INTERVAL: Duration = Duration::from_millis(20);
const FRAME_INTERVAL: Duration = Duration::from_millis(33);
/// Payload bytes of a video packet, as libwebrtc cuts them.
const PACKET_LEN: usize = 1_100;
/// Packets kept for repair, per layer.
const HISTORY: usize = 600;
/// VP8 payload descriptor with picture id, TL0PICIDX and temporal layer.
const DESCRIPTOR_LEN: usize = 6;

/// One encoding of a camera.
#[derive(Clone, Debug)]
pub struct LayerConfig {
    pub rid: Option<String>,
    pub ssrc: u32,
    pub rtx_ssrc: u32,
    /// Payload bytes of a frame that is not a keyframe; a keyframe has four times as many.
    pub frame_len: usize,
}

/// One encoding as it runs.
#[derive(Debug)]
struct Layer {
    config: LayerConfig,
    sequence: u16,
    rtx_sequence: u16,
    picture_id: u16,
    tl0: u8,
    frames: u64,
    wants_keyframe: bool,
    keyframes: u64,
    history: VecDeque<(u16, Vec<u8>)>,
}

/// A camera: VP8, one to three spatial layers, two temporal layers each.
#[derive(Debug)]
pub struct VideoSource {
    mid: String,
    layers: Vec<Layer>,
    timestamp: u32,
    next_frame: Instant,
    /// Layers that run, lowest first: what dynacast changes.
    pub active_layers: usize,
}

impl VideoSource {
    pub fn new(mid: &str, layers: Vec<LayerConfig>, now: Instant) -> Self {
        let active_layers = layers.len();
        let layers = layers.into_iter().map(Layer::new).collect();
        Self { mid: mid.to_owned(), layers, timestamp: 90_000, next_frame: now, active_layers }
    }

    /// When the next frame is due.
    pub fn poll_timeout(&self) -> Instant {
        self.next_frame
    }

    /// The packets of every layer's next frame, when it is due.
    pub fn poll(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        if now < self.next_frame {
            return packets;
        }
        self.next_frame += FRAME_INTERVAL;
        self.timestamp = self.timestamp.wrapping_add(90 * FRAME_INTERVAL.as_millis() as u32);
        for layer in self.layers.iter_mut().take(self.active_layers) {
            layer.frame(&self.mid, self.timestamp, &mut packets);
        }
        packets
    }

    /// PLI or FIR for one of our SSRCs.
    pub fn request_keyframe(&mut self, ssrc: u32) {
        if let Some(layer) = self.layers.iter_mut().find(|layer| layer.config.ssrc == ssrc) {
            layer.wants_keyframe = true;
        }
    }

    /// Keyframes sent on the layer with this SSRC.
    pub fn keyframes(&self, ssrc: u32) -> u64 {
        self.layers.iter().find(|layer| layer.config.ssrc == ssrc).map_or(0, |layer| layer.keyframes)
    }

    /// The packet again, as RTX (RFC 4588), when it is ours and still kept.
    pub fn retransmit(&mut self, ssrc: u32, sequence: u16) -> Option<Vec<u8>> {
        let layer = self.layers.iter_mut().find(|layer| layer.config.ssrc == ssrc)?;
        layer.retransmit(&self.mid, sequence)
    }
}

impl Layer {
    fn new(config: LayerConfig) -> Self {
        // Below half the number space, as RFC 3711 §3.3.1 needs; different for every layer.
        let sequence = (config.ssrc as u16).wrapping_mul(7_919) & 0x7fff;
        Self {
            rtx_sequence: sequence ^ 0x1555,
            picture_id: sequence >> 1,
            config,
            sequence,
            tl0: 0,
            frames: 0,
            wants_keyframe: true,
            keyframes: 0,
            history: VecDeque::new(),
        }
    }

    fn frame(&mut self, mid: &str, timestamp: u32, packets: &mut Vec<Vec<u8>>) {
        let keyframe = std::mem::take(&mut self.wants_keyframe);
        let base = keyframe || self.frames.is_multiple_of(2);
        self.frames += 1;
        self.keyframes += u64::from(keyframe);
        self.picture_id = self.picture_id.wrapping_add(1) & 0x7fff;
        self.tl0 = self.tl0.wrapping_add(u8::from(base));
        let len = if keyframe { 4 * self.config.frame_len } else { self.config.frame_len };
        let count = len.div_ceil(PACKET_LEN).max(1);
        for at in 0..count {
            let mut packet = self.header(mid, timestamp, at + 1 == count, self.config.ssrc, VP8_PT, self.sequence);
            let start = if at == 0 { 0x10 } else { 0 };
            packet.extend([0x80 | start, 0xe0]);
            packet.extend((self.picture_id | 0x8000).to_be_bytes());
            packet.extend([self.tl0, if base { 0x20 } else { 0x60 }]);
            let body = (len / count).max(16);
            let from = packet.len();
            packet.resize(from + body, self.sequence as u8);
            if let Some(first) = packet.get_mut(from..from + 10).filter(|_| at == 0) {
                // Frame tag with the keyframe bit inverted, start code, width and height (RFC 6386 §9.1).
                let tag = u8::from(!keyframe) | 0x10;
                first.copy_from_slice(&[tag, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01]);
            }
            if self.history.len() == HISTORY {
                self.history.pop_front();
            }
            self.history.push_back((self.sequence, packet.clone()));
            self.sequence = self.sequence.wrapping_add(1);
            packets.push(packet);
        }
    }

    fn retransmit(&mut self, mid: &str, sequence: u16) -> Option<Vec<u8>> {
        let (_, packet) = self.history.iter().find(|(kept, _)| *kept == sequence)?;
        let (timestamp, marker) = (packet.get(4..8)?.first_chunk().copied()?, packet.get(1)? & 0x80 != 0);
        let header_len = self.header(mid, 0, false, 0, 0, 0).len();
        let payload = packet.get(header_len..)?.to_vec();
        let timestamp = u32::from_be_bytes(timestamp);
        let mut repair = self.header(mid, timestamp, marker, self.config.rtx_ssrc, VP8_RTX_PT, self.rtx_sequence);
        if self.config.rid.is_some() {
            // The repair stream names the layer it repairs (RFC 8852).
            let id = EXTENSIONS.repaired_rid.unwrap_or(0);
            let own = EXTENSIONS.rid.unwrap_or(0);
            if let Some(element) = repair.iter_mut().skip(16).find(|byte| **byte >> 4 == own) {
                *element = id << 4 | *element & 0x0f;
            }
        }
        repair.extend(sequence.to_be_bytes());
        repair.extend(payload);
        self.rtx_sequence = self.rtx_sequence.wrapping_add(1);
        Some(repair)
    }

    fn header(&self, mid: &str, timestamp: u32, marker: bool, ssrc: u32, pt: u8, sequence: u16) -> Vec<u8> {
        let rid = self.config.rid.as_deref().map(|rid| (EXTENSIONS.rid, rid.as_bytes()));
        let mid = Some((EXTENSIONS.mid, mid.as_bytes()));
        rtp_header(marker, pt, sequence, timestamp, ssrc, &[rid, mid])
    }
}

/// A microphone: Opus, 50 packets a second, with an audio level.
#[derive(Debug)]
pub struct AudioSource {
    mid: String,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    next_packet: Instant,
    /// Below full scale, in dB: 127 is silence.
    pub minus_dbov: u8,
}

impl AudioSource {
    pub fn new(mid: &str, ssrc: u32, now: Instant) -> Self {
        Self {
            mid: mid.to_owned(),
            ssrc,
            sequence: ssrc as u16 & 0x7fff,
            timestamp: 1,
            next_packet: now,
            minus_dbov: 30,
        }
    }

    pub fn poll_timeout(&self) -> Instant {
        self.next_packet
    }

    pub fn poll(&mut self, now: Instant) -> Option<Vec<u8>> {
        if now < self.next_packet {
            return None;
        }
        self.next_packet += AUDIO_INTERVAL;
        self.timestamp = self.timestamp.wrapping_add(960);
        self.sequence = self.sequence.wrapping_add(1);
        let level = [self.minus_dbov | if self.minus_dbov < 60 { 0x80 } else { 0 }];
        let elements = [Some((EXTENSIONS.audio_level, &level[..])), Some((EXTENSIONS.mid, self.mid.as_bytes()))];
        let mut packet = rtp_header(false, OPUS_PT, self.sequence, self.timestamp, self.ssrc, &elements);
        packet.extend([self.sequence as u8; 80]);
        Some(packet)
    }
}

/// A fixed header and one-byte extension elements (RFC 3550 §5.1, RFC 8285 §4.2).
fn rtp_header(
    marker: bool,
    pt: u8,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    elements: &[Option<(Option<u8>, &[u8])>],
) -> Vec<u8> {
    let mut packet = vec![0x90, pt | if marker { 0x80 } else { 0 }];
    packet.extend(sequence.to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    let mut block = Vec::new();
    for (id, value) in elements.iter().flatten() {
        let id = id.unwrap_or_default();
        block.push(id << 4 | (value.len() as u8).wrapping_sub(1) & 0x0f);
        block.extend(*value);
    }
    block.resize(block.len().next_multiple_of(4), 0);
    packet.extend([0xbe, 0xde]);
    packet.extend((block.len() as u16 / 4).to_be_bytes());
    packet.extend(block);
    packet
}

/// Bytes of the payload descriptor that every video packet begins with.
pub const fn descriptor_len() -> usize {
    DESCRIPTOR_LEN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::vp8::Vp8Descriptor;
    use crate::rtp::extension::ExtensionTable;
    use crate::rtp::header::RtpHeader;

    fn camera(now: Instant) -> VideoSource {
        let layer =
            |rid: &str, ssrc, frame_len| LayerConfig { rid: Some(rid.into()), ssrc, rtx_ssrc: ssrc + 1, frame_len };
        VideoSource::new("0", vec![layer("q", 10, 600), layer("h", 20, 2_500)], now)
    }

    #[test]
    fn a_camera_sends_what_our_own_parsers_read() {
        let now = crate::sim::epoch();
        let mut camera = camera(now);
        let packets = camera.poll(now);
        assert_eq!(packets.len(), 3 + 10, "keyframes of both layers");
        let table = ExtensionTable::new(&EXTENSIONS);
        for (at, packet) in packets.iter().enumerate() {
            let header = RtpHeader::parse(packet).unwrap();
            let extensions = table.read(header.extension_profile, header.extension_bytes(packet));
            assert_eq!(extensions.mid, Some(&b"0"[..]));
            assert_eq!(extensions.rid, Some(if at < 3 { &b"q"[..] } else { b"h" }));
            let payload = &packet[header.payload_range(packet).unwrap()];
            let descriptor = Vp8Descriptor::parse(payload).unwrap();
            assert_eq!(usize::from(descriptor.len), descriptor_len());
            assert_eq!(descriptor.frame_start(), at == 0 || at == 3);
            assert_eq!(header.marker, at == 2 || at == 12);
            let facts = crate::codec::inspect(crate::api::Codec::Vp8, payload);
            assert_eq!(facts.keyframe && facts.frame_start, at == 0 || at == 3);
        }
        assert!(camera.poll(now).is_empty());
        assert_eq!(camera.poll(now + FRAME_INTERVAL).len(), 1 + 3);
        camera.request_keyframe(20);
        assert_eq!(camera.poll(now + 2 * FRAME_INTERVAL).len(), 1 + 10);
        assert_eq!((camera.keyframes(10), camera.keyframes(20)), (1, 2));
    }

    #[test]
    fn a_repair_packet_restores_to_the_original() {
        let now = crate::sim::epoch();
        let mut camera = camera(now);
        let original = camera.poll(now).remove(1);
        let header = RtpHeader::parse(&original).unwrap();
        let mut repair = camera.retransmit(10, header.sequence).unwrap();
        let repair_header = RtpHeader::parse(&repair).unwrap();
        assert_eq!((repair_header.ssrc, repair_header.payload_type), (11, VP8_RTX_PT));
        let table = ExtensionTable::new(&EXTENSIONS);
        let extensions = table.read(repair_header.extension_profile, repair_header.extension_bytes(&repair));
        assert_eq!((extensions.rid, extensions.repaired_rid), (None, Some(&b"q"[..])));
        let range = crate::rtp::rtx::restore(&mut repair, &repair_header, 10, VP8_PT).unwrap();
        let restored = RtpHeader::parse(&repair[range.clone()]).unwrap();
        assert_eq!((restored.ssrc, restored.sequence, restored.timestamp), (10, header.sequence, header.timestamp));
        assert_eq!(repair[range][usize::from(restored.header_len)..], original[usize::from(header.header_len)..]);
        assert!(camera.retransmit(10, header.sequence.wrapping_sub(5)).is_none());
    }
}
