//! A client's description after parsing: plain data, bounded by the parser ([`super::parse`]).

use crate::api::{IceCredentials, MediaKind};

/// What a section carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Audio,
    Video,
    /// SCTP data channels (RFC 8841).
    Application,
    /// Anything else: always declined.
    Other,
}

impl Kind {
    pub const fn media(self) -> Option<MediaKind> {
        match self {
            Self::Audio => Some(MediaKind::Audio),
            Self::Video => Some(MediaKind::Video),
            _ => None,
        }
    }
}

impl From<MediaKind> for Kind {
    fn from(kind: MediaKind) -> Self {
        match kind {
            MediaKind::Audio => Self::Audio,
            MediaKind::Video => Self::Video,
        }
    }
}

/// Direction of a section as seen by whoever wrote it (RFC 8866 §6.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    #[default]
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    pub const fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether its writer sends.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether its writer receives.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive].into_iter().find(|d| d.as_str() == text)
    }
}

/// `a=setup` (RFC 4145): who opens the DTLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    Active,
    Passive,
    ActPass,
}

/// `a=rtcp-fb` (RFC 4585), as far as we use it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RtcpFeedback {
    pub nack: bool,
    pub nack_pli: bool,
    pub ccm_fir: bool,
    pub transport_cc: bool,
    pub goog_remb: bool,
}

/// One payload type of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteCodec {
    /// 0 to 127.
    pub pt: u8,
    /// As written; compare without regard to case.
    pub name: String,
    pub clock_rate: u32,
    pub channels: Option<u8>,
    /// Empty when there is none.
    pub fmtp: String,
    pub feedback: RtcpFeedback,
}

impl RemoteCodec {
    /// The value of a parameter of `a=fmtp`; `Some("")` for one without value.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.fmtp.split(';').find_map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// The payload type that this repair stream belongs to (RFC 4588 §8.6).
    pub fn apt(&self) -> Option<u8> {
        if !self.name.eq_ignore_ascii_case("rtx") {
            return None;
        }
        self.parameter("apt")?.parse().ok().filter(|pt| *pt < 128)
    }
}

/// `a=extmap` (RFC 8285).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// 1 to 14, or up to 255 in the two-byte form.
    pub id: u8,
    pub uri: String,
}

/// `a=ssrc-group` (RFC 5576): `FID` pairs a stream with its repair stream, `SIM` lists simulcast layers, lowest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsrcGroup {
    pub semantics: String,
    pub ssrcs: Vec<u32>,
}

/// One m-line with its attributes; session-level values are already applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteSection {
    pub kind: Kind,
    /// The media name as written, echoed in answers.
    pub media: String,
    /// `true`: port 0 and not `bundle-only`, that is rejected or stopped.
    pub rejected: bool,
    /// Echoed in answers, like `UDP/TLS/RTP/SAVPF`.
    pub proto: String,
    /// Echoed where the section is declined.
    pub formats: Vec<String>,
    pub mid: String,
    pub direction: Direction,
    /// In the order of preference of the m-line; only those with an rtpmap.
    pub codecs: Vec<RemoteCodec>,
    pub extensions: Vec<Extension>,
    /// Stream id and track id of the first `a=msid` (RFC 8830); either may be empty.
    pub msid: Option<(String, String)>,
    /// In order of appearance, each once.
    pub ssrcs: Vec<u32>,
    pub ssrc_groups: Vec<SsrcGroup>,
    /// Rids that the client sends (RFC 8851), in the order of `a=simulcast` (RFC 8853) or, without it, of the `a=rid`
    /// lines.
    pub send_rids: Vec<String>,
    /// `a=simulcast:send` was there.
    pub simulcast: bool,
    pub rtcp_mux: bool,
    pub rtcp_rsize: bool,
    pub sctp_port: Option<u16>,
    pub max_message_size: Option<u32>,
    /// Belongs to the one bundle that we answer.
    pub bundled: bool,
}

/// A client's offer or answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteDescription {
    pub sections: Vec<RemoteSection>,
    /// Of the transport that carries the bundle.
    pub ice: IceCredentials,
    /// SHA-256 of the client's certificate.
    pub fingerprint: [u8; 32],
    pub setup: Setup,
}

impl RemoteDescription {
    pub fn section(&self, mid: &str) -> Option<&RemoteSection> {
        self.sections.iter().find(|section| section.mid == mid)
    }
}
