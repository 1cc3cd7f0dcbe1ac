//! We offer, the client answers.

use super::{BoundSubscription, LocalTransport, RemoteDescription, SdpError, WantedSubscription};
use crate::api::{Codec, DtlsRole, ExtensionIds, IceCredentials, SubscriptionId};

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
    /// Offered and declined: the client takes none of their codecs.
    pub refused: Vec<SubscriptionId>,
    pub send_extensions: ExtensionIds,
    /// What is wanted changed meanwhile: ask [`Offerer::negotiate_if_needed`] again.
    pub negotiate_again: bool,
}

/// Makes the offers of one subscriber connection. At most one is open at a time.
#[derive(Clone, Debug)]
pub struct Offerer {
    local: LocalTransport,
}

impl Offerer {
    pub fn new(local: LocalTransport, codecs: &[Codec]) -> Self {
        let _ = codecs;
        Self { local }
    }

    pub fn local(&self) -> &LocalTransport {
        &self.local
    }

    /// Replaces what shall be delivered. Takes effect with the next offer.
    pub fn set_subscriptions(&mut self, wanted: &[WantedSubscription]) {
        let _ = wanted;
    }

    /// The next offer carries these credentials.
    pub fn restart(&mut self, ice: IceCredentials) {
        self.local.ice = ice;
    }

    /// The next offer, if something changed and none is open. The first one always has the data channels' section.
    pub fn negotiate_if_needed(&mut self) -> Option<Offer> {
        None
    }

    /// Takes the answer to the open offer. `id` 0 means the latest (Rust and Go clients send it).
    ///
    /// # Errors
    ///
    /// No offer is open, the id is another one's, or the answer does not fit the offer. The offer stays open then.
    pub fn handle_answer(&mut self, id: u32, answer: &RemoteDescription) -> Result<AnswerOutcome, SdpError> {
        let _ = (id, answer);
        Err(SdpError::Empty)
    }
}
