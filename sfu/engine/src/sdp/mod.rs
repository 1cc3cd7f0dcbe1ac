//! Offers and answers of an SFU (RFC 8829, RFC 8866), as pure functions and small state machines.
//!
//! In: the text of a client's offer or answer ([`RemoteDescription::parse`]), what the room wants to deliver
//! ([`WantedSubscription`]) and what the client announced to publish ([`PendingPublication`]). Out: the text to send back
//! and the parameters that the worker's engine needs ([`Answer`], [`Offer`], [`AnswerOutcome`]). Ids, SSRCs and ICE
//! credentials are arguments; nothing here reads a clock, draws a random number or touches a socket.
//!
//! - [`Answerer`]: the client offers. Single peer connection (`/rtc/v1`), and the publisher connection of the dual mode.
//! - [`Offerer`]: we offer. The subscriber connection of the dual mode.
//!
//! One bundle, one transport, ICE-lite, RTCP multiplexed. Every text from outside is bounded before it is looked at, and
//! a description that cannot be answered changes no state.

mod answer;
mod codecs;
mod description;
mod extensions;
#[cfg(test)]
mod fixture;
mod layers;
mod offer;
mod parse;
mod sections;
mod write;

pub use answer::{Answer, AnswerInput, Answerer, EndedPublication, IceRestart, NegotiatedPublication};
pub use codecs::DEFAULT_CODECS;
pub use description::{
    Direction, Extension, Kind, RemoteCodec, RemoteDescription, RemoteSection, RtcpFeedback, Setup, SsrcGroup,
};
pub use layers::{Quality, layer_for_quality, quality_of_layer, quality_of_rid};
pub use offer::{AnswerOutcome, Offer, Offerer};
pub use sections::SectionsRequirement;
pub use write::Candidate;

use crate::api::{Codec, IceCredentials, MediaKind, PayloadType, SubscriptionId};

/// Largest description taken, in bytes. Chromium writes about 5 kB per video section that it offers, so that a single
/// connection with 150 subscriptions to video fits.
pub const MAX_SDP_BYTES: usize = 768 * 1024;

/// Most m-lines of one description.
pub const MAX_SECTIONS: usize = 512;

/// Most m-lines that we offer on one connection: their answer must stay below [`MAX_SDP_BYTES`].
pub const MAX_OFFERED_SECTIONS: usize = 384;

/// Most lines of one section. Chromium writes about 160 for a video section with every codec.
pub const MAX_SECTION_LINES: usize = 1_024;

/// Longest mid, rid, ufrag, password, msid part or codec name that is kept, in bytes (RFC 8839 allows 256 for ufrag and
/// password).
pub const MAX_TOKEN_BYTES: usize = 256;

/// What we answer and offer as `a=sctp-port` (RFC 8841).
pub const SCTP_PORT: u16 = 5_000;

/// What we answer and offer as `a=max-message-size`, in bytes (RFC 8841).
pub const MAX_MESSAGE_SIZE: u32 = 262_144;

/// Why a description was refused. Nothing has changed when it is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    #[error("the description has {0} bytes, at most {MAX_SDP_BYTES} are taken")]
    TooLarge(usize),
    #[error("more than {MAX_SECTIONS} m-lines")]
    TooManySections,
    #[error("more than {MAX_SECTION_LINES} lines in one section")]
    TooManyLines,
    #[error("line {line} is not valid SDP")]
    Malformed { line: usize },
    #[error("no m-line")]
    Empty,
    #[error("section {0} has no mid")]
    MissingMid(usize),
    #[error("two sections have the mid {0:?}")]
    DuplicateMid(String),
    #[error("no ICE ufrag and password")]
    MissingIceCredentials,
    #[error("no certificate fingerprint")]
    MissingFingerprint,
    #[error("fingerprint hash {0:?} is not supported, sha-256 is")]
    UnsupportedFingerprint(String),
    #[error("the certificate changed within one session")]
    FingerprintChanged,
    #[error("the offer has {now} sections, the one before had {before}")]
    SectionsRemoved { before: usize, now: usize },
    #[error("section {0} does not match what was negotiated before")]
    SectionMismatch(usize),
    #[error("answer to offer {got}, waiting for {want:?}")]
    UnexpectedAnswer { got: u32, want: Option<u32> },
    #[error("an answer must be setup:active or setup:passive")]
    UndecidedRole,
}

/// Our side of one transport, as it is written into descriptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalTransport {
    pub ice: IceCredentials,
    /// SHA-256 of our certificate, upper-case hex bytes separated by colons (RFC 8122 §5).
    pub fingerprint: String,
    /// Written into the first section of the bundle; the others share its transport.
    pub candidates: Vec<Candidate>,
    /// The session id of the `o=` line; any number below 2^63.
    pub session_id: u64,
}

/// A subscription that shall be delivered on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedSubscription {
    pub id: SubscriptionId,
    pub kind: MediaKind,
    /// First part of `a=msid`: `PA_x|TR_y`.
    pub stream: String,
    /// Second part of `a=msid` and the value of `mid_to_track_id`: `TR_y`.
    pub track: String,
    pub ssrc: u32,
    /// Written as `a=ssrc-group:FID` where a repair codec is negotiated.
    pub rtx_ssrc: Option<u32>,
    /// What the publication may send; empty: any enabled codec.
    pub codecs: Vec<Codec>,
    /// Opus in stereo (`sprop-stereo=1`).
    pub stereo: bool,
}

/// A subscription that has a section: what [`crate::api::SubscriptionSpec`] needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundSubscription {
    pub id: SubscriptionId,
    pub mid: String,
    /// One per codec that both sides take, best first.
    pub payload_types: Vec<PayloadType>,
    /// `true`: a repair stream was negotiated for at least one of `payload_types`, and the wanted RTX SSRC was written.
    pub rtx: bool,
}

/// A track that a client announced (AddTrack) and that no section carries yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingPublication {
    /// The id that we gave it (`TR_…`).
    pub track: String,
    /// The client's ids for it: its `cid` and those of its `simulcast_codecs`.
    pub cids: Vec<String>,
    pub kind: MediaKind,
    /// The codec it declared, if any: answered first.
    pub codec: Option<Codec>,
    /// Opus in stereo: answered `stereo=1;maxaveragebitrate=510000`.
    pub stereo: bool,
    /// Opus with silence suppression: answered `usedtx=1`.
    pub dtx: bool,
}
