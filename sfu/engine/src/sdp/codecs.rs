//! Which codecs of an offer are taken, and the payload types that our own offers use.
//!
//! In: the payload types of a client's section. Out: those that we take, with their repair payload types. RED and FEC are
//! never taken: repair is by retransmission, and audio redundancy would have to be unwrapped for half of the receivers.

use super::{Kind, RemoteCodec, RemoteSection};
use crate::api::{Codec, PayloadType};

/// What is answered and offered unless configured otherwise, best first.
pub const DEFAULT_CODECS: [Codec; 3] = [Codec::Opus, Codec::Vp8, Codec::H264];

/// A payload type as it is written into a section of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SectionCodec {
    pub(super) pt: u8,
    pub(super) codec: Codec,
    pub(super) rtx_pt: Option<u8>,
    pub(super) fmtp: String,
    pub(super) nack: bool,
    pub(super) nack_pli: bool,
    pub(super) ccm_fir: bool,
    pub(super) transport_cc: bool,
    pub(super) goog_remb: bool,
    /// Among payload types of one codec the lowest is sent.
    rank: u8,
}

impl SectionCodec {
    pub(super) const fn payload_type(&self) -> PayloadType {
        PayloadType { pt: self.pt, codec: self.codec, rtx_pt: self.rtx_pt, nack: self.nack }
    }
}

/// What each payload type of a bundle stands for: it must mean the same in every section (RFC 8843 §10.1.2).
#[derive(Clone, Debug, Default)]
pub(super) struct PayloadTable {
    used: Vec<(u8, Use)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Media(Codec),
    Rtx(u8),
}

impl PayloadTable {
    /// `false`: the payload type already means something else.
    fn claim(&mut self, pt: u8, what: Use) -> bool {
        match self.used.iter().find(|(used, _)| *used == pt) {
            Some((_, known)) => *known == what,
            None => {
                self.used.push((pt, what));
                true
            }
        }
    }
}

/// The payload types of an offered section that we take, in the offer's order.
pub(super) fn accept(section: &RemoteSection, enabled: &[Codec], table: &mut PayloadTable) -> Vec<SectionCodec> {
    let mut accepted = Vec::new();
    for remote in &section.codecs {
        let Some(codec) = codec_of(remote).filter(|codec| enabled.contains(codec)) else { continue };
        if Kind::from(codec.kind()) != section.kind || !table.claim(remote.pt, Use::Media(codec)) {
            continue;
        }
        let rtx_pt = section.codecs.iter().find(|rtx| rtx.apt() == Some(remote.pt)).map(|rtx| rtx.pt);
        let rtx_pt = rtx_pt.filter(|rtx| table.claim(*rtx, Use::Rtx(remote.pt)));
        let video = section.kind == Kind::Video;
        accepted.push(SectionCodec {
            pt: remote.pt,
            codec,
            rtx_pt,
            fmtp: remote.fmtp.clone(),
            // Opus conceals better than it waits; and without a repair stream a retransmission would seal one SRTP index
            // twice.
            nack: video && remote.feedback.nack,
            nack_pli: video && remote.feedback.nack_pli,
            ccm_fir: video && remote.feedback.ccm_fir,
            transport_cc: remote.feedback.transport_cc,
            goog_remb: video && remote.feedback.goog_remb,
            rank: rank(remote, codec),
        });
    }
    accepted
}

/// One payload type per codec, the one that most decoders and publishers agree on.
pub(super) fn one_per_codec<'a>(codecs: impl Iterator<Item = &'a SectionCodec>) -> Vec<PayloadType> {
    let mut best: Vec<&SectionCodec> = Vec::new();
    for codec in codecs {
        match best.iter_mut().find(|known| known.codec == codec.codec) {
            Some(known) if codec.rank < known.rank => *known = codec,
            Some(_) => {}
            None => best.push(codec),
        }
    }
    best.into_iter().map(SectionCodec::payload_type).collect()
}

fn codec_of(remote: &RemoteCodec) -> Option<Codec> {
    let is = |name: &str, clock_rate: u32| remote.name.eq_ignore_ascii_case(name) && remote.clock_rate == clock_rate;
    if is("opus", 48_000) {
        return Some(Codec::Opus);
    }
    if is("VP8", 90_000) {
        return Some(Codec::Vp8);
    }
    if is("H264", 90_000) {
        // Interleaved mode (2) reorders NAL units over packets: nobody sends it over WebRTC.
        return matches!(remote.parameter("packetization-mode"), None | Some("0" | "1")).then_some(Codec::H264);
    }
    if is("VP9", 90_000) {
        return matches!(remote.parameter("profile-id"), None | Some("0")).then_some(Codec::Vp9);
    }
    if is("AV1", 90_000) {
        return matches!(remote.parameter("profile"), None | Some("0")).then_some(Codec::Av1);
    }
    None
}

fn rank(remote: &RemoteCodec, codec: Codec) -> u8 {
    if codec != Codec::H264 {
        return 0;
    }
    let profile = match remote.parameter("profile-level-id").map(str::to_ascii_lowercase) {
        Some(id) if id.starts_with("42e0") => 0,
        Some(id) if id.starts_with("42") => 1,
        _ => 2,
    };
    if remote.parameter("packetization-mode") == Some("1") { profile } else { profile + 3 }
}

/// A payload type of our own offers: fixed for all connections, so that a client sees the same number everywhere.
struct LocalCodec {
    pt: u8,
    rtx_pt: Option<u8>,
    codec: Codec,
    fmtp: &'static str,
}

/// Best first. Constrained baseline is the H.264 profile that every client decodes; High is left out for the sake of
/// receivers that claim it and fail.
const LOCAL: [LocalCodec; 6] = [
    LocalCodec { pt: 111, rtx_pt: None, codec: Codec::Opus, fmtp: "minptime=10;useinbandfec=1" },
    LocalCodec { pt: 96, rtx_pt: Some(97), codec: Codec::Vp8, fmtp: "" },
    LocalCodec {
        pt: 108,
        rtx_pt: Some(109),
        codec: Codec::H264,
        fmtp: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    },
    LocalCodec {
        pt: 125,
        rtx_pt: Some(126),
        codec: Codec::H264,
        fmtp: "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f",
    },
    LocalCodec { pt: 98, rtx_pt: Some(99), codec: Codec::Vp9, fmtp: "profile-id=0" },
    LocalCodec { pt: 35, rtx_pt: Some(36), codec: Codec::Av1, fmtp: "level-idx=5;profile=0;tier=0" },
];

/// What we offer in a section: the enabled codecs of a kind among `wanted` (all, when empty).
pub(super) fn offered(kind: Kind, enabled: &[Codec], wanted: &[Codec]) -> Vec<SectionCodec> {
    let video = kind == Kind::Video;
    LOCAL
        .iter()
        .filter(|local| Kind::from(local.codec.kind()) == kind && enabled.contains(&local.codec))
        .filter(|local| wanted.is_empty() || wanted.contains(&local.codec))
        .map(|local| SectionCodec {
            pt: local.pt,
            codec: local.codec,
            rtx_pt: local.rtx_pt,
            fmtp: local.fmtp.to_owned(),
            nack: video,
            nack_pli: video,
            ccm_fir: video,
            transport_cc: true,
            goog_remb: false,
            rank: 0,
        })
        .collect()
}

/// Of what we offered, what an answer takes. Its payload types are ours (RFC 3264 §6.1 asks for it, everybody does it).
pub(super) fn taken(offered: &[SectionCodec], answer: &RemoteSection) -> Vec<SectionCodec> {
    let mut taken = Vec::new();
    for ours in offered {
        let Some(theirs) = answer.codecs.iter().find(|theirs| theirs.pt == ours.pt) else { continue };
        if codec_of(theirs) != Some(ours.codec) {
            continue;
        }
        let mut codec = ours.clone();
        codec.rtx_pt = ours.rtx_pt.filter(|rtx| answer.codecs.iter().any(|c| c.pt == *rtx && c.apt() == Some(ours.pt)));
        codec.nack = ours.nack && theirs.feedback.nack;
        codec.rank = rank(theirs, ours.codec);
        taken.push(codec);
    }
    taken
}
