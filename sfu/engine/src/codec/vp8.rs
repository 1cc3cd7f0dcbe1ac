//! The VP8 payload descriptor (RFC 7741 §4.2): read, and rewritten in place.

use crate::codec::PacketFacts;

/// Numbers of one packet's descriptor and where they stand. Offsets count from the start of the payload; 0 means absent,
/// since the first byte is never one of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vp8Descriptor {
    /// 7 or 15 bits, see [`Self::long_picture_id`].
    pub picture_id: u16,
    pub tl0_picture_index: u8,
    /// 5 bits.
    pub key_index: u8,
    pub temporal_layer: u8,
    /// Y: depends on temporal layer 0 only.
    pub layer_sync: bool,
    /// S: a partition begins.
    pub partition_start: bool,
    /// Partition 0 holds the frame header.
    pub partition: u8,
    pub long_picture_id: bool,
    /// Bytes of the descriptor.
    pub len: u8,
    picture_id_at: u8,
    tl0_at: u8,
    layer_at: u8,
    has_key_index: bool,
    has_temporal_layer: bool,
}

/// New values for the numbers of a descriptor; what the packet does not carry is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vp8Numbers {
    pub picture_id: u16,
    pub tl0_picture_index: u8,
    pub key_index: u8,
}

impl Vp8Descriptor {
    /// Reads the descriptor; `None` when it is longer than the payload.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let &first = payload.first()?;
        let mut descriptor =
            Self { partition_start: first & 0x10 != 0, partition: first & 0x07, len: 1, ..Self::default() };
        if first & 0x80 != 0 {
            descriptor.parse_extension(payload)?;
        }
        Some(descriptor)
    }

    fn parse_extension(&mut self, payload: &[u8]) -> Option<()> {
        let &extension = payload.get(1)?;
        let mut at = 2_u8;
        let byte = |at: u8| payload.get(usize::from(at)).copied();
        if extension & 0x80 != 0 {
            let high = byte(at)?;
            self.picture_id_at = at;
            self.long_picture_id = high & 0x80 != 0;
            self.picture_id = u16::from(high & 0x7f);
            if self.long_picture_id {
                self.picture_id = self.picture_id << 8 | u16::from(byte(at + 1)?);
                at += 1;
            }
            at += 1;
        }
        if extension & 0x40 != 0 {
            self.tl0_picture_index = byte(at)?;
            self.tl0_at = at;
            at += 1;
        }
        if extension & 0x30 != 0 {
            let layers = byte(at)?;
            self.layer_at = at;
            self.has_temporal_layer = extension & 0x20 != 0;
            self.has_key_index = extension & 0x10 != 0;
            if self.has_temporal_layer {
                self.temporal_layer = layers >> 6;
                self.layer_sync = layers & 0x20 != 0;
            }
            if self.has_key_index {
                self.key_index = layers & 0x1f;
            }
            at += 1;
        }
        self.len = at;
        Some(())
    }

    pub const fn has_picture_id(&self) -> bool {
        self.picture_id_at != 0
    }

    pub const fn has_temporal_layer(&self) -> bool {
        self.has_temporal_layer
    }

    /// First packet of a frame.
    pub const fn frame_start(&self) -> bool {
        self.partition_start && self.partition == 0
    }

    /// Puts new numbers into a copy of the payload that this was read from. The picture id keeps the width it has.
    pub fn rewrite(&self, payload: &mut [u8], numbers: Vp8Numbers) {
        if self.picture_id_at != 0
            && let Some(bytes) = payload.get_mut(usize::from(self.picture_id_at)..)
        {
            let [high, low] = numbers.picture_id.to_be_bytes();
            match bytes {
                [first, second, ..] if self.long_picture_id => (*first, *second) = (high | 0x80, low),
                [first, ..] => *first = low & 0x7f,
                [] => {}
            }
        }
        if self.tl0_at != 0
            && let Some(byte) = payload.get_mut(usize::from(self.tl0_at))
        {
            *byte = numbers.tl0_picture_index;
        }
        if self.has_key_index
            && let Some(byte) = payload.get_mut(usize::from(self.layer_at))
        {
            *byte = *byte & 0xe0 | numbers.key_index & 0x1f;
        }
    }
}

pub(super) fn inspect(payload: &[u8]) -> PacketFacts {
    let Some(descriptor) = Vp8Descriptor::parse(payload) else { return PacketFacts::default() };
    let frame_start = descriptor.frame_start();
    // The frame header's lowest bit: 0 is a key frame (RFC 6386 §9.1).
    let keyframe = frame_start && payload.get(usize::from(descriptor.len)).is_some_and(|byte| byte & 1 == 0);
    PacketFacts {
        keyframe,
        frame_start,
        temporal_layer: descriptor.temporal_layer,
        switching_point: keyframe || descriptor.layer_sync || descriptor.temporal_layer == 0,
        vp8: Some(descriptor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X, S; I L T K; 15-bit picture id 0x1234; tl0 9; tid 2, Y, keyidx 5; then a frame header byte.
    const FULL: [u8; 7] = [0x90, 0xf0, 0x92, 0x34, 9, 0xa5, 0x01];

    #[test]
    fn every_field_is_read() {
        let d = Vp8Descriptor::parse(&FULL).unwrap();
        assert_eq!((d.picture_id, d.long_picture_id, d.tl0_picture_index, d.key_index), (0x1234, true, 9, 5));
        assert_eq!((d.temporal_layer, d.layer_sync, d.len), (2, true, 6));
        let facts = inspect(&FULL);
        assert!(facts.frame_start && !facts.keyframe && facts.switching_point);
    }

    #[test]
    fn keyframes_are_told_by_the_frame_header() {
        let mut key = FULL;
        key[6] = 0x10;
        assert!(inspect(&key).keyframe);
        key[0] = 0x80;
        assert!(!inspect(&key).keyframe, "a continuation");
        key[0] = 0x91;
        assert!(!inspect(&key).keyframe, "another partition");
        assert!(inspect(&[0x10, 0x00]).keyframe, "the shortest descriptor");
        assert!(!inspect(&[0x10]).keyframe);
    }

    #[test]
    fn truncated_descriptors_are_refused() {
        for len in 0..6 {
            assert!(Vp8Descriptor::parse(&FULL[..len]).is_none(), "{len} bytes");
        }
        assert_eq!(inspect(&FULL[..4]), PacketFacts::default());
    }

    #[test]
    fn numbers_are_rewritten_in_their_own_width() {
        let numbers = Vp8Numbers { picture_id: 0x7ffe, tl0_picture_index: 200, key_index: 31 };
        let mut payload = FULL;
        Vp8Descriptor::parse(&FULL).unwrap().rewrite(&mut payload, numbers);
        assert_eq!(payload, [0x90, 0xf0, 0xff, 0xfe, 200, 0xbf, 0x01]);

        let short = [0x90, 0xc0, 0x7f, 9, 0x00];
        let mut payload = short;
        let d = Vp8Descriptor::parse(&short).unwrap();
        assert_eq!((d.picture_id, d.long_picture_id, d.len), (0x7f, false, 4));
        d.rewrite(&mut payload, Vp8Numbers { picture_id: 0x181, ..numbers });
        assert_eq!(payload, [0x90, 0xc0, 0x01, 200, 0x00]);

        let bare = [0x10, 0x00];
        let mut payload = bare;
        Vp8Descriptor::parse(&bare).unwrap().rewrite(&mut payload, numbers);
        assert_eq!(payload, bare);
    }
}
