//! The client offers, we answer.
//!
//! In: an offer, the subscriptions to deliver, the publications announced. Out: the answer's text and what it settled. Each
//! answer is worked out on a copy of the state, which replaces it only at the end: an offer that cannot be answered
//! changes nothing.

use super::codecs::PayloadTable;
use super::sections::{Slot, Unbound, bind};
use super::write::{self, Body, Media, Section, Sends, Session, Tuning};
use super::{
    BoundSubscription, Direction, Kind, LocalTransport, PendingPublication, RemoteDescription, RemoteSection, SdpError,
    SectionsRequirement, Setup, WantedSubscription, layers,
};
use crate::api::{
    Codec, DtlsRole, Encoding, ExtensionIds, IceCredentials, MediaKind, PayloadType, ReceiveParameters, SubscriptionId,
};

mod publications;

/// What an answer depends on besides the offer.
#[derive(Clone, Copy, Debug)]
pub struct AnswerInput<'a> {
    /// Everything that shall be delivered on this connection; what is missing from it is released. Must be empty on a
    /// connection that only publishes.
    pub subscriptions: &'a [WantedSubscription],
    /// Announced tracks without a section, oldest first.
    pub publications: &'a [PendingPublication],
    /// Used (and then ours) only if the offer restarts ICE; always fresh.
    pub spare_ice: &'a IceCredentials,
}

/// A section on which the client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NegotiatedPublication {
    pub mid: String,
    /// Our id of the announced track it was matched with; `None` until it is announced
    /// ([`Answerer::match_publication`]).
    pub track: Option<String>,
    /// The track id of its `a=msid`: the client's `cid`, mostly.
    pub cid: String,
    pub kind: MediaKind,
    /// Lowest layer first, 1 to [`crate::api::MAX_LAYERS`].
    pub encodings: Vec<Encoding>,
    /// What the client may send, as answered, best first.
    pub codecs: Vec<Codec>,
}

/// A section on which the client stopped sending: the track was unpublished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedPublication {
    pub mid: String,
    /// `None`: it had never been announced.
    pub track: Option<String>,
}

/// What [`crate::api::Command::RestartIce`] needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceRestart {
    pub local: IceCredentials,
    pub remote_ice: IceCredentials,
}

/// An answer and what it means for the room and the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub sdp: String,
    /// The same in every answer of a connection.
    pub role: DtlsRole,
    /// `Some`: the offer restarted ICE, and the answer carries `spare_ice`.
    pub restart: Option<IceRestart>,
    pub receive: ReceiveParameters,
    pub send_extensions: ExtensionIds,
    /// Every section on which the client sends now, in the order of the sections.
    pub publications: Vec<NegotiatedPublication>,
    /// Sections whose publication this offer ended.
    pub ended: Vec<EndedPublication>,
    /// Every wanted subscription that has a section, in the order of the sections.
    pub subscriptions: Vec<BoundSubscription>,
    /// Wanted, but the client takes none of their codecs: more sections would not help.
    pub unsupported: Vec<SubscriptionId>,
    /// mid → track of every bound subscription, for `SessionDescription.mid_to_track_id`.
    pub mid_to_track_id: Vec<(String, String)>,
    /// `Some`: subscriptions are left without a section; what the client must add.
    pub missing: Option<SectionsRequirement>,
}

/// What the first offer fixed for the life of the connection.
#[derive(Clone, Debug)]
struct Remote {
    ice: IceCredentials,
    fingerprint: [u8; 32],
    role: DtlsRole,
}

/// Answers the offers of one client connection.
#[derive(Clone, Debug)]
pub struct Answerer {
    local: LocalTransport,
    enabled: Vec<Codec>,
    /// `false`: publisher connection of the dual mode.
    sends: bool,
    remote: Option<Remote>,
    /// Of the `o=` line.
    version: u64,
    slots: Vec<Slot>,
}

impl Answerer {
    /// For the publisher connection of the dual mode: the client sends, we never do.
    pub fn publish_only(local: LocalTransport, codecs: &[Codec]) -> Self {
        Self { local, enabled: codecs.to_vec(), sends: false, remote: None, version: 0, slots: Vec::new() }
    }

    /// For the single connection, on which each section has two independent directions.
    pub fn bidirectional(local: LocalTransport, codecs: &[Codec]) -> Self {
        Self { sends: true, ..Self::publish_only(local, codecs) }
    }

    pub const fn local(&self) -> &LocalTransport {
        &self.local
    }

    /// Decided by the first answer.
    pub fn role(&self) -> Option<DtlsRole> {
        self.remote.as_ref().map(|remote| remote.role)
    }

    /// Answers an offer. Sections keep their order and mids; payload types and extension ids are the offer's.
    ///
    /// # Errors
    ///
    /// The offer contradicts what was negotiated before (fewer sections, another kind, another certificate). Nothing has
    /// changed then.
    pub fn answer(&mut self, offer: &RemoteDescription, input: AnswerInput<'_>) -> Result<Answer, SdpError> {
        let mut next = self.clone();
        let restart = next.take_transport(offer, input.spare_ice)?;
        let ids = next.take_sections(offer)?;
        let ended = next.take_publications(offer, input.publications);
        let wanted = if next.sends { input.subscriptions } else { &[] };
        let Unbound { unsupported, missing } = bind(&mut next.slots, wanted);
        next.version += 1;

        let sdp = next.write(offer, wanted);
        let answer = Answer {
            sdp,
            role: next.role().unwrap_or(DtlsRole::Server),
            restart,
            receive: ReceiveParameters { extensions: ids, payload_types: next.payload_types() },
            send_extensions: ids,
            publications: next.slots.iter().filter_map(|slot| slot.publication.clone()).collect(),
            ended,
            subscriptions: next.bound(wanted).map(|(slot, wanted)| slot.bound_subscription(wanted)).collect(),
            unsupported,
            mid_to_track_id: next.bound(wanted).map(|(s, w)| (s.mid.clone(), w.track.clone())).collect(),
            missing: (!missing.is_zero()).then_some(missing),
        };
        *self = next;
        Ok(answer)
    }

    /// Matches a track that was announced after the offer that already carries it.
    pub fn match_publication(&mut self, pending: &PendingPublication) -> Option<NegotiatedPublication> {
        publications::match_late(&mut self.slots, pending)
    }

    /// `Some` when what is wanted differs from what the last answer bound, so that the client must offer again; the value
    /// is what it must add (often nothing). `None` before the first answer.
    pub fn requirement(&self, wanted: &[WantedSubscription]) -> Option<SectionsRequirement> {
        if self.remote.is_none() || !self.sends {
            return None;
        }
        let mut slots = self.slots.clone();
        let Unbound { missing, .. } = bind(&mut slots, wanted);
        let changed = slots.iter().zip(&self.slots).any(|(new, old)| new.bound != old.bound);
        (changed || !missing.is_zero()).then_some(missing)
    }

    /// Role, certificate and ICE credentials of the offer.
    fn take_transport(
        &mut self,
        offer: &RemoteDescription,
        spare_ice: &IceCredentials,
    ) -> Result<Option<IceRestart>, SdpError> {
        let Some(remote) = &mut self.remote else {
            let role = if offer.setup == Setup::Passive { DtlsRole::Client } else { DtlsRole::Server };
            self.remote = Some(Remote { ice: offer.ice.clone(), fingerprint: offer.fingerprint, role });
            return Ok(None);
        };
        if remote.fingerprint != offer.fingerprint {
            return Err(SdpError::FingerprintChanged);
        }
        if remote.ice == offer.ice {
            return Ok(None);
        }
        remote.ice = offer.ice.clone();
        self.local.ice = spare_ice.clone();
        Ok(Some(IceRestart { local: spare_ice.clone(), remote_ice: offer.ice.clone() }))
    }

    /// Sections, payload types and extensions of the offer. An m-line keeps its mid and kind, unless it was stopped and
    /// is recycled (RFC 8829 §5.2.2).
    fn take_sections(&mut self, offer: &RemoteDescription) -> Result<ExtensionIds, SdpError> {
        if offer.sections.len() < self.slots.len() {
            return Err(SdpError::SectionsRemoved { before: self.slots.len(), now: offer.sections.len() });
        }
        let mut table = PayloadTable::default();
        let mut ids = ExtensionIds::default();
        for (index, section) in offer.sections.iter().enumerate() {
            match self.slots.get_mut(index) {
                None => self.slots.push(Slot::new(section)),
                Some(slot) if slot.mid == section.mid && slot.kind == section.kind => {}
                Some(slot) if !slot.usable && slot.publication.is_none() => *slot = Slot::new(section),
                Some(_) => return Err(SdpError::SectionMismatch(index)),
            }
            if let Some(slot) = self.slots.get_mut(index) {
                slot.refresh(section, &self.enabled, &mut table, &mut ids);
            }
        }
        Ok(ids)
    }

    fn take_publications(
        &mut self,
        offer: &RemoteDescription,
        pending: &[PendingPublication],
    ) -> Vec<EndedPublication> {
        publications::negotiate(&mut self.slots, &offer.sections, pending)
    }

    /// Every payload type of the bundle that we take, each once.
    fn payload_types(&self) -> Vec<PayloadType> {
        let mut all: Vec<PayloadType> = Vec::new();
        for codec in self.slots.iter().flat_map(|slot| &slot.codecs) {
            if !all.iter().any(|known| known.pt == codec.pt) {
                all.push(codec.payload_type());
            }
        }
        all
    }

    fn bound<'a>(
        &'a self,
        wanted: &'a [WantedSubscription],
    ) -> impl Iterator<Item = (&'a Slot, &'a WantedSubscription)> {
        self.slots.iter().filter_map(move |slot| {
            let id = slot.bound?;
            wanted.iter().find(|wanted| wanted.id == id).map(|wanted| (slot, wanted))
        })
    }

    fn write(&self, offer: &RemoteDescription, wanted: &[WantedSubscription]) -> String {
        let setup = match self.role() {
            Some(DtlsRole::Client) => "active",
            _ => "passive",
        };
        let sections: Vec<Section<'_>> = self
            .slots
            .iter()
            .zip(&offer.sections)
            .map(|(slot, section)| Section {
                media: &section.media,
                proto: &section.proto,
                mid: &slot.mid,
                body: self.body(slot, section, wanted),
            })
            .collect();
        write::description(Session { local: &self.local, version: self.version, setup }, &sections)
    }

    fn body<'a>(&self, slot: &'a Slot, section: &'a RemoteSection, wanted: &'a [WantedSubscription]) -> Body<'a> {
        if !slot.usable {
            return Body::Declined { format: section.formats.first().map_or("0", String::as_str) };
        }
        if slot.kind == Kind::Application {
            return Body::DataChannels;
        }
        let subscription = slot.bound.and_then(|id| wanted.iter().find(|wanted| wanted.id == id));
        // A section that never carried anything is answered as one that may yet send; a released one is not.
        let used_up = slot.bound_ever || (slot.published_ever && slot.publication.is_none());
        let sends = self.sends && slot.receives && (subscription.is_some() || !used_up);
        let tuning =
            Tuning { sprop_stereo: subscription.is_some_and(|subscription| subscription.stereo), ..slot.tuning };
        Body::Media(Media {
            direction: Direction::new(sends, section.direction.sends()),
            codecs: &slot.codecs,
            extensions: &slot.extensions,
            rtcp_rsize: section.rtcp_rsize,
            rids: layers::accepted_rids(section),
            simulcast: section.simulcast,
            tuning,
            sends: subscription.map(|subscription| Sends {
                stream: &subscription.stream,
                track: &subscription.track,
                ssrc: subscription.ssrc,
                rtx_ssrc: subscription.rtx_ssrc,
            }),
        })
    }
}

#[cfg(test)]
mod tests;
