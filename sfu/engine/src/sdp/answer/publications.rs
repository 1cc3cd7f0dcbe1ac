//! Which section carries which announced track.
//!
//! A track is announced by signaling (AddTrack) and carried by a section; either may arrive first. They belong together
//! by the client's id, which is the track id of `a=msid`; failing that, by kind and order, because some clients change the
//! id on the way.

use std::collections::HashSet;

use super::super::layers;
use super::super::sections::Slot;
use super::super::write::Tuning;
use super::{EndedPublication, NegotiatedPublication, PendingPublication, RemoteSection};
use crate::api::{Codec, MediaKind};

/// With three layers Chromium opens all of them at once only if it may start this fast (kbit/s); otherwise the upper
/// ones take several seconds to appear.
const START_THREE_LAYERS_KBPS: u32 = 2_500;
const START_TWO_LAYERS_KBPS: u32 = 1_000;

/// A client may ask for its own start bitrate up to this.
const MAX_START_KBPS: u32 = 10_000;

/// Takes over who sends where. Returns what ended.
pub(super) fn negotiate(
    slots: &mut [Slot],
    sections: &[RemoteSection],
    pending: &[PendingPublication],
) -> Vec<EndedPublication> {
    let mut matcher = Matcher::new(sections, pending);
    let mut ended = Vec::new();
    for (slot, section) in slots.iter_mut().zip(sections) {
        let kind = section.kind.media().filter(|_| slot.usable && section.direction.sends());
        let cid = track_id(section);
        let exact = kind.and_then(|kind| matcher.exact(kind, cid));
        let before = slot.publication.take();
        let Some(kind) = kind else {
            ended.extend(before.map(|before| EndedPublication { mid: before.mid, track: before.track }));
            slot.tuning = Tuning::default();
            slot.prefer(None);
            continue;
        };
        let track = match (before, exact) {
            // Another announced track took the section over.
            (Some(before), Some(new)) if before.track.as_deref().is_some_and(|track| track != new.track) => {
                ended.push(EndedPublication { mid: before.mid, track: before.track });
                Some(new)
            }
            (Some(NegotiatedPublication { track: Some(track), .. }), _) => {
                slot.publication = Some(publication(slot, section, kind, cid, Some(track)));
                slot.tuning.start_kbps = start_kbps(slot, section);
                continue;
            }
            (_, exact) => exact,
        };
        slot.published_ever = true;
        announce(slot, section, kind, cid, track);
    }
    for (slot, section) in slots.iter_mut().zip(sections) {
        let Some((kind, cid)) =
            slot.publication.as_ref().filter(|p| p.track.is_none()).map(|p| (p.kind, p.cid.clone()))
        else {
            continue;
        };
        if let Some(pending) = matcher.any(kind) {
            announce(slot, section, kind, &cid, Some(pending));
        }
    }
    ended
}

/// Matches one track with the sections that still lack one.
pub(super) fn match_late(slots: &mut [Slot], pending: &PendingPublication) -> Option<NegotiatedPublication> {
    let fits = |publication: &NegotiatedPublication, exact: bool| {
        publication.track.is_none()
            && publication.kind == pending.kind
            && (!exact || pending.cids.contains(&publication.cid))
    };
    let index = [true, false].into_iter().find_map(|exact| {
        slots.iter().position(|slot| slot.publication.as_ref().is_some_and(|publication| fits(publication, exact)))
    })?;
    let slot = slots.get_mut(index)?;
    slot.tuning = Tuning { stereo: pending.stereo, dtx: pending.dtx, ..slot.tuning };
    slot.prefer(pending.codec);
    let publication = slot.publication.as_mut()?;
    publication.track = Some(pending.track.clone());
    Some(publication.clone())
}

/// Announced tracks, each given out once.
struct Matcher<'a> {
    pending: &'a [PendingPublication],
    /// Client ids that some section of the offer carries: their tracks are not given to other sections.
    carried: HashSet<&'a str>,
    given: HashSet<usize>,
}

impl<'a> Matcher<'a> {
    fn new(sections: &'a [RemoteSection], pending: &'a [PendingPublication]) -> Self {
        let carried = sections.iter().filter(|section| section.direction.sends()).map(track_id).collect();
        Self { pending, carried, given: HashSet::new() }
    }

    fn exact(&mut self, kind: MediaKind, cid: &str) -> Option<&'a PendingPublication> {
        self.give(|pending| pending.kind == kind && pending.cids.iter().any(|known| known == cid))
    }

    fn any(&mut self, kind: MediaKind) -> Option<&'a PendingPublication> {
        let carried = std::mem::take(&mut self.carried);
        let found = self
            .give(|p| p.kind == kind && !p.cids.iter().any(|cid| !cid.is_empty() && carried.contains(cid.as_str())));
        self.carried = carried;
        found
    }

    fn give(&mut self, fits: impl Fn(&PendingPublication) -> bool) -> Option<&'a PendingPublication> {
        let (index, pending) =
            self.pending.iter().enumerate().find(|(index, pending)| !self.given.contains(index) && fits(pending))?;
        self.given.insert(index);
        Some(pending)
    }
}

/// Puts a publication into a section.
fn announce(
    slot: &mut Slot,
    section: &RemoteSection,
    kind: MediaKind,
    cid: &str,
    pending: Option<&PendingPublication>,
) {
    slot.prefer(pending.and_then(|pending| pending.codec));
    slot.tuning = Tuning {
        stereo: pending.is_some_and(|pending| pending.stereo),
        dtx: pending.is_some_and(|pending| pending.dtx),
        sprop_stereo: false,
        start_kbps: start_kbps(slot, section),
    };
    let track = pending.map(|pending| pending.track.clone());
    slot.publication = Some(publication(slot, section, kind, cid, track));
}

fn publication(
    slot: &Slot,
    section: &RemoteSection,
    kind: MediaKind,
    cid: &str,
    track: Option<String>,
) -> NegotiatedPublication {
    let mut codecs: Vec<Codec> = Vec::new();
    for codec in &slot.codecs {
        if !codecs.contains(&codec.codec) {
            codecs.push(codec.codec);
        }
    }
    let encodings = layers::encodings(section);
    NegotiatedPublication { mid: slot.mid.clone(), track, cid: cid.to_owned(), kind, encodings, codecs }
}

fn start_kbps(slot: &Slot, section: &RemoteSection) -> Option<u32> {
    if slot.kind.media() != Some(MediaKind::Video) {
        return None;
    }
    let asked = section.codecs.iter().find_map(|codec| codec.parameter("x-google-start-bitrate")?.parse().ok());
    let asked = asked.map(|kbps: u32| kbps.min(MAX_START_KBPS));
    match layers::encodings(section).len() {
        0 | 1 => asked,
        2 => asked.max(Some(START_TWO_LAYERS_KBPS)),
        _ => asked.max(Some(START_THREE_LAYERS_KBPS)),
    }
}

/// The track part of `a=msid`; clients that write only one part mean the track.
fn track_id(section: &RemoteSection) -> &str {
    match &section.msid {
        Some((stream, track)) if track.is_empty() => stream,
        Some((_, track)) => track,
        None => "",
    }
}
