//! Descriptions to text (RFC 8866, RFC 8829 §5).
//!
//! In: sections that are already negotiated. Out: the text. Decides nothing; everything written that came from a client
//! was a single line without control characters when it was parsed.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::codecs::SectionCodec;
use super::extensions::{SectionExtension, has_transport_cc};
use super::{Direction, LocalTransport, MAX_MESSAGE_SIZE, SCTP_PORT};
use crate::api::Codec;

/// One of our addresses: a host candidate (RFC 8839 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub ip: IpAddr,
    pub port: u16,
    /// ICE-TCP, passive (RFC 6544); `false`: UDP.
    pub tcp: bool,
}

impl Candidate {
    /// The value of `a=candidate` without `a=`, which is also what a trickle message carries. `index` is its place among
    /// our candidates, best first.
    pub fn attribute(&self, index: usize) -> String {
        let local_preference = 65_535 - u32::try_from(index).unwrap_or(65_535).min(65_535);
        let (type_preference, transport, suffix) =
            if self.tcp { (99_u32, "tcp", " tcptype passive") } else { (126_u32, "udp", "") };
        // RFC 8445 §5.1.2.1, component 1.
        let priority = (type_preference << 24) | (local_preference << 8) | 255;
        format!("candidate:{} 1 {transport} {priority} {} {} typ host{suffix}", index + 1, self.ip, self.port)
    }
}

/// A description's head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session<'a> {
    pub(super) local: &'a LocalTransport,
    /// Rises with each description (RFC 8829 §5.2.2).
    pub(super) version: u64,
    /// `active`, `passive` or `actpass`.
    pub(super) setup: &'static str,
}

/// What follows an m-line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'a> {
    pub(super) media: &'a str,
    pub(super) proto: &'a str,
    pub(super) mid: &'a str,
    pub(super) body: Body<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Body<'a> {
    /// Port 0; the format is the offer's first, because one must be there.
    Declined {
        format: &'a str,
    },
    DataChannels,
    Media(Media<'a>),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Media<'a> {
    pub(super) direction: Direction,
    pub(super) codecs: &'a [SectionCodec],
    pub(super) extensions: &'a [SectionExtension],
    pub(super) rtcp_rsize: bool,
    /// Layers that we receive.
    pub(super) rids: &'a [String],
    pub(super) simulcast: bool,
    pub(super) tuning: Tuning,
    pub(super) sends: Option<Sends<'a>>,
}

/// Additions to `a=fmtp`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tuning {
    /// `usedtx=1`
    pub(super) dtx: bool,
    /// `stereo=1;maxaveragebitrate=510000`: the client shall send stereo.
    pub(super) stereo: bool,
    /// `sprop-stereo=1`: we send stereo.
    pub(super) sprop_stereo: bool,
    /// `x-google-start-bitrate` of video, in kbit/s.
    pub(super) start_kbps: Option<u32>,
}

/// The track that we send in a section.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sends<'a> {
    pub(super) stream: &'a str,
    pub(super) track: &'a str,
    pub(super) ssrc: u32,
    pub(super) rtx_ssrc: Option<u32>,
}

pub(super) fn description(session: Session<'_>, sections: &[Section<'_>]) -> String {
    let mut out = Writer { text: String::with_capacity(512 + 1_536 * sections.len()) };
    out.session(session, sections);
    let mut first = true;
    for section in sections {
        out.section(session, section, first);
        first = first && matches!(section.body, Body::Declined { .. });
    }
    out.text
}

struct Writer {
    text: String,
}

/// One line. Writing to a `String` cannot fail.
macro_rules! line {
    ($writer:expr, $($format:tt)*) => {
        let _ = write!($writer.text, $($format)*);
        $writer.text.push_str("\r\n");
    };
}

impl Writer {
    fn session(&mut self, session: Session<'_>, sections: &[Section<'_>]) {
        line!(self, "v=0");
        line!(self, "o=- {} {} IN IP4 0.0.0.0", session.local.session_id, session.version);
        line!(self, "s=-");
        line!(self, "t=0 0");
        line!(self, "a=ice-lite");
        line!(self, "a=msid-semantic:WMS *");
        line!(self, "a=fingerprint:sha-256 {}", session.local.fingerprint);
        self.text.push_str("a=group:BUNDLE");
        for section in sections.iter().filter(|section| !matches!(section.body, Body::Declined { .. })) {
            let _ = write!(self.text, " {}", section.mid);
        }
        self.text.push_str("\r\n");
    }

    fn section(&mut self, session: Session<'_>, section: &Section<'_>, first: bool) {
        let port = if matches!(section.body, Body::Declined { .. }) { 0 } else { 9 };
        let _ = write!(self.text, "m={} {port} {}", section.media, section.proto);
        match section.body {
            Body::Declined { format } => {
                let _ = write!(self.text, " {format}");
            }
            Body::DataChannels => self.text.push_str(" webrtc-datachannel"),
            Body::Media(media) => self.formats(media.codecs),
        }
        self.text.push_str("\r\n");
        line!(self, "c=IN IP4 0.0.0.0");
        line!(self, "a=mid:{}", section.mid);
        match section.body {
            Body::Declined { .. } => {
                line!(self, "a=inactive");
            }
            Body::DataChannels => {
                self.transport(session, first);
                line!(self, "a=sctp-port:{SCTP_PORT}");
                line!(self, "a=max-message-size:{MAX_MESSAGE_SIZE}");
            }
            Body::Media(media) => {
                self.transport(session, first);
                self.media(media);
            }
        }
    }

    fn formats(&mut self, codecs: &[SectionCodec]) {
        for codec in codecs {
            let _ = write!(self.text, " {}", codec.pt);
            if let Some(rtx) = codec.rtx_pt {
                let _ = write!(self.text, " {rtx}");
            }
        }
    }

    fn transport(&mut self, session: Session<'_>, first: bool) {
        line!(self, "a=setup:{}", session.setup);
        line!(self, "a=ice-ufrag:{}", session.local.ice.ufrag);
        line!(self, "a=ice-pwd:{}", session.local.ice.pwd);
        if first {
            for (index, candidate) in session.local.candidates.iter().enumerate() {
                line!(self, "a={}", candidate.attribute(index));
            }
            line!(self, "a=end-of-candidates");
        }
    }

    fn media(&mut self, media: Media<'_>) {
        line!(self, "a=rtcp-mux");
        if media.rtcp_rsize {
            line!(self, "a=rtcp-rsize");
        }
        let transport_cc = has_transport_cc(media.extensions);
        for codec in media.codecs {
            self.codec(codec, media.tuning, transport_cc);
        }
        for (id, uri) in media.extensions {
            line!(self, "a=extmap:{id} {uri}");
        }
        for rid in media.rids {
            line!(self, "a=rid:{rid} recv");
        }
        if media.simulcast && !media.rids.is_empty() {
            line!(self, "a=simulcast:recv {}", media.rids.join(";"));
        }
        if let Some(sends) = media.sends {
            let has_rtx = media.codecs.iter().any(|codec| codec.rtx_pt.is_some());
            self.sends(sends, sends.rtx_ssrc.filter(|_| has_rtx));
        }
        line!(self, "a={}", media.direction.as_str());
    }

    fn codec(&mut self, codec: &SectionCodec, tuning: Tuning, transport_cc: bool) {
        let pt = codec.pt;
        let name = match codec.codec {
            Codec::Opus => "opus/48000/2",
            Codec::Vp8 => "VP8/90000",
            Codec::H264 => "H264/90000",
            Codec::Vp9 => "VP9/90000",
            Codec::Av1 => "AV1/90000",
        };
        line!(self, "a=rtpmap:{pt} {name}");
        let fmtp = parameters(codec, tuning);
        if !fmtp.is_empty() {
            line!(self, "a=fmtp:{pt} {fmtp}");
        }
        for (wanted, feedback) in [
            (codec.transport_cc && transport_cc, "transport-cc"),
            (codec.goog_remb && !transport_cc, "goog-remb"),
            (codec.ccm_fir, "ccm fir"),
            (codec.nack, "nack"),
            (codec.nack_pli, "nack pli"),
        ] {
            if wanted {
                line!(self, "a=rtcp-fb:{pt} {feedback}");
            }
        }
        if let Some(rtx) = codec.rtx_pt {
            line!(self, "a=rtpmap:{rtx} rtx/90000");
            line!(self, "a=fmtp:{rtx} apt={pt}");
        }
    }

    fn sends(&mut self, sends: Sends<'_>, rtx_ssrc: Option<u32>) {
        let Sends { stream, track, ssrc, .. } = sends;
        line!(self, "a=msid:{stream} {track}");
        if let Some(rtx) = rtx_ssrc {
            line!(self, "a=ssrc-group:FID {ssrc} {rtx}");
        }
        for ssrc in [Some(ssrc), rtx_ssrc].into_iter().flatten() {
            line!(self, "a=ssrc:{ssrc} cname:{stream}");
            line!(self, "a=ssrc:{ssrc} msid:{stream} {track}");
        }
    }
}

/// Parameters that describe what the other side receives or starts with: ours are written instead.
const REPLACED: [&str; 6] =
    ["usedtx", "stereo", "sprop-stereo", "maxaveragebitrate", "x-google-start-bitrate", "sprop-maxcapturerate"];

fn parameters(codec: &SectionCodec, tuning: Tuning) -> String {
    let mut parts: Vec<&str> = codec.fmtp.split(';').map(str::trim).filter(|part| !part.is_empty()).collect();
    parts.retain(|part| {
        let name = part.split('=').next().unwrap_or_default().trim();
        !REPLACED.iter().any(|replaced| replaced.eq_ignore_ascii_case(name))
    });
    if codec.codec == Codec::Opus {
        for (wanted, parameter) in [
            (tuning.dtx, "usedtx=1"),
            (tuning.stereo, "stereo=1;maxaveragebitrate=510000"),
            (tuning.sprop_stereo, "sprop-stereo=1"),
        ] {
            if wanted {
                parts.push(parameter);
            }
        }
    }
    let mut text = parts.join(";");
    if let Some(kbps) = tuning.start_kbps.filter(|_| codec.codec != Codec::Opus) {
        let separator = if text.is_empty() { "" } else { ";" };
        let _ = write!(text, "{separator}x-google-start-bitrate={kbps}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_ordered_by_priority() {
        let udp = Candidate { ip: [192, 0, 2, 1].into(), port: 7882, tcp: false };
        let tcp = Candidate { ip: "2001:db8::1".parse().unwrap(), port: 7881, tcp: true };
        assert_eq!(udp.attribute(0), "candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host");
        assert_eq!(udp.attribute(1), "candidate:2 1 udp 2130706175 192.0.2.1 7882 typ host");
        assert_eq!(tcp.attribute(2), "candidate:3 1 tcp 1677721087 2001:db8::1 7881 typ host tcptype passive");
    }
}
