//! RTP header extensions (RFC 8285): which of an offer are taken, which ids our own offers use, and the table for the
//! packet path.

use super::{Kind, RemoteSection};
use crate::api::ExtensionIds;

const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
const REPAIRED_RID: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
const TRANSPORT_CC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
const ABS_SEND_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
const ABS_CAPTURE_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
const DEPENDENCY_DESCRIPTOR: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

/// Taken from offers. Video orientation is not: a sender that may not signal it turns the picture itself, which works for
/// every receiver.
const AUDIO: [&str; 5] = [MID, AUDIO_LEVEL, TRANSPORT_CC, ABS_SEND_TIME, ABS_CAPTURE_TIME];
const VIDEO: [&str; 7] = [MID, RID, REPAIRED_RID, TRANSPORT_CC, ABS_SEND_TIME, ABS_CAPTURE_TIME, DEPENDENCY_DESCRIPTOR];

/// Ids of our own offers, the same for every section.
const OFFERED_AUDIO: [(u8, &str); 4] = [(1, MID), (2, ABS_CAPTURE_TIME), (3, TRANSPORT_CC), (5, AUDIO_LEVEL)];
const OFFERED_VIDEO: [(u8, &str); 4] = [(1, MID), (2, ABS_CAPTURE_TIME), (3, TRANSPORT_CC), (4, DEPENDENCY_DESCRIPTOR)];

/// The one-byte header form carries ids up to 14.
const MAX_ID: u8 = 14;

/// An extension as it is written into a section of ours.
pub(super) type SectionExtension = (u8, &'static str);

/// The extensions of an offered section that we take, in the offer's order. An id means the same in a whole bundle
/// (RFC 8843 §10.1.2): `ids` holds what earlier sections said, and what contradicts it is left out.
pub(super) fn accept(section: &RemoteSection, ids: &mut ExtensionIds) -> Vec<SectionExtension> {
    let known: &[&'static str] = match section.kind {
        Kind::Audio => &AUDIO,
        Kind::Video => &VIDEO,
        _ => &[],
    };
    let feedback = section.codecs.iter().any(|codec| codec.feedback.transport_cc);
    let transport_cc = feedback && section.extensions.iter().any(|e| e.uri == TRANSPORT_CC && e.id <= MAX_ID);
    let mut accepted: Vec<SectionExtension> = Vec::new();
    for offered in &section.extensions {
        let Some(uri) = known.iter().copied().find(|uri| *uri == offered.uri) else { continue };
        // One of the two ways to estimate bandwidth.
        let unwanted = match uri {
            TRANSPORT_CC => !transport_cc,
            ABS_SEND_TIME => transport_cc,
            _ => false,
        };
        let repeated = accepted.iter().any(|(id, known)| *known == uri || *id == offered.id);
        if unwanted || repeated || offered.id > MAX_ID || !claim(ids, uri, offered.id) {
            continue;
        }
        accepted.push((offered.id, uri));
    }
    accepted
}

/// Whether a section's extensions name transport-wide congestion control.
pub(super) fn has_transport_cc(extensions: &[SectionExtension]) -> bool {
    extensions.iter().any(|(_, uri)| *uri == TRANSPORT_CC)
}

/// What we offer in a section.
pub(super) const fn offered(kind: Kind) -> &'static [SectionExtension] {
    match kind {
        Kind::Audio => &OFFERED_AUDIO,
        Kind::Video => &OFFERED_VIDEO,
        _ => &[],
    }
}

/// Adds to `ids` what an answer takes of our offer.
pub(super) fn taken(answer: &RemoteSection, ids: &mut ExtensionIds) {
    for (id, uri) in offered(answer.kind) {
        if answer.extensions.iter().any(|extension| extension.id == *id && extension.uri == *uri) {
            claim(ids, uri, *id);
        }
    }
}

/// `false`: the extension has another id, or the id belongs to another extension.
fn claim(ids: &mut ExtensionIds, uri: &str, id: u8) -> bool {
    let taken = all(ids).into_iter().any(|known| known == Some(id));
    let Some(slot) = slot(ids, uri) else { return false };
    match *slot {
        Some(known) => known == id,
        None if taken => false,
        None => {
            *slot = Some(id);
            true
        }
    }
}

const fn all(ids: &ExtensionIds) -> [Option<u8>; 10] {
    [
        ids.mid,
        ids.rid,
        ids.repaired_rid,
        ids.transport_cc,
        ids.abs_send_time,
        ids.audio_level,
        ids.abs_capture_time,
        ids.dependency_descriptor,
        ids.playout_delay,
        ids.video_orientation,
    ]
}

fn slot<'a>(ids: &'a mut ExtensionIds, uri: &str) -> Option<&'a mut Option<u8>> {
    Some(match uri {
        MID => &mut ids.mid,
        RID => &mut ids.rid,
        REPAIRED_RID => &mut ids.repaired_rid,
        TRANSPORT_CC => &mut ids.transport_cc,
        ABS_SEND_TIME => &mut ids.abs_send_time,
        AUDIO_LEVEL => &mut ids.audio_level,
        ABS_CAPTURE_TIME => &mut ids.abs_capture_time,
        DEPENDENCY_DESCRIPTOR => &mut ids.dependency_descriptor,
        _ => return None,
    })
}
