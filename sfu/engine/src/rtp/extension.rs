//! RTP header extensions (RFC 8285): elements read by the ids of the receiving bundle, written by those of the sending one.
//!
//! Reading happens once per inbound packet, writing once per forwarded one; neither allocates.

use crate::api::ExtensionIds;

/// Profile of the one-byte form.
pub const PROFILE_ONE_BYTE: u16 = 0xbede;
/// Profile of the two-byte form, application bits zero.
pub const PROFILE_TWO_BYTE: u16 = 0x1000;

/// Largest element that we copy: a dependency descriptor with its template structure stays below this.
const MAX_ELEMENT: usize = 255;

/// The elements of an extension block, in order: `(id, data)`. Ends at the first one that does not fit.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: &'a [u8],
    two_byte: bool,
}

impl<'a> Elements<'a> {
    /// `bytes` is what follows profile and length. An unknown profile has no elements.
    pub const fn new(profile: u16, bytes: &'a [u8]) -> Self {
        let two_byte = profile & 0xfff0 == PROFILE_TWO_BYTE;
        let known = two_byte || profile == PROFILE_ONE_BYTE;
        Self { rest: if known { bytes } else { &[] }, two_byte }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&first, rest) = self.rest.split_first()?;
            if first == 0 {
                self.rest = rest;
                continue;
            }
            let (id, len, rest) = if self.two_byte {
                let (&len, rest) = rest.split_first()?;
                (first, usize::from(len), rest)
            } else {
                (first >> 4, usize::from(first & 0x0f) + 1, rest)
            };
            // Id 15 ends the one-byte form; id 0 with a length is padding in disguise and ends it too (RFC 8285 §4.2).
            if !self.two_byte && (id == 15 || id == 0) {
                self.rest = &[];
                return None;
            }
            let Some((data, rest)) = rest.split_at_checked(len) else {
                self.rest = &[];
                return None;
            };
            self.rest = rest;
            return Some((id, data));
        }
    }
}

/// What an extension means to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
enum Meaning {
    #[default]
    Unknown,
    Mid,
    Rid,
    RepairedRid,
    TransportCc,
    AudioLevel,
    AbsCaptureTime,
    DependencyDescriptor,
    PlayoutDelay,
    VideoOrientation,
}

/// [`ExtensionIds`] turned round: from the id on the wire to its meaning, one load per element.
#[derive(Clone, Debug)]
pub struct ExtensionTable {
    meanings: [Meaning; 256],
}

impl ExtensionTable {
    pub fn new(ids: &ExtensionIds) -> Self {
        let mut meanings = [Meaning::Unknown; 256];
        for (id, meaning) in [
            (ids.mid, Meaning::Mid),
            (ids.rid, Meaning::Rid),
            (ids.repaired_rid, Meaning::RepairedRid),
            (ids.transport_cc, Meaning::TransportCc),
            (ids.audio_level, Meaning::AudioLevel),
            (ids.abs_capture_time, Meaning::AbsCaptureTime),
            (ids.dependency_descriptor, Meaning::DependencyDescriptor),
            (ids.playout_delay, Meaning::PlayoutDelay),
            (ids.video_orientation, Meaning::VideoOrientation),
        ] {
            if let Some(slot) = id.and_then(|id| meanings.get_mut(usize::from(id))) {
                *slot = meaning;
            }
        }
        Self { meanings }
    }

    /// Everything that we know in the extension block of a packet.
    pub fn read<'a>(&self, profile: u16, bytes: &'a [u8]) -> Extensions<'a> {
        let mut found = Extensions::default();
        for (id, data) in Elements::new(profile, bytes) {
            match self.meanings.get(usize::from(id)).copied().unwrap_or_default() {
                Meaning::Unknown => {}
                Meaning::Mid => found.mid = Some(data),
                Meaning::Rid => found.rid = Some(data),
                Meaning::RepairedRid => found.repaired_rid = Some(data),
                Meaning::TransportCc => found.transport_cc = data.first_chunk().map(|b| u16::from_be_bytes(*b)),
                Meaning::AudioLevel => found.audio_level = data.first().map(|b| AudioLevel::from_byte(*b)),
                Meaning::AbsCaptureTime => found.abs_capture_time = Some(data),
                Meaning::DependencyDescriptor => found.dependency_descriptor = Some(data),
                Meaning::PlayoutDelay => found.playout_delay = data.first_chunk().copied(),
                Meaning::VideoOrientation => found.video_orientation = data.first().copied(),
            }
        }
        found
    }
}

impl Default for ExtensionTable {
    fn default() -> Self {
        Self::new(&ExtensionIds::default())
    }
}

/// RFC 6464: how loud one packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioLevel {
    /// The sender's voice activity detector says speech.
    pub voice: bool,
    /// Below full scale, in dB: 0 loudest, 127 silence.
    pub minus_dbov: u8,
}

impl AudioLevel {
    pub const fn from_byte(byte: u8) -> Self {
        Self { voice: byte & 0x80 != 0, minus_dbov: byte & 0x7f }
    }

    pub const fn to_byte(self) -> u8 {
        (self.voice as u8) << 7 | self.minus_dbov & 0x7f
    }
}

/// The known extensions of one packet, borrowed from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions<'a> {
    pub mid: Option<&'a [u8]>,
    pub rid: Option<&'a [u8]>,
    pub repaired_rid: Option<&'a [u8]>,
    /// Transport-wide sequence number.
    pub transport_cc: Option<u16>,
    pub audio_level: Option<AudioLevel>,
    /// 8 or 16 bytes, passed on as they are: they speak of the publisher's clock, as our sender reports do.
    pub abs_capture_time: Option<&'a [u8]>,
    pub dependency_descriptor: Option<&'a [u8]>,
    pub playout_delay: Option<[u8; 3]>,
    pub video_orientation: Option<u8>,
}

impl Extensions<'_> {
    /// Carries something that may be passed on to subscribers.
    pub(crate) const fn has_forwarded(&self) -> bool {
        self.audio_level.is_some()
            || self.abs_capture_time.is_some()
            || self.dependency_descriptor.is_some()
            || self.playout_delay.is_some()
            || self.video_orientation.is_some()
    }
}

/// Elements in one outbound block.
const MAX_ELEMENTS: usize = 6;

/// An extension block in the making: at most [`MAX_ELEMENTS`] elements, measured before they are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<'a> {
    elements: [(u8, &'a [u8]); MAX_ELEMENTS],
    count: usize,
    /// Bytes of data without element headers.
    data_len: usize,
    two_byte: bool,
}

impl<'a> Block<'a> {
    pub(crate) const fn new() -> Self {
        Self { elements: [(0, &[]); MAX_ELEMENTS], count: 0, data_len: 0, two_byte: false }
    }

    /// Adds an element; nothing happens without an id, or when it is too long to be written.
    pub(crate) fn add(&mut self, id: Option<u8>, data: &'a [u8]) {
        let Some(id) = id.filter(|id| *id != 0) else { return };
        let Some(slot) = self.elements.get_mut(self.count) else { return };
        if data.len() > MAX_ELEMENT {
            return;
        }
        *slot = (id, data);
        self.count += 1;
        self.data_len += data.len();
        self.two_byte |= id > 14 || data.is_empty() || data.len() > 16;
    }

    /// Bytes on the wire, with profile, length and padding to 32 bits; 0 when empty.
    pub(crate) const fn wire_len(&self) -> usize {
        if self.count == 0 {
            return 0;
        }
        let per_element = if self.two_byte { 2 } else { 1 };
        4 + (self.data_len + per_element * self.count).next_multiple_of(4)
    }

    /// Fills `out`, which is [`Self::wire_len`] bytes long.
    pub(crate) fn write(&self, out: &mut [u8]) {
        let words = (out.len() / 4).saturating_sub(1) as u16;
        let profile = if self.two_byte { PROFILE_TWO_BYTE } else { PROFILE_ONE_BYTE };
        let Some((head, mut rest)) = out.split_first_chunk_mut::<4>() else { return };
        let ([p0, p1], [l0, l1]) = (profile.to_be_bytes(), words.to_be_bytes());
        *head = [p0, p1, l0, l1];
        for (id, data) in self.elements.iter().take(self.count) {
            let len = data.len() as u8;
            let header_len = if self.two_byte { 2 } else { 1 };
            let Some((header, tail)) = rest.split_at_mut_checked(header_len) else { return };
            match header {
                [one] => *one = id << 4 | len.wrapping_sub(1) & 0x0f,
                [first, second] => (*first, *second) = (*id, len),
                _ => {}
            }
            let Some((body, tail)) = tail.split_at_mut_checked(data.len()) else { return };
            body.copy_from_slice(data);
            rest = tail;
        }
        rest.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const IDS: ExtensionIds = ExtensionIds {
        mid: Some(1),
        rid: Some(2),
        repaired_rid: Some(3),
        transport_cc: Some(4),
        abs_send_time: None,
        audio_level: Some(5),
        abs_capture_time: Some(6),
        dependency_descriptor: Some(7),
        playout_delay: Some(8),
        video_orientation: Some(20),
    };

    #[test]
    fn one_byte_elements_are_read() {
        let block = [0x11, b'a', b'b', 0, 0x20, b'q', 0x41, 0x12, 0x34, 0x50, 0x85, 0x82, 1, 2, 3, 0xf0, 0x10, b'x'];
        let found = ExtensionTable::new(&IDS).read(PROFILE_ONE_BYTE, &block);
        assert_eq!(found.mid, Some(&b"ab"[..]), "what follows id 15 is not read");
        assert_eq!(found.rid, Some(&b"q"[..]));
        assert_eq!(found.transport_cc, Some(0x1234));
        assert_eq!(found.audio_level, Some(AudioLevel { voice: true, minus_dbov: 5 }));
        assert_eq!(found.playout_delay, Some([1, 2, 3]));
        assert_eq!(found.video_orientation, None);
    }

    #[test]
    fn two_byte_elements_are_read() {
        let mut block = vec![20, 1, 3, 0, 7, 40];
        block.extend([9; 40]);
        block.extend([1, 9, b'x']);
        let found = ExtensionTable::new(&IDS).read(0x1003, &block);
        assert_eq!(found.video_orientation, Some(3));
        assert_eq!(found.dependency_descriptor, Some(&[9; 40][..]));
        assert_eq!(found.mid, None, "cut off");
        assert_eq!(ExtensionTable::new(&IDS).read(0x2000, &block), Extensions::default());
    }

    #[test]
    fn short_blocks_stay_in_the_one_byte_form() {
        let mut block = Block::new();
        block.add(Some(5), &[0x85]);
        block.add(None, &[1]);
        block.add(Some(1), b"mid");
        let mut out = vec![0xff; block.wire_len()];
        block.write(&mut out);
        assert_eq!(out, [0xbe, 0xde, 0, 2, 0x50, 0x85, 0x12, b'm', b'i', b'd', 0, 0]);
        assert_eq!(Block::new().wire_len(), 0);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(elements in prop::collection::vec((1_u8..30, prop::collection::vec(any::<u8>(), 0..60)), 1..6)) {
            let mut block = Block::new();
            for (id, data) in &elements {
                block.add(Some(*id), data);
            }
            let mut out = vec![0xee; block.wire_len()];
            block.write(&mut out);
            prop_assert_eq!(out.len() % 4, 0);
            let read: Vec<(u8, Vec<u8>)> =
                Elements::new(u16::from_be_bytes([out[0], out[1]]), &out[4..]).map(|(id, data)| (id, data.to_vec())).collect();
            prop_assert_eq!(read, elements);
        }

        #[test]
        fn any_bytes_are_read_within_bounds(profile in prop::sample::select(vec![0xbede_u16, 0x1000, 0x100f, 0]), block in prop::collection::vec(any::<u8>(), 0..64)) {
            let total: usize = Elements::new(profile, &block).map(|(_, data)| data.len()).sum();
            prop_assert!(total <= block.len());
            ExtensionTable::new(&IDS).read(profile, &block);
        }
    }
}
