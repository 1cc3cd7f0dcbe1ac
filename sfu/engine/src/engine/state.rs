//! What one transport, publication, subscription and room consist of while they are open.

use std::collections::HashMap;
use std::time::Instant;

use super::wheel::Tick;
use crate::api::{
    Encoding, ExtensionIds, MAX_LAYERS, MediaKind, PayloadType, PublicationId, ReceiveParameters, RoomId,
    SubscriptionId, TransportId,
};
use crate::forward::{Forwarder, PliThrottle};
use crate::route::Key;
use crate::rtp::audio_level::SpeakerMeter;
use crate::rtp::cache::{CacheLimits, PacketCache};
use crate::rtp::extension::{ExtensionTable, Extensions};
use crate::rtp::receive::InboundStream;
use crate::rtp::sender_report::LayerClocks;
use crate::rtp::twcc::TwccRecorder;
use crate::run::RunBuffer;
use crate::transport::{IndexEstimator, Transport};

pub(super) type TransportKey = Key<TransportSlot>;
pub(super) type PublicationKey = Key<PublicationSlot>;
pub(super) type SubscriptionKey = Key<SubscriptionSlot>;

/// Streams (SSRCs) that one transport may send us: some tens of tracks with three layers and their repair streams.
pub(super) const MAX_STREAMS: usize = 256;

/// One peer connection of a participant.
pub(super) struct TransportSlot {
    pub(super) id: TransportId,
    pub(super) room: RoomId,
    pub(super) transport: Transport,
    pub(super) receive: ReceiveTable,
    /// What leaves may carry these.
    pub(super) send_extensions: ExtensionIds,
    pub(super) streams: Vec<Stream>,
    /// Position in `streams` of the last packet's stream: most packets come in bursts of one.
    pub(super) last_stream: usize,
    pub(super) publications: Vec<PublicationKey>,
    pub(super) subscriptions: Vec<SubscriptionKey>,
    /// Which subscription a receiver's feedback means, by media or repair SSRC.
    pub(super) by_outbound_ssrc: HashMap<u32, SubscriptionKey>,
    pub(super) run: RunBuffer,
    pub(super) twcc: TwccRecorder,
    pub(super) dirty: bool,
    pub(super) waits_for: Tick,
    pub(super) due: Due,
    pub(super) rtt: Option<std::time::Duration>,
}

/// When the periodic duties of a transport are due.
pub(super) struct Due {
    /// Congestion feedback; `None` while no packet waits to be reported.
    pub(super) twcc: Option<Instant>,
    pub(super) reports: Instant,
    pub(super) stats: Instant,
    /// Missing packets are to be asked for.
    pub(super) nack: Option<Instant>,
    /// Keyframe requests and layers are to be looked at; `None` while nothing is published.
    pub(super) publications: Option<Instant>,
}

/// The payload types and extension ids of the last negotiation, payload types by number.
pub(super) struct ReceiveTable {
    pub(super) extensions: ExtensionTable,
    payload_types: Vec<PayloadType>,
    /// Payload type number → 1 + position in `payload_types`, with the top bit set where it is a repair payload type.
    by_number: [u8; 128],
}

const REPAIR: u8 = 0x80;

impl ReceiveTable {
    pub(super) fn new(receive: ReceiveParameters) -> Self {
        let mut by_number = [0; 128];
        let mut payload_types = receive.payload_types;
        payload_types.truncate(usize::from(REPAIR) - 1);
        for (entry, payload_type) in (1u8..).zip(&payload_types) {
            if let Some(slot) = by_number.get_mut(usize::from(payload_type.pt)) {
                *slot = entry;
            }
            if let Some(slot) = payload_type.rtx_pt.and_then(|pt| by_number.get_mut(usize::from(pt))) {
                *slot = entry | REPAIR;
            }
        }
        Self { extensions: ExtensionTable::new(&receive.extensions), payload_types, by_number }
    }

    /// The payload type with this number, and whether the number is that of its repair stream.
    pub(super) fn find(&self, number: u8) -> Option<(PayloadType, bool)> {
        let entry = *self.by_number.get(usize::from(number))?;
        let position = usize::from(entry & !REPAIR).checked_sub(1)?;
        Some((*self.payload_types.get(position)?, entry & REPAIR != 0))
    }
}

/// One SSRC that a transport sends us.
pub(super) struct Stream {
    pub(super) ssrc: u32,
    pub(super) index: IndexEstimator,
    pub(super) role: StreamRole,
    pub(super) inbound: InboundStream,
}

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamRole {
    Media {
        publication: PublicationKey,
        layer: u8,
    },
    Repair {
        publication: PublicationKey,
        layer: u8,
    },
    /// Its publication ended. The estimator is kept: should the SSRC come back, its rollover counter goes on.
    Unbound,
}

/// A track offered to a room.
pub(super) struct PublicationSlot {
    pub(super) id: PublicationId,
    pub(super) room: RoomId,
    pub(super) transport: TransportKey,
    pub(super) kind: MediaKind,
    pub(super) mid: String,
    pub(super) encodings: Vec<Encoding>,
    pub(super) payload_type: Option<PayloadType>,
    pub(super) muted: bool,
    pub(super) subscriptions: Vec<SubscriptionKey>,
    pub(super) layers: [LayerState; MAX_LAYERS],
    pub(super) keyframes: PliThrottle,
    /// Bit *n*: packets of layer *n* arrive.
    pub(super) active: u8,
    pub(super) level: SpeakerMeter,
    pub(super) clocks: LayerClocks,
    pub(super) started: bool,
    /// It stands in the engine's list of publications to ask for a keyframe.
    pub(super) wants_keyframe: bool,
}

impl PublicationSlot {
    /// The layer that a stream belongs to: by its SSRC in the SDP, by MID and RID, or by MID alone where there is one
    /// encoding.
    pub(super) fn layer_of(&self, ssrc: u32, extensions: &Extensions<'_>, repair: bool) -> Option<u8> {
        let announced = self.encodings.iter().position(|e| if repair { e.rtx_ssrc } else { e.ssrc } == Some(ssrc));
        let position = announced.or_else(|| {
            if extensions.mid? != self.mid.as_bytes() {
                return None;
            }
            let rid = if repair { extensions.repaired_rid.or(extensions.rid) } else { extensions.rid };
            match rid {
                Some(rid) => self.encodings.iter().position(|e| e.rid.as_deref().is_some_and(|r| r.as_bytes() == rid)),
                None => (self.encodings.len() == 1).then_some(0),
            }
        });
        position.and_then(|position| u8::try_from(position).ok())
    }

    /// Whether a stream that names neither MID nor RID may be this publication's: one encoding, not announced by SSRC,
    /// and none bound.
    pub(super) fn takes_anonymous_stream(&self) -> bool {
        matches!(self.encodings.as_slice(), [only] if only.rid.is_none() && only.ssrc.is_none())
            && self.layers.iter().all(|layer| layer.ssrc.is_none())
    }
}

impl StreamRole {
    pub(super) fn publication(self) -> Option<PublicationKey> {
        match self {
            Self::Media { publication, .. } | Self::Repair { publication, .. } => Some(publication),
            Self::Unbound => None,
        }
    }
}

/// One encoding of a publication.
pub(super) struct LayerState {
    /// The stream that carries it, once a packet came.
    pub(super) ssrc: Option<u32>,
    pub(super) last_packet: Option<Instant>,
    pub(super) cache: PacketCache,
}

/// A publication delivered to one participant.
pub(super) struct SubscriptionSlot {
    pub(super) id: SubscriptionId,
    pub(super) transport: TransportKey,
    pub(super) publication: PublicationKey,
    pub(super) forwarder: Forwarder,
}

/// What the engine keeps per room.
pub(super) struct RoomSlot {
    pub(super) transports: usize,
    pub(super) audio: Vec<PublicationKey>,
    pub(super) waits_for: Tick,
    pub(super) speakers_at: Option<Instant>,
    /// Somebody was audible in the last report.
    pub(super) audible: bool,
}

impl RoomSlot {
    pub(super) const fn new() -> Self {
        Self { transports: 0, audio: Vec::new(), waits_for: 0, speakers_at: None, audible: false }
    }
}

impl LayerState {
    pub(super) const fn new(limits: CacheLimits) -> Self {
        Self { ssrc: None, last_packet: None, cache: PacketCache::new(limits) }
    }
}
