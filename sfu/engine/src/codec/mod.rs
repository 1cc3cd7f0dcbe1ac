//! What a payload tells without being decoded: does a keyframe begin here, which temporal layer, which picture.
//!
//! A payload (RTP payload without padding) comes in, [`PacketFacts`] go out, once per inbound packet, shared by all its
//! subscriptions. Only VP8 is ever rewritten, in place and without changing its length. End-to-end encrypted frames keep
//! what is read here in the clear.

pub mod av1;
pub mod h264;
pub mod vp8;
pub mod vp9;

use crate::api::Codec;
use crate::codec::vp8::Vp8Descriptor;

/// What is known of one packet's payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketFacts {
    /// A keyframe begins with this packet: a decoder can start here.
    pub keyframe: bool,
    /// A frame begins with this packet (always `true` for audio).
    pub frame_start: bool,
    /// 0 where the codec does not tell.
    pub temporal_layer: u8,
    /// The frame depends on nothing above temporal layer 0: a place to start taking this temporal layer.
    pub switching_point: bool,
    /// Only for VP8 with a readable descriptor.
    pub vp8: Option<Vp8Descriptor>,
}

impl PacketFacts {
    /// Every packet stands alone.
    const AUDIO: Self = Self { keyframe: true, frame_start: true, temporal_layer: 0, switching_point: true, vp8: None };
}

/// Reads a payload. An empty one (padding) has no facts; an unreadable one begins nothing.
pub fn inspect(codec: Codec, payload: &[u8]) -> PacketFacts {
    match codec {
        Codec::Opus => PacketFacts::AUDIO,
        Codec::Vp8 => vp8::inspect(payload),
        Codec::H264 => h264::inspect(payload),
        Codec::Vp9 => vp9::inspect(payload),
        Codec::Av1 => av1::inspect(payload),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn audio_can_start_anywhere() {
        assert!(inspect(Codec::Opus, &[0x78]).keyframe);
    }

    proptest! {
        #[test]
        fn any_payload_is_read_within_bounds(payload in prop::collection::vec(any::<u8>(), 0..40)) {
            for codec in [Codec::Opus, Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1] {
                let facts = inspect(codec, &payload);
                if let Some(descriptor) = facts.vp8 {
                    prop_assert!(usize::from(descriptor.len) <= payload.len());
                }
            }
        }
    }
}
