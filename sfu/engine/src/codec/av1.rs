//! The AV1 aggregation header (AV1 RTP payload specification §4.4): where a coded video sequence begins.

use crate::codec::PacketFacts;

pub(super) fn inspect(payload: &[u8]) -> PacketFacts {
    let Some(&header) = payload.first() else { return PacketFacts::default() };
    let continuation = header & 0x80 != 0;
    let new_sequence = header & 0x08 != 0;
    PacketFacts {
        keyframe: new_sequence && !continuation,
        frame_start: !continuation,
        temporal_layer: 0,
        switching_point: new_sequence,
        vp8: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_sequence_is_a_keyframe() {
        assert!(inspect(&[0x18, 0x0a]).keyframe);
        assert!(!inspect(&[0x10, 0x32]).keyframe);
        assert!(!inspect(&[0x98, 0x32]).keyframe, "continues an OBU");
        assert_eq!(inspect(&[]), PacketFacts::default());
    }
}
