//! Descriptions as a browser would write them, reduced to what matters.

use std::fmt::Write;

/// One m-line of an offer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Section<'a> {
    /// `sendonly` with this track id.
    Microphone(&'a str),
    /// `sendonly`, three layers, with this track id.
    Camera(&'a str),
    /// The track was stopped.
    Stopped(&'a str, &'a str),
    /// `recvonly`
    Receive(&'a str),
    Data,
}

const AUDIO: &str = "UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:111 opus/48000/2\r\n\
    a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtcp-fb:111 transport-cc\r\na=rtpmap:63 red/48000/2\r\n\
    a=fmtp:63 111/111\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n";
const VIDEO: &str = "UDP/TLS/RTP/SAVPF 96 97 103 104\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:96 VP8/90000\r\n\
    a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 transport-cc\r\n\
    a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:103 H264/90000\r\na=rtcp-fb:103 nack\r\n\
    a=rtcp-fb:103 nack pli\r\na=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n\
    a=rtpmap:104 rtx/90000\r\na=fmtp:104 apt=103\r\n\
    a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
    a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n";

fn transport(out: &mut String, mid: usize) {
    write!(
        out,
        "a=setup:actpass\r\na=mid:{mid}\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n\
         a=fingerprint:sha-256 {}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n\
         a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
         a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
        ["9F"; 32].join(":")
    )
    .expect("a string takes everything");
}

/// An offer with these sections; their mids are their places.
pub(crate) fn offer(sections: &[Section<'_>]) -> String {
    let mids: Vec<String> = (0..sections.len()).map(|mid| mid.to_string()).collect();
    let mut out = format!(
        "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n\
         a=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n",
        mids.join(" ")
    );
    for (mid, section) in sections.iter().enumerate() {
        match section {
            Section::Microphone(track) => {
                out += &format!(
                    "m=audio 9 {AUDIO}a=sendonly\r\na=msid:stream {track}\r\na=ssrc:{} cname:x\r\n",
                    1000 + mid
                );
            }
            Section::Camera(track) => {
                out += &format!(
                    "m=video 9 {VIDEO}a=sendonly\r\na=msid:stream {track}\r\na=rid:q send\r\na=rid:h send\r\na=rid:f send\r\n\
                     a=simulcast:send q;h;f\r\n"
                );
            }
            Section::Stopped(kind, track) => {
                let lines = if *kind == "audio" { AUDIO } else { VIDEO };
                out += &format!("m={kind} 9 {lines}a=inactive\r\na=msid:stream {track}\r\n");
            }
            Section::Receive(kind) => {
                let lines = if *kind == "audio" { AUDIO } else { VIDEO };
                out += &format!("m={kind} 9 {lines}a=recvonly\r\n");
            }
            Section::Data => {
                out += "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=sctp-port:5000\r\n\
                    a=max-message-size:262144\r\n";
            }
        }
        transport(&mut out, mid);
    }
    out
}
