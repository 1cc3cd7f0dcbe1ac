//! The RTP header in place (RFC 3550 §5.1): a `Copy` view of the fixed fields, and where extensions and payload lie.
//!
//! It reads and writes slices that belong to others and keeps none.

use std::ops::Range;

/// The fixed part without contributing sources and extensions.
pub const FIXED_HEADER_LEN: usize = 12;

/// The fields of one packet's header, and the offsets that its variable parts have in the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpHeader {
    pub ssrc: u32,
    pub timestamp: u32,
    pub sequence: u16,
    /// Bytes up to the payload: fixed part, contributing sources, extension block.
    pub header_len: u16,
    /// First byte of the extension elements, after profile and length; 0 without an extension.
    pub extension_start: u16,
    /// Bytes of extension elements.
    pub extension_len: u16,
    /// `0xBEDE`, `0x100x` (RFC 8285) or something we do not read.
    pub extension_profile: u16,
    pub payload_type: u8,
    pub marker: bool,
    /// The last byte tells how much of the end is padding.
    pub padding: bool,
}

impl RtpHeader {
    /// Reads the header; `None` when it is not version 2 or longer than the packet. Works on encrypted packets too: the
    /// header is in the clear.
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let fixed: &[u8; FIXED_HEADER_LEN] = packet.first_chunk()?;
        let [flags, type_byte, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = *fixed;
        if flags >> 6 != 2 || packet.len() > usize::from(u16::MAX) {
            return None;
        }
        let mut header = Self {
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            sequence: u16::from_be_bytes([s0, s1]),
            header_len: FIXED_HEADER_LEN as u16 + 4 * u16::from(flags & 0x0f),
            extension_start: 0,
            extension_len: 0,
            extension_profile: 0,
            payload_type: type_byte & 0x7f,
            marker: type_byte & 0x80 != 0,
            padding: flags & 0x20 != 0,
        };
        if flags & 0x10 != 0 {
            let &[p0, p1, l0, l1] = packet.get(usize::from(header.header_len)..)?.first_chunk()?;
            header.extension_profile = u16::from_be_bytes([p0, p1]);
            header.extension_start = header.header_len + 4;
            header.extension_len = u16::from_be_bytes([l0, l1]).checked_mul(4)?;
            header.header_len = header.extension_start.checked_add(header.extension_len)?;
        }
        (usize::from(header.header_len) <= packet.len()).then_some(header)
    }

    /// Where the payload lies in `packet` (opened, without authentication tag), padding taken off. Empty for a packet of
    /// padding alone; `None` when the padding count is zero or reaches into the header (RFC 3550 §5.1).
    pub fn payload_range(&self, packet: &[u8]) -> Option<Range<usize>> {
        let start = usize::from(self.header_len);
        let mut end = packet.len();
        if self.padding {
            let count = usize::from(*packet.get(start..)?.last()?);
            end = end.checked_sub(count).filter(|_| count > 0)?;
        }
        (start <= end).then_some(start..end)
    }

    /// The extension elements of `packet`, empty without.
    pub fn extension_bytes<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        let start = usize::from(self.extension_start);
        packet.get(start..start + usize::from(self.extension_len)).unwrap_or_default()
    }
}

/// What [`write_fixed`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedHeader {
    pub ssrc: u32,
    pub timestamp: u32,
    pub sequence: u16,
    pub payload_type: u8,
    pub marker: bool,
    pub padding: bool,
    /// An extension block follows.
    pub extension: bool,
}

/// The 12 bytes of a header without contributing sources.
pub const fn write_fixed(header: &FixedHeader) -> [u8; FIXED_HEADER_LEN] {
    let [s0, s1] = header.sequence.to_be_bytes();
    let [t0, t1, t2, t3] = header.timestamp.to_be_bytes();
    let [c0, c1, c2, c3] = header.ssrc.to_be_bytes();
    let flags = 0x80 | (header.padding as u8) << 5 | (header.extension as u8) << 4;
    let type_byte = (header.marker as u8) << 7 | header.payload_type & 0x7f;
    [flags, type_byte, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: FixedHeader = FixedHeader {
        ssrc: 0x0102_0304,
        timestamp: 0x8765_4321,
        sequence: 65_535,
        payload_type: 96,
        marker: true,
        padding: false,
        extension: false,
    };

    #[test]
    fn what_was_written_is_read() {
        let mut packet = write_fixed(&HEADER).to_vec();
        packet.extend([1, 2, 3]);
        let header = RtpHeader::parse(&packet).unwrap();
        assert_eq!((header.ssrc, header.timestamp, header.sequence), (0x0102_0304, 0x8765_4321, 65_535));
        assert_eq!((header.payload_type, header.marker, header.padding), (96, true, false));
        assert_eq!(header.payload_range(&packet), Some(12..15));
        assert!(header.extension_bytes(&packet).is_empty());
    }

    #[test]
    fn sources_and_extension_are_stepped_over() {
        let mut packet = write_fixed(&FixedHeader { extension: true, ..HEADER }).to_vec();
        packet[0] |= 2;
        packet.extend([9; 8]);
        packet.extend([0xbe, 0xde, 0, 1, 0x10, 0xaa, 0, 0]);
        packet.extend([7; 5]);
        let header = RtpHeader::parse(&packet).unwrap();
        assert_eq!(header.extension_bytes(&packet), [0x10, 0xaa, 0, 0]);
        assert_eq!(header.payload_range(&packet), Some(28..33));
        assert!(RtpHeader::parse(&packet[..27]).is_none());
    }

    #[test]
    fn padding_is_taken_off_or_refused() {
        let mut packet = write_fixed(&FixedHeader { padding: true, ..HEADER }).to_vec();
        let header = RtpHeader::parse(&packet).unwrap();
        assert_eq!(header.payload_range(&packet), None, "no byte to count in");
        packet.extend([5, 0, 0, 3]);
        assert_eq!(header.payload_range(&packet), Some(12..13));
        packet[15] = 4;
        assert_eq!(header.payload_range(&packet), Some(12..12));
        packet[15] = 5;
        assert_eq!(header.payload_range(&packet), None);
        packet[15] = 0;
        assert_eq!(header.payload_range(&packet), None);
    }

    #[test]
    fn other_versions_are_refused() {
        let mut packet = write_fixed(&HEADER);
        packet[0] = 0x40;
        assert!(RtpHeader::parse(&packet).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_within_bounds(packet in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Some(header) = RtpHeader::parse(&packet) {
                prop_assert!(usize::from(header.header_len) <= packet.len());
                prop_assert_eq!(header.extension_bytes(&packet).len(), usize::from(header.extension_len));
                if let Some(range) = header.payload_range(&packet) {
                    prop_assert!(packet.get(range).is_some());
                }
            }
        }
    }
}
