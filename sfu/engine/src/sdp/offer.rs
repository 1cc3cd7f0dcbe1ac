//! We offer, the client answers: the subscriber connection of the dual mode.
//!
//! In: the subscriptions wanted, the client's answers. Out: offers, one at a time with rising ids, and what each answer
//! settled. The first section carries the data channels; then one per subscription. A section whose subscription ended is
//! offered inactive and, once that is answered, taken again for the next subscription of its kind, because m-lines never
//! go away.

use std::collections::{HashMap, HashSet};

use super::codecs::{self, SectionCodec};
use super::write::{self, Body, Media, Section, Sends, Session, Tuning};
use super::{
    BoundSubscription, Direction, Kind, LocalTransport, MAX_OFFERED_SECTIONS, RemoteDescription, RemoteSection,
    SdpError, Setup, WantedSubscription, extensions,
};
use crate::api::{Codec, DtlsRole, ExtensionIds, IceCredentials, MediaKind, SubscriptionId};

/// The data channels' section.
const DATA_MID: &str = "0";

const MEDIA_PROTO: &str = "UDP/TLS/RTP/SAVPF";
const DATA_PROTO: &str = "UDP/DTLS/SCTP";

/// An offer to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// From 1, rising.
    pub id: u32,
    pub sdp: String,
    /// mid → track, for `SessionDescription.mid_to_track_id`.
    pub mid_to_track_id: Vec<(String, String)>,
}

/// What a client's answer settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerOutcome {
    /// The same in every answer of a connection.
    pub role: DtlsRole,
    /// `Some`: ICE was restarted by our offer; these are our new credentials, in use from this answer on.
    pub restarted: Option<IceCredentials>,
    /// Every subscription that the client accepted, in the order of the sections. One that is no longer wanted is left
    /// out.
    pub subscriptions: Vec<BoundSubscription>,
    /// Offered and declined (the client takes none of their codecs), or beyond [`MAX_OFFERED_SECTIONS`]. Not offered again.
    pub refused: Vec<SubscriptionId>,
    pub send_extensions: ExtensionIds,
    /// What is wanted changed meanwhile: ask [`Offerer::negotiate_if_needed`] again.
    pub negotiate_again: bool,
}

#[derive(Clone, Debug)]
struct OfferedSection {
    mid: String,
    kind: MediaKind,
    subscription: Option<WantedSubscription>,
    /// As last offered; an inactive section keeps them.
    codecs: Vec<SectionCodec>,
    /// The client rejected the m-line: it stays at port 0.
    stopped: bool,
}

#[derive(Clone, Debug)]
struct OpenOffer {
    id: u32,
    restart: Option<IceCredentials>,
}

#[derive(Clone, Copy, Debug)]
struct Remote {
    role: DtlsRole,
    fingerprint: [u8; 32],
}

/// Makes the offers of one subscriber connection. At most one is open at a time.
#[derive(Clone, Debug)]
pub struct Offerer {
    local: LocalTransport,
    enabled: Vec<Codec>,
    wanted: Vec<WantedSubscription>,
    refused: HashSet<SubscriptionId>,
    sections: Vec<OfferedSection>,
    /// Credentials that the next offer brings.
    restart: Option<IceCredentials>,
    open: Option<OpenOffer>,
    last_id: u32,
    remote: Option<Remote>,
}

impl Offerer {
    pub fn new(local: LocalTransport, codecs: &[Codec]) -> Self {
        Self {
            local,
            enabled: codecs.to_vec(),
            wanted: Vec::new(),
            refused: HashSet::new(),
            sections: Vec::new(),
            restart: None,
            open: None,
            last_id: 0,
            remote: None,
        }
    }

    pub const fn local(&self) -> &LocalTransport {
        &self.local
    }

    /// Replaces what shall be delivered. Takes effect with the next offer.
    pub fn set_subscriptions(&mut self, wanted: &[WantedSubscription]) {
        let ids: HashSet<SubscriptionId> = wanted.iter().map(|wanted| wanted.id).collect();
        self.refused.retain(|id| ids.contains(id));
        self.wanted = wanted.to_vec();
    }

    /// The next offer carries these credentials.
    pub fn restart(&mut self, ice: IceCredentials) {
        self.restart = Some(ice);
    }

    /// The next offer, if something changed and none is open. The first one always has the data channels' section.
    pub fn negotiate_if_needed(&mut self) -> Option<Offer> {
        if self.open.is_some() {
            return None;
        }
        let changed = self.place();
        if self.last_id != 0 && !changed && self.restart.is_none() {
            return None;
        }
        self.last_id += 1;
        let restart = self.restart.take();
        if let Some(ice) = &restart {
            self.local.ice = ice.clone();
        }
        let id = self.last_id;
        self.open = Some(OpenOffer { id, restart });
        let carried = self.sections.iter().filter_map(|section| Some((section, section.subscription.as_ref()?)));
        let mid_to_track_id = carried.map(|(section, wanted)| (section.mid.clone(), wanted.track.clone())).collect();
        Some(Offer { id, sdp: self.write(), mid_to_track_id })
    }

    /// Takes the answer to the open offer. `id` 0 means the latest (Rust and Go clients send it).
    ///
    /// # Errors
    ///
    /// No offer is open, the id is another one's, or the answer does not fit the offer. The offer stays open then.
    pub fn handle_answer(&mut self, id: u32, answer: &RemoteDescription) -> Result<AnswerOutcome, SdpError> {
        let want = self.open.as_ref().map(|open| open.id);
        if want.is_none() || (id != 0 && Some(id) != want) {
            return Err(SdpError::UnexpectedAnswer { got: id, want });
        }
        let remote = self.check(answer)?;
        self.remote = Some(remote);
        let restarted = self.open.take().and_then(|open| open.restart);

        let still_wanted: HashSet<SubscriptionId> = self.wanted.iter().map(|wanted| wanted.id).collect();
        let mut ids = ExtensionIds::default();
        let mut subscriptions = Vec::new();
        let mut refused = Vec::new();
        for (section, theirs) in self.sections.iter_mut().zip(answer.sections.iter().skip(1)) {
            section.stopped |= theirs.rejected;
            extensions::taken(theirs, &mut ids);
            let Some(wanted) = &section.subscription else { continue };
            match bound(section, wanted, theirs) {
                Some(bound) if still_wanted.contains(&bound.id) => subscriptions.push(bound),
                Some(_) => {}
                None => {
                    refused.push(wanted.id);
                    section.subscription = None;
                }
            }
        }
        self.refused.extend(&refused);
        refused.extend(self.overflow());
        let negotiate_again = self.restart.is_some() || self.clone().place();
        let role = remote.role;
        Ok(AnswerOutcome { role, restarted, subscriptions, refused, send_extensions: ids, negotiate_again })
    }

    /// Whether the answer fits the open offer, and whose it is.
    fn check(&self, answer: &RemoteDescription) -> Result<Remote, SdpError> {
        let mids = std::iter::once(DATA_MID).chain(self.sections.iter().map(|section| section.mid.as_str()));
        let mut theirs = answer.sections.iter();
        for (index, mid) in mids.enumerate() {
            if theirs.next().is_none_or(|section| section.mid != mid) {
                return Err(SdpError::SectionMismatch(index));
            }
        }
        if theirs.next().is_some() {
            return Err(SdpError::SectionMismatch(self.sections.len() + 1));
        }
        if let Some(remote) = self.remote {
            if remote.fingerprint != answer.fingerprint {
                return Err(SdpError::FingerprintChanged);
            }
            return Ok(remote);
        }
        let role = match answer.setup {
            Setup::Active => DtlsRole::Server,
            Setup::Passive => DtlsRole::Client,
            Setup::ActPass => return Err(SdpError::UndecidedRole),
        };
        Ok(Remote { role, fingerprint: answer.fingerprint })
    }

    /// Gives every wanted subscription a section. `true`: something changed since the last offer.
    fn place(&mut self) -> bool {
        let refused = &self.refused;
        let wanted: HashMap<SubscriptionId, &WantedSubscription> = self
            .wanted
            .iter()
            .filter(|wanted| !refused.contains(&wanted.id))
            .map(|wanted| (wanted.id, wanted))
            .collect();
        let mut changed = false;
        let mut placed: HashSet<SubscriptionId> = HashSet::new();
        let mut vacant: Vec<usize> = Vec::new();
        for (index, section) in self.sections.iter_mut().enumerate() {
            let Some(current) = &section.subscription else {
                vacant.push(index);
                continue;
            };
            match wanted.get(&current.id) {
                Some(now) if !section.stopped && now.kind == section.kind && placed.insert(now.id) => {
                    if *now != current {
                        section.carry(now, &self.enabled);
                        changed = true;
                    }
                }
                _ => {
                    section.subscription = None;
                    changed = true;
                }
            }
        }
        for wanted in self.wanted.iter().filter(|wanted| !refused.contains(&wanted.id)) {
            if !placed.insert(wanted.id) {
                continue;
            }
            let reusable = vacant.iter().position(|index| {
                self.sections.get(*index).is_some_and(|section| section.kind == wanted.kind && !section.stopped)
            });
            if let Some(position) = reusable {
                let index = vacant.remove(position);
                if let Some(section) = self.sections.get_mut(index) {
                    section.carry(wanted, &self.enabled);
                }
            } else if self.sections.len() + 1 < MAX_OFFERED_SECTIONS {
                let mid = (self.sections.len() + 1).to_string();
                let mut section =
                    OfferedSection { mid, kind: wanted.kind, subscription: None, codecs: Vec::new(), stopped: false };
                section.carry(wanted, &self.enabled);
                self.sections.push(section);
            } else {
                continue;
            }
            changed = true;
        }
        changed
    }

    /// Wanted, but there is no m-line left for them.
    fn overflow(&self) -> Vec<SubscriptionId> {
        if self.sections.len() + 1 < MAX_OFFERED_SECTIONS {
            return Vec::new();
        }
        let carried: HashSet<SubscriptionId> =
            self.sections.iter().filter_map(|section| section.subscription.as_ref()).map(|wanted| wanted.id).collect();
        let left_out = self.wanted.iter().map(|wanted| wanted.id);
        left_out.filter(|id| !carried.contains(id) && !self.refused.contains(id)).collect()
    }

    fn write(&self) -> String {
        let data = Section { media: "application", proto: DATA_PROTO, mid: DATA_MID, body: Body::DataChannels };
        let media = self.sections.iter().map(|section| Section {
            media: match section.kind {
                MediaKind::Audio => "audio",
                MediaKind::Video => "video",
            },
            proto: MEDIA_PROTO,
            mid: &section.mid,
            body: section.body(),
        });
        let sections: Vec<Section<'_>> = std::iter::once(data).chain(media).collect();
        // Whoever answers `active` makes us the DTLS server, which is what we want; every browser does. Once the roles
        // are settled an offer still says `actpass` (RFC 8842 §5.2).
        let session = Session { local: &self.local, version: u64::from(self.last_id), setup: "actpass" };
        write::description(session, &sections)
    }
}

impl OfferedSection {
    fn carry(&mut self, wanted: &WantedSubscription, enabled: &[Codec]) {
        let codecs = codecs::offered(Kind::from(self.kind), enabled, &wanted.codecs);
        // A section must name some codec, even if the client will not get what it is sent.
        self.codecs = if codecs.is_empty() { codecs::offered(Kind::from(self.kind), enabled, &[]) } else { codecs };
        self.subscription = Some(wanted.clone());
    }

    fn body(&self) -> Body<'_> {
        if self.stopped || self.codecs.is_empty() {
            return Body::Declined { format: "0" };
        }
        let stereo = self.subscription.as_ref().is_some_and(|wanted| wanted.stereo);
        Body::Media(Media {
            direction: Direction::new(self.subscription.is_some(), false),
            codecs: &self.codecs,
            extensions: extensions::offered(Kind::from(self.kind)),
            rtcp_rsize: true,
            rids: &[],
            simulcast: false,
            tuning: Tuning { sprop_stereo: stereo, ..Tuning::default() },
            sends: self.subscription.as_ref().map(|wanted| Sends {
                stream: &wanted.stream,
                track: &wanted.track,
                ssrc: wanted.ssrc,
                rtx_ssrc: wanted.rtx_ssrc,
            }),
        })
    }
}

/// What the client takes of a subscription; `None`: nothing.
fn bound(section: &OfferedSection, wanted: &WantedSubscription, answer: &RemoteSection) -> Option<BoundSubscription> {
    if answer.rejected || !answer.direction.receives() {
        return None;
    }
    let taken = codecs::taken(&section.codecs, answer);
    let fitting = taken.iter().filter(|codec| wanted.codecs.is_empty() || wanted.codecs.contains(&codec.codec));
    let payload_types = codecs::one_per_codec(fitting);
    if payload_types.is_empty() {
        return None;
    }
    let rtx = wanted.rtx_ssrc.is_some() && payload_types.iter().any(|pt| pt.rtx_pt.is_some());
    Some(BoundSubscription { id: wanted.id, mid: section.mid.clone(), payload_types, rtx })
}

#[cfg(test)]
mod tests;
