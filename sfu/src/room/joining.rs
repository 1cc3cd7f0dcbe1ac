//! Into the room and out of it.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use sfu_engine::api::Command;
use sfu_engine::sdp::Answerer;
use sfu_engine::sdp::DEFAULT_CODECS;
use sfu_engine::sdp::Offerer;
use signaling_proto::error::JoinRefusal;
use signaling_proto::ids;
use signaling_proto::limits;
use signaling_proto::proto;
use signaling_proto::proto::participant_info::State;
use signaling_proto::proto::signal_response::Message as Response;
use signaling_proto::token::Claims;
use signaling_proto::webhook::event;
use tokio::time::Instant;

use super::Room;
use super::negotiation::local_transport;
use super::participant::Answering;
use super::participant::Offering;
use super::participant::Participant;
use super::participant::ParticipantKey;
use super::participant::SubscriptionRule;
use super::quality::LinkQuality;
use super::reports::enabled_publish_codecs;
use super::reports::unix_ms;
use crate::signal::SessionReceiver;
use crate::signal::session;

/// A join whose token was checked.
#[derive(Clone, Debug)]
pub(crate) struct JoinRequest {
    pub(crate) claims: Claims,
    pub(crate) client: proto::ClientInfo,
    pub(crate) auto_subscribe: bool,
    /// One peer connection (`/rtc/v1`) instead of two.
    pub(crate) single: bool,
    /// Taken only from those who may update their own metadata.
    pub(crate) metadata: String,
    pub(crate) attributes: HashMap<String, String>,
    pub(crate) add_tracks: Vec<proto::AddTrackRequest>,
    pub(crate) offer: Option<proto::SessionDescription>,
}

/// What a join gives back: the first messages wait in the session already.
pub(crate) struct Joined {
    pub(crate) participant: ParticipantKey,
    pub(crate) session: SessionReceiver,
}

impl Room {
    /// Whether `identity` may join now.
    pub(crate) fn admits(&self, identity: &str) -> Result<(), JoinRefusal> {
        let most = self.shared.config.limits.participants_per_room as u32;
        let limit = match self.info.max_participants {
            0 => most,
            own => own.min(most),
        };
        let others = self.participants.values().filter(|p| p.identity != identity).count();
        if others >= limit as usize { Err(JoinRefusal::RoomFull { limit }) } else { Ok(()) }
    }

    /// Lets somebody in. Whoever had the same identity is out.
    pub(crate) fn join(&mut self, request: JoinRequest) -> Result<Joined, JoinRefusal> {
        let identity = request.claims.identity().to_owned();
        self.admits(&identity)?;
        if let Some(old) = self.find_by_identity(&identity) {
            // The newcomer's own snapshot replaces the old one on the other screens; a DISCONNECTED in between would blink.
            self.remove_participant(old, proto::DisconnectReason::DuplicateIdentity, false);
        }
        let key = ParticipantKey(self.shared.next_id());
        let (sender, receiver) = session();
        let single = request.single;
        let (add_tracks, offer) = (request.add_tracks.clone(), request.offer.clone());
        let mut participant = self.new_participant(key, identity, request)?;
        participant.session = Some(sender);
        self.shared.seen_expiry(&self.name, participant.claims.exp.unwrap_or(0));
        self.ever_joined = true;
        participant.send(Response::Join(self.join_response(&participant, !single)));
        participant.state = State::Joined;
        for (transport, _) in participant.transports() {
            self.transports.insert(transport, key);
        }
        self.participants.insert(key, participant);
        metrics::counter!("plenum_joins_total").increment(1);
        self.refresh_token(key);
        self.mark_participant(key);
        self.reconcile_subscriptions_of(key);
        for track in add_tracks.into_iter().take(limits::JOIN_TRACKS) {
            self.handle_add_track(key, track);
        }
        if let Some(offer) = offer {
            self.handle_offer(key, &offer);
        }
        if !single {
            self.mark_negotiation(key, Instant::now());
        }
        Ok(Joined { participant: key, session: receiver })
    }

    fn new_participant(
        &self,
        key: ParticipantKey,
        identity: String,
        request: JoinRequest,
    ) -> Result<Participant, JoinRefusal> {
        let JoinRequest { claims, client, auto_subscribe, single, metadata, attributes, .. } = request;
        let grant = claims.join_grant()?;
        let permission = grant.permission();
        let now = Instant::now();
        let mut own_attributes: HashMap<String, String> = claims.attributes.clone().into_iter().collect();
        let mut own_metadata = claims.metadata.clone();
        if permission.can_update_metadata {
            own_attributes.extend(attributes.into_iter().filter(|(_, value)| !value.is_empty()));
            if !metadata.is_empty() {
                own_metadata = metadata;
            }
        }
        let answerer = if single { Answerer::bidirectional } else { Answerer::publish_only };
        let answering = Answering {
            transport: self.shared.next_transport(),
            answerer: answerer(local_transport(&self.worker), &DEFAULT_CODECS),
            opened: false,
            connected: false,
            ask_at: None,
            asked_at: None,
            held: None,
        };
        let offering = (!single).then(|| Offering {
            transport: self.shared.next_transport(),
            offerer: Offerer::new(local_transport(&self.worker), &DEFAULT_CODECS),
            opened: false,
            connected: false,
            offer_at: None,
            offered_at: None,
        });
        Ok(Participant {
            key,
            sid: ids::participant_sid(),
            identity,
            name: claims.name.clone(),
            metadata: own_metadata,
            attributes: own_attributes,
            kind: claims.participant_kind() as i32,
            kind_details: claims.participant_kind_details().into_iter().map(|detail| detail as i32).collect(),
            permission,
            claims,
            client,
            auto_subscribe,
            state: State::Joining,
            joined_at_ms: unix_ms(),
            joined: now,
            version: 0,
            session: None,
            signal_lost: None,
            remove_at: None,
            answering,
            offering,
            pending: Vec::new(),
            queued: Vec::new(),
            publications: Vec::new(),
            is_publisher: false,
            subscriptions: BTreeMap::new(),
            chosen: HashMap::new(),
            settings: HashMap::new(),
            told_allowed: HashSet::new(),
            rule: SubscriptionRule::default(),
            reported: false,
            next_refresh: now + limits::REFRESH_TOKEN_INTERVAL,
            last_reliable: 0,
            channels: HashSet::new(),
            quality: LinkQuality::default(),
            told_quality: HashMap::new(),
        })
    }

    fn join_response(&self, participant: &Participant, dual: bool) -> proto::JoinResponse {
        let config = &self.shared.config;
        proto::JoinResponse {
            room: Some(self.room_snapshot()),
            participant: Some(self.participant_info(participant)),
            other_participants: self
                .participants
                .values()
                .filter(|other| !other.hidden() && other.key != participant.key)
                .map(|other| self.participant_info(other))
                .collect(),
            server_version: ids::SERVER_VERSION.to_owned(),
            server_region: config.region.clone(),
            subscriber_primary: dual && participant.permission.can_subscribe,
            ping_timeout: limits::PING_TIMEOUT.as_secs() as i32,
            ping_interval: limits::PING_INTERVAL.as_secs() as i32,
            server_info: Some(ids::server_info(&config.node_id, &config.region)),
            sif_trailer: self.sif_trailer.clone(),
            enabled_publish_codecs: enabled_publish_codecs(),
            fast_publish: participant.permission.can_publish,
            ..proto::JoinResponse::default()
        }
    }

    /// The client's socket is gone. Its media may still flow, and it may come back under the same identity, so the
    /// participant stays for a while.
    pub(super) fn handle_session_ended(&mut self, key: ParticipantKey) {
        if let Some(participant) = self.participants.get_mut(&key)
            && participant.session.take().is_some()
        {
            participant.signal_lost = Some(Instant::now());
        }
    }

    /// Takes a participant out: transports, publications, subscriptions. `broadcast`: the others are told that it left.
    pub(super) fn remove_participant(&mut self, key: ParticipantKey, reason: proto::DisconnectReason, broadcast: bool) {
        let Some(mut participant) = self.participants.remove(&key) else { return };
        participant.send(Response::Leave(leave(reason, proto::leave_request::Action::Disconnect)));
        // Dropping the sender closes the socket once the Leave is out.
        participant.session = None;
        for publication in std::mem::take(&mut participant.publications) {
            self.end_publication(publication, &participant);
        }
        for subscription in participant.subscriptions.values() {
            self.subscriptions.remove(&subscription.id);
        }
        for (publication, _) in std::mem::take(&mut participant.subscriptions) {
            self.mark_dynacast(publication);
        }
        for (transport, opened) in participant.transports() {
            self.transports.remove(&transport);
            if opened {
                self.worker.send(Command::CloseTransport { transport });
            }
        }
        participant.state = State::Disconnected;
        participant.version += 1;
        let mut info = self.participant_info(&participant);
        info.disconnect_reason = reason as i32;
        info.tracks.clear();
        if broadcast && !participant.hidden() {
            self.updates.departed(info.clone());
        }
        self.updates.forget(key);
        self.speakers.forget(key);
        self.mark_room();
        // Who never had media never joined, as far as others are told.
        let left = if participant.reported { event::PARTICIPANT_LEFT } else { event::PARTICIPANT_CONNECTION_ABORTED };
        self.report_participant(left, info);
        if self.participants.is_empty() {
            self.empty_since = Instant::now();
        }
    }

    /// Pushes a fresh token, so that a reconnect works when the first one has expired.
    pub(super) fn refresh_token(&mut self, key: ParticipantKey) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let now = signaling_proto::unix_now();
        let exp = now + limits::REFRESH_TOKEN_TTL.as_secs();
        let mut claims = participant.claims.clone();
        claims.sub.clone_from(&participant.identity);
        claims.name.clone_from(&participant.name);
        claims.metadata.clone_from(&participant.metadata);
        claims.attributes = participant.attributes.clone().into_iter().collect();
        claims.iat = Some(now);
        claims.nbf = Some(now);
        claims.exp = Some(exp);
        if let Some(grant) = &mut claims.video {
            grant.apply_permission(&participant.permission);
        }
        participant.next_refresh = Instant::now() + limits::REFRESH_TOKEN_INTERVAL;
        let Some(secret) = self.shared.keys.secret(&claims.iss) else { return };
        match signaling_proto::token::sign(&claims, &claims.iss, secret) {
            Ok(token) => {
                participant.send(Response::RefreshToken(token));
                self.shared.seen_expiry(&self.name, exp);
            }
            Err(error) => tracing::error!(%error, "a refreshed token could not be signed"),
        }
    }
}

/// A Leave that old clients (`can_reconnect`) and new ones (`action`) read alike.
pub(crate) fn leave(reason: proto::DisconnectReason, action: proto::leave_request::Action) -> proto::LeaveRequest {
    proto::LeaveRequest {
        can_reconnect: action != proto::leave_request::Action::Disconnect,
        reason: reason as i32,
        action: action as i32,
        regions: None,
    }
}
