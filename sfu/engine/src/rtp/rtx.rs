//! Repair packets (RFC 4588): a publisher's retransmission turned back into the packet that was lost.

use std::ops::Range;

use crate::rtp::header::RtpHeader;

/// Length of the original sequence number that leads the payload.
pub const OSN_LEN: usize = 2;

/// Restores the original packet in place: `packet` (opened, with its parsed `header`) becomes, in the returned range, what
/// the publisher sent first, with the SSRC and payload type of the repaired stream. Extensions stay.
///
/// `None` for padding probes and for packets too short to name what they repair.
pub fn restore(packet: &mut [u8], header: &RtpHeader, ssrc: u32, payload_type: u8) -> Option<Range<usize>> {
    let payload = header.payload_range(packet)?;
    let original = *packet.get(payload.clone())?.first_chunk::<OSN_LEN>()?;
    if payload.len() == OSN_LEN {
        return None;
    }
    // The header moves up over the number, so that the payload, the long part, stays where it is.
    packet.copy_within(..payload.start, OSN_LEN);
    let restored = packet.get_mut(OSN_LEN..)?;
    let [_, type_byte, s0, s1, _, _, _, _, c0, c1, c2, c3, ..] = restored else { return None };
    *type_byte = *type_byte & 0x80 | payload_type & 0x7f;
    [*s0, *s1] = original;
    [*c0, *c1, *c2, *c3] = ssrc.to_be_bytes();
    Some(OSN_LEN..packet.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::header::FixedHeader;
    use crate::rtp::header::write_fixed;

    fn repair(payload: &[u8], padding: bool) -> Vec<u8> {
        let header = FixedHeader {
            ssrc: 9,
            timestamp: 77,
            sequence: 5,
            payload_type: 97,
            marker: true,
            padding,
            extension: false,
        };
        let mut packet = write_fixed(&header).to_vec();
        packet.extend(payload);
        packet
    }

    #[test]
    fn the_lost_packet_comes_back() {
        let mut packet = repair(&[0xff, 0xfe, 1, 2, 3], false);
        let header = RtpHeader::parse(&packet).unwrap();
        let range = restore(&mut packet, &header, 42, 96).unwrap();
        let restored = &packet[range];
        let header = RtpHeader::parse(restored).unwrap();
        assert_eq!((header.ssrc, header.sequence, header.payload_type), (42, 0xfffe, 96));
        assert_eq!((header.timestamp, header.marker), (77, true));
        assert_eq!(&restored[header.payload_range(restored).unwrap()], [1, 2, 3]);
    }

    #[test]
    fn probes_repair_nothing() {
        for (payload, padding) in [(&[1][..], false), (&[0, 0, 3], true), (&[1, 2, 0, 2], true)] {
            let mut packet = repair(payload, padding);
            let header = RtpHeader::parse(&packet).unwrap();
            assert_eq!(restore(&mut packet, &header, 42, 96), None, "{payload:?}");
        }
    }

    #[test]
    fn padding_of_the_repair_is_kept_valid() {
        let mut packet = repair(&[0, 7, 1, 2, 0, 2], true);
        let header = RtpHeader::parse(&packet).unwrap();
        let range = restore(&mut packet, &header, 42, 96).unwrap();
        let header = RtpHeader::parse(&packet[range.clone()]).unwrap();
        let restored = &packet[range];
        assert_eq!(&restored[header.payload_range(restored).unwrap()], [1, 2]);
    }
}
