//! The sections of one client-offered connection, and which subscription is sent in which.
//!
//! In: what the last offer said of each section, and the subscriptions wanted. Out: bindings that stay where they are for
//! as long as they can. Writes and parses nothing.

use std::collections::{HashMap, HashSet};

use super::codecs::{PayloadTable, SectionCodec, accept};
use super::extensions::{self, SectionExtension};
use super::write::Tuning;
use super::{BoundSubscription, Kind, NegotiatedPublication, RemoteSection, WantedSubscription, codecs};
use crate::api::{Codec, ExtensionIds, SubscriptionId};

/// Sections to add beyond the free ones (LiveKit's `MediaSectionsRequirement`): never totals. All zero: only a new offer
/// is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SectionsRequirement {
    pub audio: u32,
    pub video: u32,
}

impl SectionsRequirement {
    pub const fn is_zero(self) -> bool {
        self.audio == 0 && self.video == 0
    }
}

/// One section. Its two directions are independent: the client may publish and we may send in the same one.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) mid: String,
    pub(super) kind: Kind,
    /// `false`: declined by us or stopped by the client, for good unless the client recycles the m-line.
    pub(super) usable: bool,
    /// The client receives here, by its last offer.
    pub(super) receives: bool,
    pub(super) codecs: Vec<SectionCodec>,
    pub(super) extensions: Vec<SectionExtension>,
    pub(super) publication: Option<NegotiatedPublication>,
    pub(super) published_ever: bool,
    pub(super) tuning: Tuning,
    /// What the published track was announced with: answered first.
    pub(super) preferred: Option<Codec>,
    pub(super) bound: Option<SubscriptionId>,
    pub(super) bound_ever: bool,
}

impl Slot {
    pub(super) fn new(section: &RemoteSection) -> Self {
        Self {
            mid: section.mid.clone(),
            kind: section.kind,
            usable: false,
            receives: false,
            codecs: Vec::new(),
            extensions: Vec::new(),
            publication: None,
            published_ever: false,
            tuning: Tuning::default(),
            preferred: None,
            bound: None,
            bound_ever: false,
        }
    }

    /// Takes over what a new offer says of this section.
    pub(super) fn refresh(
        &mut self,
        section: &RemoteSection,
        enabled: &[Codec],
        table: &mut PayloadTable,
        ids: &mut ExtensionIds,
    ) {
        let media = self.kind.media().is_some() && section.rtcp_mux && section.proto.ends_with("/SAVPF");
        let data = self.kind == Kind::Application
            && section.proto.ends_with("DTLS/SCTP")
            && section.formats.first().is_some_and(|format| format == "webrtc-datachannel");
        let present = section.bundled && !section.rejected;
        self.codecs = if present && media { accept(section, enabled, table) } else { Vec::new() };
        self.prefer(self.preferred);
        self.extensions = if self.codecs.is_empty() { Vec::new() } else { extensions::accept(section, ids) };
        self.usable = present && (data || !self.codecs.is_empty());
        self.receives = self.usable && media && section.direction.receives();
    }

    /// Answers this codec first: a client sends the first of an answer that it can.
    pub(super) fn prefer(&mut self, codec: Option<Codec>) {
        self.preferred = codec;
        if codec.is_some() {
            self.codecs.sort_by_key(|known| Some(known.codec) != codec);
        }
    }

    fn supports(&self, wanted: &WantedSubscription) -> bool {
        wanted.codecs.is_empty() || self.codecs.iter().any(|codec| wanted.codecs.contains(&codec.codec))
    }

    fn may_send(&self, wanted: &WantedSubscription) -> bool {
        self.receives && self.kind == Kind::from(wanted.kind)
    }

    pub(super) fn bound_subscription(&self, wanted: &WantedSubscription) -> BoundSubscription {
        let usable = self.codecs.iter().filter(|c| wanted.codecs.is_empty() || wanted.codecs.contains(&c.codec));
        let payload_types = codecs::one_per_codec(usable);
        let rtx = wanted.rtx_ssrc.is_some() && payload_types.iter().any(|pt| pt.rtx_pt.is_some());
        BoundSubscription { id: wanted.id, mid: self.mid.clone(), payload_types, rtx }
    }
}

/// What could not be bound.
#[derive(Clone, Debug, Default)]
pub(super) struct Unbound {
    pub(super) unsupported: Vec<SubscriptionId>,
    pub(super) missing: SectionsRequirement,
}

/// Binds what is wanted and releases what is not. Existing bindings stay. A new one takes the first free section, of those
/// released just now only if there is no other (their stream would change in one step, which clients support); never one
/// on which the client ever published.
pub(super) fn bind(slots: &mut [Slot], wanted: &[WantedSubscription]) -> Unbound {
    let by_id: HashMap<SubscriptionId, &WantedSubscription> = wanted.iter().map(|w| (w.id, w)).collect();
    let mut bound: HashSet<SubscriptionId> = HashSet::new();
    let mut released: HashSet<usize> = HashSet::new();
    for (index, slot) in slots.iter_mut().enumerate() {
        let Some(id) = slot.bound else { continue };
        let stays = by_id.get(&id).is_some_and(|wanted| slot.may_send(wanted) && slot.supports(wanted));
        if stays && bound.insert(id) {
            continue;
        }
        slot.bound = None;
        released.insert(index);
    }
    let mut unbound = Unbound::default();
    for wanted in wanted {
        if !bound.insert(wanted.id) {
            continue;
        }
        let supporting = |slot: &Slot| slot.may_send(wanted) && slot.supports(wanted);
        let free = |slot: &Slot| slot.bound.is_none() && !slot.published_ever;
        let best = slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| free(slot) && supporting(slot))
            .min_by_key(|(index, _)| (released.contains(index), *index))
            .map(|(index, _)| index);
        if let Some(slot) = best.and_then(|index| slots.get_mut(index)) {
            slot.bound = Some(wanted.id);
            slot.bound_ever = true;
        } else if slots.iter().any(|slot| slot.may_send(wanted)) && !slots.iter().any(supporting) {
            unbound.unsupported.push(wanted.id);
        } else if Kind::from(wanted.kind) == Kind::Audio {
            unbound.missing.audio += 1;
        } else {
            unbound.missing.video += 1;
        }
    }
    unbound
}
