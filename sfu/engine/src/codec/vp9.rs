//! The VP9 payload descriptor (RFC 9628 §4.2): where a keyframe begins, and the temporal layer.

use crate::codec::PacketFacts;

pub(super) fn inspect(payload: &[u8]) -> PacketFacts {
    read(payload).unwrap_or_default()
}

fn read(payload: &[u8]) -> Option<PacketFacts> {
    let &flags = payload.first()?;
    let (has_picture_id, inter_predicted) = (flags & 0x80 != 0, flags & 0x40 != 0);
    let (has_layers, frame_start) = (flags & 0x20 != 0, flags & 0x08 != 0);
    let mut at = 1;
    if has_picture_id {
        at += if payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
    }
    let (mut temporal_layer, mut switch_up, mut spatial) = (0, false, 0);
    if has_layers {
        let &layers = payload.get(at)?;
        temporal_layer = layers >> 5;
        switch_up = layers & 0x10 != 0;
        spatial = layers >> 1 & 0x07;
    }
    let keyframe = frame_start && !inter_predicted && spatial == 0;
    Some(PacketFacts {
        keyframe,
        frame_start: frame_start && spatial == 0,
        temporal_layer,
        switching_point: keyframe || switch_up || temporal_layer == 0,
        vp8: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyframes_and_layers() {
        assert!(inspect(&[0x88, 0x05]).keyframe, "no layers, short picture id");
        assert!(!inspect(&[0xc8, 0x05]).keyframe, "inter predicted");
        assert!(!inspect(&[0x80, 0x05]).keyframe, "not the first packet");
        let facts = inspect(&[0xa8, 0x85, 0x01, 0x50, 0x00]);
        assert!(facts.keyframe);
        assert_eq!((facts.temporal_layer, facts.switching_point), (2, true));
        assert!(!inspect(&[0xa8, 0x85, 0x01, 0x02, 0x00]).keyframe, "a higher spatial layer of the same picture");
        assert_eq!(inspect(&[0xa8, 0x85]), PacketFacts::default());
    }
}
