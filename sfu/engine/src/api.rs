//! The engine's vocabulary: what the room tells a worker's engine ([`Command`]) and what the engine tells the room
//! ([`Event`]).
//!
//! Everything here is plain data. The room chooses the ids; an id is never used twice in the life of a process. Commands
//! come from our own control path and are trusted to be consistent; a command that names something already gone is
//! ignored and counted, because a datagram may close a transport while the command is under way.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

/// A room on this worker. Nothing is ever delivered between two rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(pub u64);

/// One peer connection of a participant: ICE, DTLS, SRTP and SCTP over one five-tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransportId(pub u64);

/// A track offered to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicationId(pub u64);

/// A publication delivered to one participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(pub u64);

/// Where a datagram came from or goes to. `local_ip` is the address of ours that it arrived at (answers must leave from
/// the same one when the socket is bound to all addresses); `None` lets the kernel choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tuple {
    pub remote: SocketAddr,
    pub local_ip: Option<IpAddr>,
}

/// ICE user fragment and password (RFC 8445 §5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceCredentials {
    pub ufrag: String,
    pub pwd: String,
}

/// Who sends the ClientHello. We are the server wherever the SDP allows, because the server chooses the SRTP profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtlsRole {
    Client,
    Server,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaKind {
    Audio,
    Video,
}

/// Codecs that the engine understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    Opus,
    Vp8,
    H264,
    Vp9,
    Av1,
}

impl Codec {
    /// RTP clock rate in Hz.
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            _ => 90_000,
        }
    }

    pub const fn kind(self) -> MediaKind {
        match self {
            Self::Opus => MediaKind::Audio,
            _ => MediaKind::Video,
        }
    }
}

/// Negotiated RTP header extension ids (RFC 8285, 1 to 14 in the one-byte form), `None` where not negotiated. They hold
/// for a whole bundle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtensionIds {
    /// `urn:ietf:params:rtp-hdrext:sdes:mid`
    pub mid: Option<u8>,
    /// `urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id`
    pub rid: Option<u8>,
    /// `urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id`
    pub repaired_rid: Option<u8>,
    /// `http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01`
    pub transport_cc: Option<u8>,
    /// `http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time`
    pub abs_send_time: Option<u8>,
    /// `urn:ietf:params:rtp-hdrext:ssrc-audio-level` (RFC 6464)
    pub audio_level: Option<u8>,
    /// `http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time`
    pub abs_capture_time: Option<u8>,
    /// `https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension`
    pub dependency_descriptor: Option<u8>,
    /// `http://www.webrtc.org/experiments/rtp-hdrext/playout-delay`
    pub playout_delay: Option<u8>,
    /// `urn:3gpp:video-orientation`
    pub video_orientation: Option<u8>,
}

/// One payload type of a bundle: what it carries and, where negotiated, the payload type of its repair stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadType {
    pub pt: u8,
    pub codec: Codec,
    /// Payload type of the RTX stream (RFC 4588) for this codec.
    pub rtx_pt: Option<u8>,
    /// `a=rtcp-fb: nack`
    pub nack: bool,
}

/// How packets of one layer of a publication are recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// `a=rid` (RFC 8851) when the publisher sends simulcast; its order is the layer's spatial index.
    pub rid: Option<String>,
    /// `a=ssrc`, known before the first packet when the publisher does not use rids.
    pub ssrc: Option<u32>,
    /// The repair stream's SSRC (`a=ssrc-group:FID`).
    pub rtx_ssrc: Option<u32>,
}

/// A track that a participant sends to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicationSpec {
    pub id: PublicationId,
    pub transport: TransportId,
    pub kind: MediaKind,
    /// The m-line it belongs to; packets are matched by the MID extension before their SSRC is known.
    pub mid: String,
    /// Lowest layer first; one element when there is no simulcast; at most [`MAX_LAYERS`].
    pub encodings: Vec<Encoding>,
}

/// Spatial layers of one publication.
pub const MAX_LAYERS: usize = 3;

/// A publication's delivery to one participant: everything the rewriting needs, agreed in SDP beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionSpec {
    pub id: SubscriptionId,
    pub transport: TransportId,
    pub publication: PublicationId,
    pub mid: String,
    pub ssrc: u32,
    /// `None`: no repair stream was negotiated.
    pub rtx_ssrc: Option<u32>,
    /// What the subscriber can take; the one whose codec the publication sends is used. Empty intersection: nothing is
    /// forwarded.
    pub payload_types: Vec<PayloadType>,
    pub target: LayerTarget,
}

/// What a subscriber wants of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerTarget {
    /// `false`: send nothing until asked again (hidden, disabled or unsubscribed for a while).
    pub enabled: bool,
    /// Highest spatial layer wanted, 0 to 2.
    pub spatial: u8,
    /// Highest temporal layer wanted, 0 to 3 (VP8: higher ones are dropped).
    pub temporal: u8,
}

impl LayerTarget {
    pub const BEST: Self = Self { enabled: true, spatial: 2, temporal: 3 };
    pub const OFF: Self = Self { enabled: false, spatial: 0, temporal: 0 };
}

/// The data channels that LiveKit clients use, by label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataChannelKind {
    /// `_reliable`: ordered.
    Reliable,
    /// `_lossy`: unordered, no retransmission.
    Lossy,
    /// `_data_track`: unordered, no retransmission.
    DataTrack,
}

impl DataChannelKind {
    pub const ALL: [Self; 3] = [Self::Reliable, Self::Lossy, Self::DataTrack];

    pub const fn label(self) -> &'static str {
        match self {
            Self::Reliable => "_reliable",
            Self::Lossy => "_lossy",
            Self::DataTrack => "_data_track",
        }
    }

    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.label() == label)
    }
}

/// What a new transport needs. `room` binds it for life.
#[derive(Clone, Debug)]
pub struct TransportSpec {
    pub id: TransportId,
    pub room: RoomId,
    pub local: IceCredentials,
    /// The peer's, for the one check that hurries it (see `transport/ice.rs`).
    pub remote_ice: IceCredentials,
    /// SHA-256 of the peer's certificate (`a=fingerprint`). Nothing but STUN is accepted from anybody else.
    pub remote_fingerprint: [u8; 32],
    pub role: DtlsRole,
    /// `true`: we open [`DataChannelKind::ALL`] once SCTP is up (subscriber connection of the dual mode). `false`: we use
    /// what the client opens.
    pub open_data_channels: bool,
}

/// What arrives on a transport, agreed by the last offer and answer; replaces what was there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiveParameters {
    pub extensions: ExtensionIds,
    pub payload_types: Vec<PayloadType>,
}

/// From a room to the worker that carries it.
#[derive(Clone, Debug)]
pub enum Command {
    OpenTransport(TransportSpec),
    /// A new ufrag and password; the old ones stay valid for a while (RFC 8445 §9).
    RestartIce {
        transport: TransportId,
        local: IceCredentials,
        remote_ice: IceCredentials,
    },
    SetReceive {
        transport: TransportId,
        receive: ReceiveParameters,
    },
    /// Extension ids to write on packets that leave on this transport.
    SetSendExtensions {
        transport: TransportId,
        extensions: ExtensionIds,
    },
    CloseTransport {
        transport: TransportId,
    },
    /// Adds the publication, or replaces mid and encodings of a known one.
    Publish(PublicationSpec),
    /// Ends it and every subscription to it.
    Unpublish {
        publication: PublicationId,
    },
    /// A muted publication is not forwarded, whatever its publisher sends.
    SetMuted {
        publication: PublicationId,
        muted: bool,
    },
    Subscribe(SubscriptionSpec),
    Unsubscribe {
        subscription: SubscriptionId,
    },
    SetTarget {
        subscription: SubscriptionId,
        target: LayerTarget,
    },
    /// Sends one message to each of several transports of one room. A transport whose channel is not open yet keeps
    /// reliable messages up to a bound; lossy ones are dropped and counted.
    SendData {
        to: Arc<[TransportId]>,
        channel: DataChannelKind,
        payload: Bytes,
    },
    /// Asks the publisher for a keyframe on every layer (throttled like any other request).
    RequestKeyframe {
        publication: PublicationId,
    },
}

/// Why a transport ended by itself. It is already gone when the room hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportFailure {
    /// No valid connectivity check for the consent time (RFC 7675: 30 s).
    ConsentLost,
    /// It never connected within its time.
    NeverConnected,
    /// The certificate is not the one in the SDP.
    FingerprintMismatch,
    /// DTLS failed, or the peer offered no SRTP profile that we take.
    Handshake,
    /// The peer closed DTLS.
    ClosedByPeer,
    /// Our own defect, caught: the transport is dropped, the others go on.
    Internal,
}

/// Figures of one layer of a publication since the last report.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LayerStats {
    pub packets: u64,
    pub bytes: u64,
    /// Sequence numbers that never came, after repair.
    pub lost: u64,
    pub repaired: u64,
    pub jitter: Duration,
    /// `false`: nothing arrived for a while (the publisher stopped this layer).
    pub active: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublicationStats {
    pub id: PublicationId,
    pub layers: [LayerStats; MAX_LAYERS],
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SubscriptionStats {
    pub id: SubscriptionId,
    pub packets: u64,
    pub bytes: u64,
    /// Share of packets that the subscriber reported lost, 0 to 1, from its last receiver reports.
    pub loss: f32,
    pub rtt: Option<Duration>,
    /// The spatial layer now sent, `None` when nothing is.
    pub layer: Option<u8>,
}

/// One report of one transport, every [`STATS_INTERVAL`].
#[derive(Clone, Debug, PartialEq)]
pub struct TransportStats {
    pub transport: TransportId,
    pub rtt: Option<Duration>,
    pub publications: Vec<PublicationStats>,
    pub subscriptions: Vec<SubscriptionStats>,
}

pub const STATS_INTERVAL: Duration = Duration::from_secs(5);

/// How often speakers are judged.
pub const SPEAKER_INTERVAL: Duration = Duration::from_millis(400);

/// A publication's voice over the last [`SPEAKER_INTERVAL`]: linear level 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeakerLevel {
    pub publication: PublicationId,
    pub level: f32,
}

/// From a worker's engine to the room.
#[derive(Clone, Debug)]
pub enum Event {
    /// DTLS is up with the right certificate: media can flow both ways.
    TransportConnected {
        transport: TransportId,
    },
    TransportFailed {
        transport: TransportId,
        reason: TransportFailure,
    },
    /// The first packet of a publication arrived.
    PublicationStarted {
        publication: PublicationId,
    },
    /// The first packet of a subscription was sent.
    SubscriptionStarted {
        subscription: SubscriptionId,
    },
    DataChannelOpen {
        transport: TransportId,
        channel: DataChannelKind,
    },
    Data {
        transport: TransportId,
        channel: DataChannelKind,
        payload: Bytes,
    },
    /// Who is audible now, loudest first; sent each [`SPEAKER_INTERVAL`] while anybody is, and once more, empty, after.
    Speakers {
        levels: Vec<SpeakerLevel>,
    },
    Stats(TransportStats),
}

/// Why a datagram or packet was not used. Counted per reason, never logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DropReason {
    /// First byte of no known protocol (RFC 7983), or too short for its own header.
    Malformed,
    /// STUN that is not a binding request, or without what it needs.
    StunMalformed,
    /// A ufrag that we did not give out.
    StunUnknownUfrag,
    /// MESSAGE-INTEGRITY or FINGERPRINT did not match.
    StunUnauthenticated,
    /// From an address that no connectivity check has validated.
    UnknownAddress,
    DtlsRefused,
    /// Before the keys were agreed.
    NotReady,
    /// Authentication failed.
    SrtpUnauthenticated,
    SrtpReplayed,
    UnknownSsrc,
    UnknownPayloadType,
    /// A bound was reached: streams, queues, channels.
    LimitReached,
    SctpRefused,
    /// No subscription wanted it: not an error.
    Unwanted,
    /// Outbound: the subscriber's queue was full.
    QueueFull,
    RtcpMalformed,
    /// A command named something that is gone.
    StaleCommand,
}

impl DropReason {
    pub const COUNT: usize = Self::StaleCommand as usize + 1;
    /// Every reason with its metric label, in discriminant order.
    pub const LABELS: [&'static str; Self::COUNT] = [
        "malformed",
        "stun_malformed",
        "stun_unknown_ufrag",
        "stun_unauthenticated",
        "unknown_address",
        "dtls_refused",
        "not_ready",
        "srtp_unauthenticated",
        "srtp_replayed",
        "unknown_ssrc",
        "unknown_payload_type",
        "limit_reached",
        "sctp_refused",
        "unwanted",
        "queue_full",
        "rtcp_malformed",
        "stale_command",
    ];
}
