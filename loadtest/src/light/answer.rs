//! The session description that a counting receiver answers with.
//!
//! In: the server's offer. Out: an answer that takes every Opus and VP8 section and the data channel's, and what of the
//! offer the transport needs. No header extensions are accepted, so the server expects no transport-wide feedback.

use std::collections::HashSet;
use std::fmt::Write;
use std::net::SocketAddr;

/// ICE user name and password of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) ufrag: String,
    pub(super) pwd: String,
}

/// What an offer says about its transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offered {
    pub(super) credentials: Credentials,
    /// SHA-256 of the server's certificate: hex pairs with colons.
    pub(super) fingerprint: String,
    /// UDP candidates in the offer.
    pub(super) candidates: Vec<SocketAddr>,
    /// Payload types of media, without retransmissions.
    pub(super) media_types: HashSet<u8>,
}

/// Reads what the transport needs; `None` if something is missing.
pub(super) fn read(offer: &str) -> Option<Offered> {
    let value = |name: &str| offer.lines().find_map(|line| line.trim_end().strip_prefix(name));
    Some(Offered {
        credentials: Credentials { ufrag: value("a=ice-ufrag:")?.to_owned(), pwd: value("a=ice-pwd:")?.to_owned() },
        fingerprint: value("a=fingerprint:sha-256 ")?.to_ascii_uppercase(),
        candidates: offer.lines().filter_map(|line| candidate(line.strip_prefix("a=")?)).collect(),
        media_types: sections(offer).flat_map(|section| section.media_type()).collect(),
    })
}

/// The address of a UDP candidate (RFC 8839 §5.1), with or without `candidate:`.
pub(super) fn candidate(text: &str) -> Option<SocketAddr> {
    let mut fields = text.strip_prefix("candidate:")?.split_whitespace().skip(2);
    if !fields.next()?.eq_ignore_ascii_case("udp") {
        return None;
    }
    let address = fields.nth(1)?.parse().ok()?;
    Some(SocketAddr::new(address, fields.next()?.parse().ok()?))
}

/// Writes the answer.
pub(super) fn write(offer: &str, own: &Credentials, fingerprint: &str) -> String {
    let mids: Vec<&str> = sections(offer).filter_map(|section| section.value("a=mid:")).collect();
    let mut sdp = format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n", mids.join(" "));
    for section in sections(offer) {
        section.answer(&mut sdp);
        // Writing to a String cannot fail.
        let _ = write!(
            sdp,
            "a=mid:{}\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:active\r\n",
            section.value("a=mid:").unwrap_or_default(),
            own.ufrag,
            own.pwd,
        );
    }
    sdp
}

/// The lines of one `m=` section.
struct Section<'a> {
    lines: Vec<&'a str>,
}

fn sections(offer: &str) -> impl Iterator<Item = Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    for line in offer.lines().map(str::trim_end) {
        if line.starts_with("m=") {
            sections.push(Section { lines: Vec::new() });
        }
        if let Some(section) = sections.last_mut() {
            section.lines.push(line);
        }
    }
    sections.into_iter()
}

impl<'a> Section<'a> {
    fn value(&self, name: &str) -> Option<&'a str> {
        self.lines.iter().find_map(|line| line.strip_prefix(name))
    }

    fn kind(&self) -> &'a str {
        self.value("m=").and_then(|line| line.split(' ').next()).unwrap_or_default()
    }

    /// The payload type of Opus or VP8.
    fn media_type(&self) -> Option<u8> {
        self.lines.iter().find_map(|line| {
            let (payload_type, codec) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
            let name = codec.split('/').next()?;
            let wanted = name.eq_ignore_ascii_case("opus") || name.eq_ignore_ascii_case("VP8");
            if wanted { payload_type.parse().ok() } else { None }
        })
    }

    /// The payload type that retransmits `media`.
    fn repair_type(&self, media: u8) -> Option<u8> {
        let apt = format!("apt={media}");
        self.lines.iter().find_map(|line| {
            let (payload_type, parameters) = line.strip_prefix("a=fmtp:")?.split_once(' ')?;
            if parameters.trim() == apt { payload_type.parse().ok() } else { None }
        })
    }

    fn answer(&self, sdp: &mut String) {
        if self.kind() == "application" {
            *sdp += "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=sctp-port:5000\r\n";
            return;
        }
        let Some(media) = self.media_type() else {
            let _ = write!(sdp, "m={} 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n", self.kind());
            return;
        };
        let types: Vec<u8> = std::iter::once(media).chain(self.repair_type(media)).collect();
        let list: Vec<String> = types.iter().map(u8::to_string).collect();
        let _ = write!(sdp, "m={} 9 UDP/TLS/RTP/SAVPF {}\r\nc=IN IP4 0.0.0.0\r\n", self.kind(), list.join(" "));
        for line in self.lines.iter().filter(|line| is_about(line, &types)) {
            let _ = write!(sdp, "{line}\r\n");
        }
        let sends = self.lines.iter().any(|line| matches!(*line, "a=sendonly" | "a=sendrecv"));
        let direction = if sends { "recvonly" } else { "inactive" };
        let _ = write!(sdp, "a=rtcp-mux\r\na=rtcp-rsize\r\na={direction}\r\n");
    }
}

/// Whether a line describes one of these payload types; feedback that the receiver never sends is left out.
fn is_about(line: &str, types: &[u8]) -> bool {
    if line.ends_with("transport-cc") || line.ends_with("goog-remb") {
        return false;
    }
    ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"]
        .iter()
        .find_map(|name| line.strip_prefix(name)?.split(' ').next()?.parse().ok())
        .is_some_and(|payload_type: u8| types.contains(&payload_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 aa:BB\r\n\
        a=group:BUNDLE 0 1 2\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=setup:actpass\r\na=mid:0\r\na=ice-ufrag:uu\r\n\
        a=ice-pwd:pp\r\na=candidate:1 1 udp 2130706431 127.0.0.1 7882 typ host\r\n\
        a=candidate:2 1 tcp 1 127.0.0.1 7881 typ host tcptype passive\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97 98\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\n\
        a=rtcp-fb:96 transport-cc\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:98 VP9/90000\r\n\
        a=extmap:4 urn:x\r\na=sendonly\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:2\r\na=rtpmap:111 opus/48000/2\r\na=inactive\r\n";

    #[test]
    fn the_transport_is_read() {
        let offered = read(OFFER).unwrap();
        assert_eq!(offered.credentials, Credentials { ufrag: "uu".into(), pwd: "pp".into() });
        assert_eq!(offered.fingerprint, "AA:BB");
        assert_eq!(offered.candidates, [SocketAddr::from(([127, 0, 0, 1], 7882))]);
        assert_eq!(offered.media_types, HashSet::from([96, 111]));
        assert_eq!(read("v=0\r\n"), None);
    }

    #[test]
    fn every_section_is_answered_in_order() {
        let own = Credentials { ufrag: "me".into(), pwd: "mine".into() };
        let answer = write(OFFER, &own, "CC:DD");
        let sections: Vec<&str> = answer.lines().filter(|line| line.starts_with("m=")).collect();
        assert_eq!(
            sections,
            [
                "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
                "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
                "m=audio 9 UDP/TLS/RTP/SAVPF 111"
            ]
        );
        assert!(answer.contains("a=group:BUNDLE 0 1 2\r\n"));
        assert!(answer.contains("a=rtcp-fb:96 nack pli\r\n") && !answer.contains("transport-cc"));
        assert!(!answer.contains("VP9") && !answer.contains("extmap"));
        let directions: Vec<&str> =
            answer.lines().filter(|line| matches!(*line, "a=recvonly" | "a=inactive")).collect();
        assert_eq!(directions, ["a=recvonly", "a=inactive"]);
        assert_eq!(answer.matches("a=setup:active").count(), 3);
    }

    #[test]
    fn candidates_that_cannot_be_used_are_none() {
        assert_eq!(
            candidate("candidate:1 1 UDP 1 10.0.0.1 5 typ host ufrag x"),
            Some(SocketAddr::from(([10, 0, 0, 1], 5)))
        );
        for bad in ["", "candidate:", "candidate:1 1 tcp 1 10.0.0.1 5", "candidate:1 1 udp 1 host.local 5 typ host"] {
            assert_eq!(candidate(bad), None, "{bad}");
        }
    }
}
