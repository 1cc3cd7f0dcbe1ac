//! Synthetic media: valid VP8 payloads (RFC 7741) without a picture in them, and Opus-sized audio.
//!
//! A server looks at the payload descriptor and the first bytes of a frame, never at the picture: those are right, the
//! rest is filler. Packets of a frame are equally long, as libwebrtc cuts them.

use bytes::{BufMut, Bytes, BytesMut};

/// Longest payload, descriptor included: what fits into a 1,200-byte datagram with header and extensions.
const MAX_PAYLOAD: usize = 1176;
/// X and I bits, and a 15-bit picture id (RFC 7741 §4.2).
const DESCRIPTOR_BYTES: usize = 4;
/// Frame tag, start code and size of a keyframe (RFC 6386 §9.1).
const KEYFRAME_HEADER_BYTES: usize = 10;
/// Audio packets are as long as Opus at 36 kb/s makes them.
const AUDIO_BYTES: usize = 90;

/// Milliseconds of sound in one audio packet.
pub(crate) const AUDIO_PACKET_MS: u64 = 20;
/// RTP clock of Opus (RFC 7587).
pub(crate) const AUDIO_CLOCK: u32 = 48_000;
/// RTP clock of video.
pub(crate) const VIDEO_CLOCK: u32 = 90_000;

/// One VP8 encoding.
#[derive(Debug, Clone)]
pub(crate) struct Vp8 {
    width: u16,
    height: u16,
    picture_id: u16,
}

impl Vp8 {
    /// An encoding of this size; `picture_id` is where it starts.
    pub(crate) fn new(width: u16, height: u16, picture_id: u16) -> Self {
        Self { width, height, picture_id: picture_id & 0x7fff }
    }

    /// The payloads of the next frame, about `bytes` long together; the last one gets the marker.
    pub(crate) fn frame(&mut self, bytes: usize, keyframe: bool) -> Vec<Bytes> {
        let bytes = bytes.max(KEYFRAME_HEADER_BYTES);
        let packets = bytes.div_ceil(MAX_PAYLOAD - DESCRIPTOR_BYTES);
        let share = bytes.div_ceil(packets);
        let payloads = (0..packets).map(|index| self.payload(index == 0, share, keyframe)).collect();
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        payloads
    }

    fn payload(&self, first: bool, share: usize, keyframe: bool) -> Bytes {
        let mut payload = BytesMut::with_capacity(DESCRIPTOR_BYTES + share);
        // X; S on the first packet of partition 0.
        payload.put_u8(if first { 0x90 } else { 0x80 });
        // I
        payload.put_u8(0x80);
        // M: 15 bits
        payload.put_u16(0x8000 | self.picture_id);
        if first {
            // Version 0, show_frame; bit 0 is clear on a keyframe.
            payload.put_slice(&[if keyframe { 0x10 } else { 0x11 }, 0x02, 0x00]);
            if keyframe {
                payload.put_slice(&[0x9d, 0x01, 0x2a]);
                payload.put_u16_le(self.width);
                payload.put_u16_le(self.height);
            }
        }
        payload.resize(DESCRIPTOR_BYTES + share, 0x55);
        payload.freeze()
    }
}

/// An audio payload: an Opus TOC byte (20 ms, one frame) and filler.
pub(crate) fn audio() -> Bytes {
    let mut payload = vec![0x55; AUDIO_BYTES];
    if let Some(toc) = payload.first_mut() {
        *toc = 0x78;
    }
    payload.into()
}

#[cfg(test)]
mod tests {
    use rtc::rtp::codec::vp8::Vp8Packet;
    use rtc::rtp::packetizer::Depacketizer;

    use super::*;

    #[test]
    fn an_independent_parser_reads_the_descriptor() {
        let mut encoding = Vp8::new(1280, 720, 0x7fff);
        for (frame, expected_id) in [(7_000, 0x7fff), (2_100, 0), (700, 1)] {
            let payloads = encoding.frame(frame, false);
            for (index, payload) in payloads.iter().enumerate() {
                let mut packet = Vp8Packet::default();
                packet.depacketize(payload).unwrap();
                assert_eq!((packet.x, packet.i), (1, 1));
                assert_eq!(packet.picture_id, expected_id);
                assert_eq!(packet.s, u8::from(index == 0));
            }
        }
    }

    #[test]
    fn a_frame_of_the_baseline_is_six_equal_packets() {
        let payloads = Vp8::new(1280, 720, 1).frame(7_000, false);
        assert_eq!(payloads.len(), 6);
        assert!(payloads.iter().all(|payload| payload.len() == 1171 && payload.len() <= MAX_PAYLOAD));
        let sum: usize = payloads.iter().map(|payload| payload.len() - DESCRIPTOR_BYTES).sum();
        assert!((7_000..7_006).contains(&sum), "{sum}");
    }

    #[test]
    fn keyframes_carry_the_start_code_and_the_size() {
        let payloads = Vp8::new(640, 360, 1).frame(700, true);
        let first = &payloads[0];
        assert_eq!(first[4] & 1, 0, "the inverse keyframe bit");
        assert_eq!(first[7..10], [0x9d, 0x01, 0x2a]);
        assert_eq!(
            (u16::from_le_bytes([first[10], first[11]]), u16::from_le_bytes([first[12], first[13]])),
            (640, 360)
        );
        let delta = Vp8::new(640, 360, 1).frame(700, false);
        assert_eq!(delta[0][4] & 1, 1);
    }

    #[test]
    fn tiny_frames_are_still_frames() {
        assert_eq!(Vp8::new(16, 16, 0).frame(0, true).len(), 1);
        assert_eq!(audio().len(), 90);
    }
}
