//! How large a picture says it is, read from its header alone: nothing is decoded, so no picture can explode.

/// Width and height of a PNG, JPEG or WebP; `None` when the header does not say.
pub(super) fn dimensions(bytes: &[u8]) -> Option<(u32, u32)> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => png(bytes),
        [0xff, 0xd8, rest @ ..] => jpeg(rest),
        [b'R', b'I', b'F', b'F', ..] if bytes.get(8..12) == Some(b"WEBP") => webp(bytes.get(12..)?),
        _ => None,
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|pair| u32::from(u16::from_be_bytes(*pair)))
}

fn le16(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|pair| u32::from(u16::from_le_bytes(*pair)))
}

fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    let [low, middle, high] = *bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes([low, middle, high, 0]))
}

/// The first chunk is IHDR (PNG, 11.2.1).
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.get(12..24)?.strip_prefix(b"IHDR")?;
    let (width, height) = header.split_at_checked(4)?;
    Some((u32::from_be_bytes(width.try_into().ok()?), u32::from_be_bytes(height.try_into().ok()?)))
}

/// Segments up to the first frame header (ITU T.81, B.2.2).
fn jpeg(mut rest: &[u8]) -> Option<(u32, u32)> {
    loop {
        let [prefix, marker, tail @ ..] = rest else { return None };
        match (prefix, marker) {
            // Markers may be preceded by any number of fill bytes.
            (0xff, 0xff) => rest = rest.get(1..)?,
            (0xff, 0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf) => {
                return Some((be16(tail, 5)?, be16(tail, 3)?));
            }
            // The picture begins, or ends, before any frame header.
            (0xff, 0xda | 0xd9) => return None,
            (0xff, 0x01 | 0xd0..=0xd8) => rest = tail,
            (0xff, _) => rest = tail.get(usize::try_from(be16(tail, 0)?).ok()?.max(2)..)?,
            _ => return None,
        }
    }
}

/// The first chunk is VP8X, VP8L or VP8 (RFC 9649).
fn webp(chunk: &[u8]) -> Option<(u32, u32)> {
    match chunk.get(..4)? {
        b"VP8X" => Some((le24(chunk, 12)? + 1, le24(chunk, 15)? + 1)),
        b"VP8L" => {
            let bits = u32::from_le_bytes(*chunk.get(9..)?.first_chunk()?);
            (chunk.get(8) == Some(&0x2f)).then_some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        b"VP8 " => {
            let frame = chunk.get(8..)?;
            (frame.get(3..6)? == [0x9d, 0x01, 0x2a]).then_some(())?;
            Some((le16(frame, 6)? & 0x3fff, le16(frame, 8)? & 0x3fff))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::dimensions;

    #[test]
    fn reads_what_headers_say() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0\x08\x06\0\0\0";
        assert_eq!(dimensions(png), Some((640, 480)));
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc2\0\x11\x08\x01\xe0\x02\x80\x03";
        assert_eq!(dimensions(jpeg), Some((640, 480)));
        let vp8x = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x7f\x02\0\xdf\x01\0";
        assert_eq!(dimensions(vp8x), Some((640, 480)));
        let vp8 = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x80\x02\xe0\x01";
        assert_eq!(dimensions(vp8), Some((640, 480)));
        let bits: u32 = 639 | (479 << 14);
        let vp8l = [&b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f"[..], &bits.to_le_bytes()].concat();
        assert_eq!(dimensions(&vp8l), Some((640, 480)));
        for nothing in
            [&b""[..], b"\xff\xd8", b"\xff\xd8\xff\xda", b"\xff\xd8\xff\xe0\0\0", b"GIF89a", b"RIFF\0\0\0\0WEBP"]
        {
            assert_eq!(dimensions(nothing), None);
        }
    }

    proptest! {
        #[test]
        fn nonsense_is_no_harm(kind in 0..3_usize, rest in proptest::collection::vec(any::<u8>(), 0..400)) {
            let begin = [&b"\x89PNG\r\n\x1a\n"[..], b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBPVP8"][kind];
            let _ = dimensions(&[begin, &rest].concat());
        }
    }
}
