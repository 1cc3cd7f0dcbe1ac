//! Offers and answers for tests, written by hand as a small client would.

use super::{LocalTransport, PendingPublication, RemoteDescription, WantedSubscription};
use crate::api::{IceCredentials, MediaKind, SubscriptionId};

pub(super) const FINGERPRINT: &str = "\
    00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

/// One section: kind, mid, direction and further attribute lines.
pub(super) struct Part {
    kind: &'static str,
    mid: String,
    direction: &'static str,
    pub(super) lines: Vec<String>,
    port: u16,
}

pub(super) fn part(kind: &'static str, mid: &str, direction: &'static str) -> Part {
    Part { kind, mid: mid.to_owned(), direction, lines: Vec::new(), port: 9 }
}

impl Part {
    pub(super) fn with(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    pub(super) fn rejected(mut self) -> Self {
        self.port = 0;
        self
    }

    fn formats(&self) -> (&'static str, &'static str, &'static [&'static str]) {
        const AUDIO: &[&str] = &[
            "rtpmap:63 red/48000/2",
            "rtpmap:111 opus/48000/2",
            "fmtp:111 minptime=10;useinbandfec=1;stereo=1",
            "rtcp-fb:111 transport-cc",
            "rtcp-fb:111 nack",
            "extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
            "extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
            "extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
        ];
        const VIDEO: &[&str] = &[
            "rtpmap:96 VP8/90000",
            "rtpmap:97 rtx/90000",
            "fmtp:97 apt=96",
            "rtpmap:102 H264/90000",
            "fmtp:102 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f",
            "rtpmap:108 H264/90000",
            "fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
            "rtpmap:109 rtx/90000",
            "fmtp:109 apt=108",
            "rtcp-fb:* nack",
            "rtcp-fb:* nack pli",
            "rtcp-fb:* ccm fir",
            "rtcp-fb:* goog-remb",
            "rtcp-fb:* transport-cc",
            "extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
            "extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
            "extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
            "extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
        ];
        match self.kind {
            "audio" => ("UDP/TLS/RTP/SAVPF", "63 111", AUDIO),
            "video" => ("UDP/TLS/RTP/SAVPF", "96 97 102 108 109", VIDEO),
            _ => ("UDP/DTLS/SCTP", "webrtc-datachannel", &[]),
        }
    }
}

pub(super) struct Text {
    pub(super) ufrag: &'static str,
    pub(super) setup: &'static str,
    pub(super) fingerprint: String,
}

impl Default for Text {
    fn default() -> Self {
        Self { ufrag: "clnt", setup: "actpass", fingerprint: format!("sha-256 {FINGERPRINT}") }
    }
}

impl Text {
    pub(super) fn of(&self, parts: &[Part]) -> String {
        let bundled = parts.iter().filter(|part| part.port != 0).map(|part| part.mid.as_str());
        let group = bundled.collect::<Vec<_>>().join(" ");
        let mut text = format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {group}\r\na=ice-ufrag:{}\r\n\
             a=ice-pwd:passwordpasswordpassword\r\na=fingerprint:{}\r\na=setup:{}\r\n",
            self.ufrag, self.fingerprint, self.setup
        );
        for part in parts {
            let (proto, formats, lines) = part.formats();
            text.push_str(&format!("m={} {} {proto} {formats}\r\nc=IN IP4 0.0.0.0\r\n", part.kind, part.port));
            text.push_str(&format!("a=mid:{}\r\na={}\r\na=rtcp-mux\r\n", part.mid, part.direction));
            for line in lines.iter().copied().chain(part.lines.iter().map(String::as_str)) {
                text.push_str(&format!("a={line}\r\n"));
            }
        }
        text
    }

    pub(super) fn parse(&self, parts: &[Part]) -> RemoteDescription {
        RemoteDescription::parse(&self.of(parts)).unwrap()
    }
}

pub(super) fn offer(parts: &[Part]) -> RemoteDescription {
    Text::default().parse(parts)
}

pub(super) fn local() -> LocalTransport {
    LocalTransport {
        ice: credentials("local"),
        fingerprint: FINGERPRINT.to_owned(),
        candidates: vec![super::Candidate { ip: [192, 0, 2, 1].into(), port: 7882, tcp: false }],
        session_id: 1,
    }
}

pub(super) fn credentials(ufrag: &str) -> IceCredentials {
    IceCredentials { ufrag: ufrag.to_owned(), pwd: format!("{ufrag}-password-of-24-bytes") }
}

pub(super) fn wanted(id: u64, kind: MediaKind) -> WantedSubscription {
    WantedSubscription {
        id: SubscriptionId(id),
        kind,
        stream: format!("PA_a|TR_{id}"),
        track: format!("TR_{id}"),
        ssrc: 1_000 + id as u32,
        rtx_ssrc: (kind == MediaKind::Video).then_some(2_000 + id as u32),
        codecs: Vec::new(),
        stereo: false,
    }
}

pub(super) fn pending(track: &str, cid: &str, kind: MediaKind) -> PendingPublication {
    PendingPublication {
        track: track.to_owned(),
        cids: vec![cid.to_owned()],
        kind,
        codec: None,
        stereo: false,
        dtx: true,
    }
}

/// The lines of one section of a text of ours.
pub(super) fn section_lines<'a>(sdp: &'a str, mid: &str) -> Vec<&'a str> {
    let marker = format!("a=mid:{mid}");
    let mut sections = sdp.split("m=").skip(1).map(|section| section.lines().collect::<Vec<_>>());
    sections.find(|lines| lines.iter().any(|line| *line == marker)).unwrap()
}

pub(super) fn has(sdp: &str, mid: &str, line: &str) -> bool {
    section_lines(sdp, mid).contains(&line)
}
