//! What a room knows of one participant.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use sfu_engine::api::DataChannelKind;
use sfu_engine::api::PublicationId;
use sfu_engine::api::SubscriptionId;
use sfu_engine::api::TransportId;
use sfu_engine::sdp::Answerer;
use sfu_engine::sdp::BoundSubscription;
use sfu_engine::sdp::Offerer;
use sfu_engine::sdp::WantedSubscription;
use signaling_proto::proto;
use signaling_proto::proto::participant_info::State;
use signaling_proto::proto::signal_response::Message as Response;
use signaling_proto::token::Claims;
use tokio::time::Instant;

use super::quality::LinkQuality;
use super::track::PendingTrack;
use crate::signal::SessionSender;

/// A participant's session in this process. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ParticipantKey(pub(crate) u64);

/// The connection on which the client offers: the publisher's in dual mode, the only one in single mode.
pub(super) struct Answering {
    pub(super) transport: TransportId,
    pub(super) answerer: Answerer,
    /// The worker knows it: the first offer was answered.
    pub(super) opened: bool,
    pub(super) connected: bool,
    /// Single mode: subscriptions changed, and the client has to be asked for an offer, not before this moment.
    pub(super) ask_at: Option<Instant>,
    /// When it was last asked, until its offer comes.
    pub(super) asked_at: Option<Instant>,
    /// The answer to the offer of the join, as long as the client may not be ready for it.
    pub(super) held: Option<HeldAnswer>,
}

/// An answer that waits until its client is ready to hear it.
pub(super) struct HeldAnswer {
    pub(super) until: Instant,
    pub(super) messages: Vec<Response>,
}

impl Answering {
    /// What waited for the client to be ready, if anything did.
    pub(super) fn release(&mut self) -> Vec<Response> {
        self.held.take().map(|held| held.messages).unwrap_or_default()
    }
}

/// The subscriber connection of the dual mode, on which we offer.
pub(super) struct Offering {
    pub(super) transport: TransportId,
    pub(super) offerer: Offerer,
    pub(super) opened: bool,
    pub(super) connected: bool,
    /// Subscriptions changed: offer, not before this moment.
    pub(super) offer_at: Option<Instant>,
    /// When the open offer was sent.
    pub(super) offered_at: Option<Instant>,
}

/// What a participant asked for with respect to one publication, whether delivered or not.
#[derive(Clone, Debug)]
pub(super) struct TrackSettings {
    pub(super) disabled: bool,
    pub(super) quality: proto::VideoQuality,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) fps: u32,
}

impl Default for TrackSettings {
    fn default() -> Self {
        Self { disabled: false, quality: proto::VideoQuality::High, width: 0, height: 0, fps: 0 }
    }
}

/// A publication on its way to a participant.
pub(super) struct Subscription {
    pub(super) id: SubscriptionId,
    pub(super) wanted: WantedSubscription,
    pub(super) settings: TrackSettings,
    /// What was negotiated and told to the worker.
    pub(super) bound: Option<BoundSubscription>,
    /// The client takes none of its codecs.
    pub(super) unsupported: bool,
    /// What the worker last reported: the layer now sent.
    pub(super) quality: LinkQuality,
}

/// Whom a publisher lets subscribe.
#[derive(Clone, Debug, Default)]
pub(super) enum SubscriptionRule {
    #[default]
    Everybody,
    Listed(Vec<proto::TrackPermission>),
}

/// One participant's session.
pub(super) struct Participant {
    pub(super) key: ParticipantKey,
    pub(super) sid: String,
    pub(super) identity: String,
    pub(super) name: String,
    pub(super) metadata: String,
    pub(super) attributes: HashMap<String, String>,
    pub(super) kind: i32,
    pub(super) kind_details: Vec<i32>,
    pub(super) permission: proto::ParticipantPermission,
    /// Of the token that it joined with: what the refreshed ones carry on.
    pub(super) claims: Claims,
    pub(super) client: proto::ClientInfo,
    pub(super) auto_subscribe: bool,
    pub(super) state: State,
    pub(super) joined_at_ms: i64,
    pub(super) joined: Instant,
    /// Rises with each published snapshot.
    pub(super) version: u32,
    /// `None`: the socket is gone; the participant may come back until `signal_lost` is too long ago.
    pub(super) session: Option<SessionSender>,
    pub(super) signal_lost: Option<Instant>,
    /// A transport failed: the client was told to reconnect and is removed at this time.
    pub(super) remove_at: Option<Instant>,
    pub(super) answering: Answering,
    pub(super) offering: Option<Offering>,
    pub(super) pending: Vec<PendingTrack>,
    /// Announcements whose client id is still in use.
    pub(super) queued: Vec<proto::AddTrackRequest>,
    pub(super) publications: Vec<PublicationId>,
    pub(super) is_publisher: bool,
    pub(super) subscriptions: BTreeMap<PublicationId, Subscription>,
    /// Explicit choices; without one `auto_subscribe` decides.
    pub(super) chosen: HashMap<PublicationId, bool>,
    /// Wishes about layers, kept while a publication is not subscribed to.
    pub(super) settings: HashMap<PublicationId, TrackSettings>,
    /// Publications for which it was told that it may subscribe.
    pub(super) told_allowed: HashSet<PublicationId>,
    pub(super) rule: SubscriptionRule,
    /// `participant_joined` was sent.
    pub(super) reported: bool,
    pub(super) next_refresh: Instant,
    pub(super) last_reliable: u32,
    /// Channels that the client opened or that were opened to it.
    pub(super) channels: HashSet<DataChannelKind>,
    pub(super) quality: LinkQuality,
    /// What it was last told about whom.
    pub(super) told_quality: HashMap<ParticipantKey, proto::ConnectionQuality>,
}

impl Participant {
    /// Queues a message, if there is a socket to take it.
    pub(super) fn send(&self, message: Response) {
        if let Some(session) = &self.session {
            session.send(message);
        }
    }

    pub(super) const fn hidden(&self) -> bool {
        self.permission.hidden
    }

    /// Media can be sent to it.
    pub(super) const fn is_active(&self) -> bool {
        matches!(self.state, State::Active)
    }

    /// The transport on which it receives tracks and data.
    pub(super) fn receiving(&self) -> TransportId {
        self.offering.as_ref().map_or(self.answering.transport, |offering| offering.transport)
    }

    /// Whether that transport exists already.
    pub(super) fn is_receiving(&self) -> bool {
        self.offering.as_ref().map_or(self.answering.opened, |offering| offering.opened)
    }

    /// Its transport that decides whether it is ACTIVE.
    pub(super) fn primary(&self) -> TransportId {
        match &self.offering {
            Some(offering) if self.permission.can_subscribe => offering.transport,
            _ => self.answering.transport,
        }
    }

    pub(super) fn transports(&self) -> impl Iterator<Item = (TransportId, bool)> {
        let answering = (self.answering.transport, self.answering.opened);
        std::iter::once(answering).chain(self.offering.as_ref().map(|o| (o.transport, o.opened)))
    }

    /// What it wants on its receiving connection, in a stable order.
    pub(super) fn wanted(&self) -> Vec<WantedSubscription> {
        self.subscriptions.values().filter(|s| !s.unsupported).map(|s| s.wanted.clone()).collect()
    }

    /// Whether the publisher rule lets `identity`/`sid` have `track`.
    pub(super) fn allows(&self, subscriber: &Self, track: &str) -> bool {
        match &self.rule {
            SubscriptionRule::Everybody => true,
            SubscriptionRule::Listed(entries) => entries.iter().any(|entry| {
                let named = if entry.participant_identity.is_empty() {
                    entry.participant_sid == subscriber.sid
                } else {
                    entry.participant_identity == subscriber.identity
                };
                named && (entry.all_tracks || entry.track_sids.iter().any(|sid| sid == track))
            }),
        }
    }
}
