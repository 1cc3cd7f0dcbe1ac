//! The client offers, we answer.

use super::{
    BoundSubscription, LocalTransport, PendingPublication, RemoteDescription, SdpError, SectionsRequirement,
    WantedSubscription,
};
use crate::api::{
    Codec, DtlsRole, Encoding, ExtensionIds, IceCredentials, MediaKind, ReceiveParameters, SubscriptionId,
};

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
    pub remote_ufrag: String,
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

/// Answers the offers of one client connection.
#[derive(Clone, Debug)]
pub struct Answerer {
    local: LocalTransport,
}

impl Answerer {
    /// For the publisher connection of the dual mode: the client sends, we never do.
    pub fn publish_only(local: LocalTransport, codecs: &[Codec]) -> Self {
        let _ = codecs;
        Self { local }
    }

    /// For the single connection, on which each section has two independent directions.
    pub fn bidirectional(local: LocalTransport, codecs: &[Codec]) -> Self {
        let _ = codecs;
        Self { local }
    }

    pub fn local(&self) -> &LocalTransport {
        &self.local
    }

    /// Decided by the first answer.
    pub fn role(&self) -> Option<DtlsRole> {
        None
    }

    /// Answers an offer. Sections keep their order and mids; payload types and extension ids are the offer's.
    ///
    /// # Errors
    ///
    /// The offer contradicts what was negotiated before (fewer sections, another kind, another certificate). Nothing has
    /// changed then.
    pub fn answer(&mut self, offer: &RemoteDescription, input: AnswerInput<'_>) -> Result<Answer, SdpError> {
        let _ = (offer, input);
        Err(SdpError::Empty)
    }

    /// Matches a track that was announced after the offer that already carries it.
    pub fn match_publication(&mut self, pending: &PendingPublication) -> Option<NegotiatedPublication> {
        let _ = pending;
        None
    }

    /// `Some` when what is wanted differs from what the last answer bound, so that the client must offer again; the value
    /// is what it must add (often nothing). `None` before the first answer.
    pub fn requirement(&self, wanted: &[WantedSubscription]) -> Option<SectionsRequirement> {
        let _ = wanted;
        None
    }
}
