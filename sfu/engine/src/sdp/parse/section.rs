//! One m-line and its attributes, while they are read.

use std::collections::HashSet;

use super::super::{Direction, Extension, Kind, MAX_TOKEN_BYTES, RemoteCodec, RemoteSection, RtcpFeedback, SsrcGroup};
use super::{BadLine, TransportAttributes, token};

/// Formats of one m-line that are kept; there are 128 payload types.
const MAX_FORMATS: usize = 256;

/// Rids of one section that are looked at; we forward [`crate::api::MAX_LAYERS`].
const MAX_RIDS: usize = 16;

pub(super) struct SectionBuilder {
    kind: Kind,
    port: u16,
    bundle_only: bool,
    section: RemoteSection,
    transport: TransportAttributes,
    maps: Vec<RemoteCodec>,
    /// (payload type, parameters); joined to `maps` at the end, because the order of lines is free.
    formats: Vec<(u8, String)>,
    /// `None`: for all payload types (`*`).
    feedback: Vec<(Option<u8>, RtcpFeedback)>,
    rids: Vec<String>,
    simulcast: Option<Vec<String>>,
    seen_ssrcs: HashSet<u32>,
}

impl SectionBuilder {
    /// `value`: an m-line after `m=`: media, port, proto, formats (RFC 8866 §5.14).
    pub(super) fn new(value: &str, direction: Direction) -> Result<Self, BadLine> {
        let mut parts = value.split_ascii_whitespace();
        let media = token(parts.next().ok_or(BadLine)?)?;
        let kind = match media.as_str() {
            "audio" => Kind::Audio,
            "video" => Kind::Video,
            "application" => Kind::Application,
            _ => Kind::Other,
        };
        let port = parts.next().and_then(|port| port.split('/').next()).ok_or(BadLine)?;
        let port = port.parse().map_err(|_| BadLine)?;
        let proto = token(parts.next().ok_or(BadLine)?)?;
        let formats = parts.filter(|f| f.len() <= MAX_TOKEN_BYTES).take(MAX_FORMATS).map(str::to_owned).collect();
        Ok(Self {
            kind,
            port,
            bundle_only: false,
            section: RemoteSection {
                kind,
                media,
                rejected: false,
                proto,
                formats,
                mid: String::new(),
                direction,
                codecs: Vec::new(),
                extensions: Vec::new(),
                msid: None,
                ssrcs: Vec::new(),
                ssrc_groups: Vec::new(),
                send_rids: Vec::new(),
                simulcast: false,
                rtcp_mux: false,
                rtcp_rsize: false,
                sctp_port: None,
                max_message_size: None,
                bundled: false,
            },
            transport: TransportAttributes::default(),
            maps: Vec::new(),
            formats: Vec::new(),
            feedback: Vec::new(),
            rids: Vec::new(),
            simulcast: None,
            seen_ssrcs: HashSet::new(),
        })
    }

    pub(super) fn attribute(&mut self, name: &str, value: &str) -> Result<(), BadLine> {
        match name {
            "mid" => self.section.mid = token(value)?,
            "rtpmap" => self.rtpmap(value),
            "fmtp" => self.fmtp(value),
            "rtcp-fb" => self.rtcp_fb(value),
            "extmap" => self.extmap(value),
            "msid" => self.msid(value),
            "ssrc" => self.ssrc(value),
            "ssrc-group" => self.ssrc_group(value),
            "rid" => self.rid(value),
            "simulcast" => self.simulcast(value),
            "rtcp-mux" => self.section.rtcp_mux = true,
            "rtcp-rsize" => self.section.rtcp_rsize = true,
            "bundle-only" => self.bundle_only = true,
            "sctp-port" => self.section.sctp_port = value.trim().parse().ok(),
            "max-message-size" => self.section.max_message_size = value.trim().parse().ok(),
            _ => match Direction::parse(name) {
                Some(direction) => self.section.direction = direction,
                None => self.transport.attribute(name, value)?,
            },
        }
        Ok(())
    }

    pub(super) fn finish(self) -> (RemoteSection, TransportAttributes) {
        let Self { mut section, transport, mut maps, formats, feedback, rids, simulcast, .. } = self;
        section.rejected = self.port == 0 && !self.bundle_only;
        if self.kind.media().is_some() {
            for (pt, parameters) in formats {
                if let Some(codec) = maps.iter_mut().find(|codec| codec.pt == pt) {
                    if !codec.fmtp.is_empty() {
                        codec.fmtp.push(';');
                    }
                    codec.fmtp.push_str(&parameters);
                }
            }
            for (pt, what) in feedback {
                for codec in maps.iter_mut().filter(|codec| pt.is_none_or(|pt| pt == codec.pt)) {
                    codec.feedback.add(what);
                }
            }
            // The m-line decides what is offered and in which order.
            for pt in section.formats.iter().filter_map(|format| format.parse::<u8>().ok()) {
                if let Some(index) = maps.iter().position(|codec| codec.pt == pt) {
                    section.codecs.push(maps.remove(index));
                }
            }
        }
        section.simulcast = simulcast.is_some();
        section.send_rids = match simulcast {
            Some(listed) => listed.into_iter().filter(|rid| rids.contains(rid)).collect(),
            None => rids,
        };
        (section, transport)
    }

    /// `<pt> <name>/<clock>[/<channels>]`
    fn rtpmap(&mut self, value: &str) {
        let Some((pt, rest)) = payload_type(value) else { return };
        let mut parts = rest.trim().split('/');
        let (Some(name), Some(Ok(clock_rate))) = (parts.next(), parts.next().map(str::parse)) else { return };
        let Ok(name) = token(name) else { return };
        if self.maps.iter().any(|codec| codec.pt == pt) {
            return;
        }
        let channels = parts.next().and_then(|channels| channels.parse().ok());
        let feedback = RtcpFeedback::default();
        self.maps.push(RemoteCodec { pt, name, clock_rate, channels, fmtp: String::new(), feedback });
    }

    fn fmtp(&mut self, value: &str) {
        if let Some((pt, parameters)) = payload_type(value) {
            self.formats.push((pt, parameters.trim().to_owned()));
        }
    }

    fn rtcp_fb(&mut self, value: &str) {
        let (pt, what) = match value.strip_prefix('*') {
            Some(what) => (None, what),
            None => match payload_type(value) {
                Some((pt, what)) => (Some(pt), what),
                None => return,
            },
        };
        let mut feedback = RtcpFeedback::default();
        match what.trim() {
            "nack" => feedback.nack = true,
            "nack pli" => feedback.nack_pli = true,
            "ccm fir" => feedback.ccm_fir = true,
            "transport-cc" => feedback.transport_cc = true,
            "goog-remb" => feedback.goog_remb = true,
            _ => return,
        }
        self.feedback.push((pt, feedback));
    }

    /// `<id>[/<direction>] <uri> [<attributes>]`
    fn extmap(&mut self, value: &str) {
        let mut parts = value.split_ascii_whitespace();
        let (Some(id), Some(uri)) = (parts.next(), parts.next()) else { return };
        let id = id.split('/').next().and_then(|id| id.parse().ok()).filter(|id| *id != 0 && *id != 15);
        if let (Some(id), Ok(uri)) = (id, token(uri)) {
            self.section.extensions.push(Extension { id, uri });
        }
    }

    fn msid(&mut self, value: &str) {
        if self.section.msid.is_some() {
            return;
        }
        let mut parts = value.split_ascii_whitespace();
        let stream = parts.next().unwrap_or_default();
        let track = parts.next().unwrap_or_default();
        if stream.len() <= MAX_TOKEN_BYTES && track.len() <= MAX_TOKEN_BYTES {
            // "-" stands for "no stream" (RFC 8830 §2).
            let stream = if stream == "-" { "" } else { stream };
            self.section.msid = Some((stream.to_owned(), track.to_owned()));
        }
    }

    /// `<ssrc> <attribute>`; an `msid` attribute is what plan-B style clients write instead of `a=msid`.
    fn ssrc(&mut self, value: &str) {
        let (ssrc, attribute) = value.split_once(' ').unwrap_or((value, ""));
        let Ok(ssrc) = ssrc.trim().parse() else { return };
        if self.seen_ssrcs.insert(ssrc) {
            self.section.ssrcs.push(ssrc);
        }
        if let Some(msid) = attribute.trim().strip_prefix("msid:") {
            self.msid(msid);
        }
    }

    fn ssrc_group(&mut self, value: &str) {
        let mut parts = value.split_ascii_whitespace();
        let Some(Ok(semantics)) = parts.next().map(token) else { return };
        let ssrcs: Vec<u32> = parts.filter_map(|ssrc| ssrc.parse().ok()).collect();
        if ssrcs.len() >= 2 {
            self.section.ssrc_groups.push(SsrcGroup { semantics, ssrcs });
        }
    }

    /// `<rid> send|recv [<restrictions>]`
    fn rid(&mut self, value: &str) {
        let mut parts = value.split_ascii_whitespace();
        if let (Some(rid), Some("send")) = (parts.next(), parts.next())
            && is_rid(rid)
            && self.rids.len() < MAX_RIDS
            && !self.rids.iter().any(|known| known == rid)
        {
            self.rids.push(rid.to_owned());
        }
    }

    /// `send q;h;f [recv …]`: layers separated by `;`, alternatives by `,` (the first counts), `~` marks a paused one.
    fn simulcast(&mut self, value: &str) {
        let mut parts = value.split_ascii_whitespace();
        while let (Some(direction), Some(list)) = (parts.next(), parts.next()) {
            if direction == "send" {
                let layers = list.split(';').take(MAX_RIDS).filter_map(|layer| layer.split(',').next());
                let mut rids: Vec<String> = Vec::new();
                for rid in layers.map(|rid| rid.trim_start_matches('~')) {
                    if !rids.iter().any(|known| known == rid) {
                        rids.push(rid.to_owned());
                    }
                }
                self.simulcast = Some(rids);
            }
        }
    }
}

impl RtcpFeedback {
    fn add(&mut self, other: Self) {
        self.nack |= other.nack;
        self.nack_pli |= other.nack_pli;
        self.ccm_fir |= other.ccm_fir;
        self.transport_cc |= other.transport_cc;
        self.goog_remb |= other.goog_remb;
    }
}

/// A payload type of 7 bits and the rest of the line.
fn payload_type(value: &str) -> Option<(u8, &str)> {
    let (pt, rest) = value.split_once(' ')?;
    let pt: u8 = pt.trim().parse().ok()?;
    (pt < 128).then_some((pt, rest))
}

/// RFC 8852 §3.1, as RFC 8851 narrows it; the header extension carries at most 16 bytes in the one-byte form.
fn is_rid(text: &str) -> bool {
    !text.is_empty() && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
