//! A datagram's class by its first bytes, and the ufrag a connectivity check is addressed to.
//!
//! In: the bytes of one datagram, from anybody. Out: what to do with it. Must not: authenticate, allocate or keep state.

/// What a datagram on our port can be (RFC 7983 §7; RFC 5761 §4 for RTP against RTCP).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DatagramClass {
    Stun,
    Dtls,
    Rtp,
    Rtcp,
}

/// Magic cookie of every STUN message (RFC 8489 §5).
pub(crate) const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// Bytes of a STUN header (RFC 8489 §5).
pub(crate) const STUN_HEADER_LEN: usize = 20;
/// Type field of a binding request (RFC 8489 §5).
pub(crate) const STUN_BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
/// Type field of the answer to one.
pub(crate) const STUN_BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
/// The USERNAME attribute (RFC 8489 §14.3).
const STUN_USERNAME: u16 = 0x0006;
/// Attributes looked through for USERNAME; browsers put it first.
const MAX_SCANNED_ATTRIBUTES: usize = 16;
/// A DTLS record header (RFC 6347 §4.1).
const DTLS_HEADER_LEN: usize = 13;
/// The fixed RTP header (RFC 3550 §5.1).
const RTP_HEADER_LEN: usize = 12;
/// The smallest RTCP packet: header and sender SSRC.
const RTCP_HEADER_LEN: usize = 8;

/// The class of a datagram, `None` when it is of no known protocol or shorter than its protocol's header.
pub fn classify(bytes: &[u8]) -> Option<DatagramClass> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (class, shortest) = match first {
        0..=3 => (DatagramClass::Stun, STUN_HEADER_LEN),
        20..=63 => (DatagramClass::Dtls, DTLS_HEADER_LEN),
        128..=191 if (192..=223).contains(&second) => (DatagramClass::Rtcp, RTCP_HEADER_LEN),
        128..=191 => (DatagramClass::Rtp, RTP_HEADER_LEN),
        _ => return None,
    };
    (bytes.len() >= shortest).then_some(class)
}

/// The local ufrag that a STUN binding request is addressed to: the part of USERNAME before the colon (RFC 8445 §7.2.2).
/// Neither integrity nor fingerprint are checked; `None` for anything that is not a whole binding request with that
/// attribute.
pub fn stun_local_ufrag(bytes: &[u8]) -> Option<&str> {
    let header = bytes.get(..STUN_HEADER_LEN)?;
    if header.get(..2)? != STUN_BINDING_REQUEST || header.get(4..8)? != STUN_COOKIE {
        return None;
    }
    let declared = usize::from(u16::from_be_bytes([*header.get(2)?, *header.get(3)?]));
    let mut rest = bytes.get(STUN_HEADER_LEN..)?;
    if rest.len() != declared {
        return None;
    }
    for _ in 0..MAX_SCANNED_ATTRIBUTES {
        let (&[t0, t1, l0, l1], value) = rest.split_first_chunk::<4>()?;
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        if u16::from_be_bytes([t0, t1]) == STUN_USERNAME {
            let name = std::str::from_utf8(value.get(..len)?).ok()?;
            return name.split_once(':').map(|(local, _)| local);
        }
        rest = value.get(len.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(username: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        bytes.extend([7; 12]);
        // PRIORITY first: the scan must step over it.
        bytes.extend([0, 0x24, 0, 4, 1, 2, 3, 4]);
        bytes.extend([0, 6]);
        bytes.extend((username.len() as u16).to_be_bytes());
        bytes.extend(username);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let len = (bytes.len() - 20) as u16;
        bytes[2..4].copy_from_slice(&len.to_be_bytes());
        bytes
    }

    #[test]
    fn each_protocol_has_its_first_byte() {
        let mut datagram = [0u8; 64];
        for first in 0..=255u8 {
            for second in [0u8, 96, 127, 191, 192, 200, 206, 223, 224, 255] {
                datagram[0] = first;
                datagram[1] = second;
                let expected = match first {
                    0..=3 => Some(DatagramClass::Stun),
                    20..=63 => Some(DatagramClass::Dtls),
                    128..=191 if (192..=223).contains(&second) => Some(DatagramClass::Rtcp),
                    128..=191 => Some(DatagramClass::Rtp),
                    _ => None,
                };
                assert_eq!(classify(&datagram), expected, "{first} {second}");
            }
        }
    }

    #[test]
    fn a_datagram_shorter_than_its_header_has_no_class() {
        assert_eq!(classify(&[]), None);
        assert_eq!(classify(&[0x80]), None);
        assert_eq!(classify(&[0x80; 11]), None);
        assert_eq!(classify(&[0x16; 12]), None);
        assert_eq!(classify(&[0x00; 19]), None);
        assert_eq!(classify(&[0x80, 200, 0, 0, 0, 0, 0]), None);
        assert_eq!(classify(&[0x80, 200, 0, 0, 0, 0, 0, 0]), Some(DatagramClass::Rtcp));
    }

    #[test]
    fn the_ufrag_is_read_from_a_request_only() {
        let good = request(b"ourfrag:theirs");
        assert_eq!(stun_local_ufrag(&good), Some("ourfrag"));
        assert_eq!(stun_local_ufrag(&request(b"nocolon")), None);
        assert_eq!(stun_local_ufrag(&request(&[0xff, b':', b'a'])), None);
        let mut response = good.clone();
        response[0] = 1;
        assert_eq!(stun_local_ufrag(&response), None);
        let mut trailing = good.clone();
        trailing.push(0);
        assert_eq!(stun_local_ufrag(&trailing), None);
        let mut foreign_cookie = good;
        foreign_cookie[5] ^= 1;
        assert_eq!(stun_local_ufrag(&foreign_cookie), None);
    }

    proptest! {
        #[test]
        fn no_bytes_can_stop_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = classify(&bytes);
            let _ = stun_local_ufrag(&bytes);
        }

        #[test]
        fn no_truncation_can_stop_it(cut in 0usize..60, flip in 0usize..52, bit in 0u8..8) {
            let mut bytes = request(b"ourfrag:theirs");
            if let Some(byte) = bytes.get_mut(flip) { *byte ^= 1 << bit; }
            bytes.truncate(cut);
            let _ = stun_local_ufrag(&bytes);
        }
    }
}
