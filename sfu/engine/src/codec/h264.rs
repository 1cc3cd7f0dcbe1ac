//! H.264 payloads (RFC 6184 §5): where a keyframe begins.

use crate::codec::PacketFacts;

const IDR_SLICE: u8 = 5;
const SPS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// A keyframe begins with its parameter sets (one unit, or several in STAP-A), or with the IDR slice itself where the
/// encoder does not repeat them.
pub(super) fn inspect(payload: &[u8]) -> PacketFacts {
    let keyframe = match payload {
        [first, rest @ ..] => match first & 0x1f {
            IDR_SLICE | SPS => true,
            STAP_A => aggregated(rest).any(|unit| matches!(unit, IDR_SLICE | SPS)),
            FU_A => rest.first().is_some_and(|header| header & 0x80 != 0 && header & 0x1f == IDR_SLICE),
            _ => false,
        },
        [] => false,
    };
    // A frame boundary is not in the payload; the forwarder goes by timestamps. A fragment's middle begins nothing.
    let continuation = matches!(payload, [first, header, ..] if first & 0x1f == FU_A && header & 0x80 == 0);
    PacketFacts {
        keyframe,
        frame_start: !continuation && !payload.is_empty(),
        temporal_layer: 0,
        switching_point: keyframe,
        vp8: None,
    }
}

/// Unit types in a STAP-A, each with a 16-bit length before it.
fn aggregated(mut rest: &[u8]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let (len, after) = rest.split_first_chunk::<2>()?;
        let (unit, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
        rest = after;
        unit.first().map(|header| header & 0x1f)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyframes_in_every_packing() {
        assert!(inspect(&[0x67, 0x42]).keyframe, "SPS alone");
        assert!(inspect(&[0x65, 0x88]).keyframe, "IDR alone");
        assert!(inspect(&[0x78, 0, 2, 0x67, 0x42, 0, 1, 0x68]).keyframe, "SPS and PPS together");
        assert!(inspect(&[0x7c, 0x85, 1]).keyframe, "first fragment of an IDR");
    }

    #[test]
    fn everything_else_is_not_one() {
        assert!(!inspect(&[0x7c, 0x05, 1]).keyframe, "middle of an IDR");
        assert!(!inspect(&[0x7c, 0x81, 1]).keyframe, "first fragment of a P slice");
        assert!(!inspect(&[0x41, 0x9a]).keyframe, "P slice");
        assert!(!inspect(&[0x68, 0xce]).keyframe, "PPS alone");
        assert!(!inspect(&[0x78, 0, 9, 0x67]).keyframe, "length beyond the packet");
        assert!(!inspect(&[]).keyframe);
    }
}
