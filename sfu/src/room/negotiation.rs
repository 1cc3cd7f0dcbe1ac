//! Offers, answers and the transports that they describe.
//!
//! In single mode and on the publisher connection the client offers and every offer is answered at once. On the
//! subscriber connection of the dual mode we offer, one offer at a time. A client whose description cannot be used is
//! told to reconnect: it would otherwise wait for media that never comes.

use std::time::Duration;

use sfu_engine::api::Command;
use sfu_engine::api::DtlsRole;
use sfu_engine::api::IceCredentials;
use sfu_engine::api::TransportId;
use sfu_engine::api::TransportSpec;
use sfu_engine::sdp::Answer;
use sfu_engine::sdp::AnswerInput;
use sfu_engine::sdp::AnswerOutcome;
use sfu_engine::sdp::Candidate;
use sfu_engine::sdp::LocalTransport;
use sfu_engine::sdp::RemoteDescription;
use sfu_engine::sdp::SdpError;
use signaling_proto::proto;
use signaling_proto::proto::leave_request::Action;
use signaling_proto::proto::signal_response::Message as Response;
use tokio::time::Instant;

use super::Room;
use super::joining::leave;
use super::participant::HeldAnswer;
use super::participant::Participant;
use super::participant::ParticipantKey;
use crate::worker::WorkerHandle;

/// How long changes of subscriptions are collected before a negotiation: a camera and a microphone come together.
pub(super) const DEBOUNCE: Duration = Duration::from_millis(10);

/// A client that does not answer an offer, or does not offer when asked, within this time is asked again or given up.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
const ASK_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a client has to reconnect after it was told to.
pub(super) const RECONNECT_TIME: Duration = Duration::from_secs(5);

/// Characters of `ufrag` and `pwd`: RFC 8445 wants 24 and 128 random bits at least.
const UFRAG_CHARS: usize = 16;
const PWD_CHARS: usize = 32;

/// How long the answer to a Go client's join waits for its first candidate. That client hears answers before it has
/// set the offer it joined with, and then never connects; it gathers once it has.
const HOLD_TIME: Duration = Duration::from_millis(100);

/// Fresh ICE credentials.
fn ice_credentials() -> IceCredentials {
    use rand::RngExt;
    let text = |chars| rand::rng().sample_iter(rand::distr::Alphanumeric).take(chars).map(char::from).collect();
    IceCredentials { ufrag: text(UFRAG_CHARS), pwd: text(PWD_CHARS) }
}

/// Our side of a new transport on a worker.
pub(super) fn local_transport(worker: &WorkerHandle) -> LocalTransport {
    let candidate = |address: &std::net::SocketAddr| Candidate { ip: address.ip(), port: address.port(), tcp: false };
    LocalTransport {
        ice: ice_credentials(),
        fingerprint: worker.fingerprint().to_owned(),
        candidates: worker.candidates().iter().map(candidate).collect(),
        session_id: rand::random::<u64>() >> 1,
    }
}

struct NewTransport {
    transport: TransportId,
    local: IceCredentials,
    role: DtlsRole,
    open_data_channels: bool,
}

impl Room {
    /// Subscriptions of a participant changed; its connection is to be negotiated, not before `at`.
    pub(super) fn mark_negotiation(&mut self, key: ParticipantKey, at: Instant) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let slot = match &mut participant.offering {
            Some(offering) => &mut offering.offer_at,
            None => &mut participant.answering.ask_at,
        };
        *slot = Some(slot.map_or(at, |known| known.min(at)));
        self.negotiating.insert(key);
    }

    /// When a negotiation is due.
    pub(super) fn negotiation_deadline(&self) -> Option<Instant> {
        let due = |participant: &Participant| match &participant.offering {
            Some(offering) if offering.offered_at.is_some() => None,
            Some(offering) => offering.offer_at,
            None => participant.answering.held.as_ref().map(|held| held.until).or(participant.answering.ask_at),
        };
        self.negotiating.iter().filter_map(|key| self.participants.get(key).and_then(due)).min()
    }

    pub(super) fn flush_negotiations(&mut self, now: Instant) {
        for key in std::mem::take(&mut self.negotiating) {
            let Some(participant) = self.participants.get_mut(&key) else { continue };
            if participant.remove_at.is_some() {
                continue;
            }
            let waits = if participant.offering.is_some() {
                offer_if_due(participant, now)
            } else {
                ask_for_offer_if_due(participant, now)
            };
            if waits {
                self.negotiating.insert(key);
            }
        }
    }

    /// The client's offer, on the publisher connection or the single one.
    pub(super) fn handle_offer(&mut self, key: ParticipantKey, offer: &proto::SessionDescription) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let wanted = if participant.offering.is_none() { participant.wanted() } else { Vec::new() };
        let pending: Vec<_> = participant.pending.iter().map(|track| track.pending.clone()).collect();
        let spare = ice_credentials();
        let input = AnswerInput { subscriptions: &wanted, publications: &pending, spare_ice: &spare };
        let answered = RemoteDescription::parse(&offer.sdp)
            .and_then(|remote| participant.answering.answerer.answer(&remote, input).map(|answer| (remote, answer)));
        let (remote, answer) = match answered {
            Ok(answered) => answered,
            Err(error) => return self.refuse_description(key, &error),
        };
        participant.answering.ask_at = None;
        participant.answering.asked_at = answer.missing.map(|_| Instant::now());
        let mut messages = vec![Response::Answer(proto::SessionDescription {
            r#type: "answer".to_owned(),
            sdp: answer.sdp.clone(),
            id: offer.id,
            mid_to_track_id: answer.mid_to_track_id.iter().cloned().collect(),
        })];
        messages.extend(answer.missing.map(|missing| {
            Response::MediaSectionsRequirement(proto::MediaSectionsRequirement {
                num_audios: missing.audio,
                num_videos: missing.video,
            })
        }));
        if joins_too_early(participant) {
            participant.answering.held = Some(HeldAnswer { until: Instant::now() + HOLD_TIME, messages });
            self.negotiating.insert(key);
        } else {
            messages.into_iter().for_each(|message| participant.send(message));
        }
        self.apply_answer(key, &remote, &answer);
    }

    /// The client is ready to hear the answer to the offer it joined with.
    pub(super) fn release_answer(&mut self, key: ParticipantKey) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        for message in participant.answering.release() {
            participant.send(message);
        }
    }

    fn apply_answer(&mut self, key: ParticipantKey, remote: &RemoteDescription, answer: &Answer) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let transport = participant.answering.transport;
        if !participant.answering.opened {
            participant.answering.opened = true;
            let local = participant.answering.answerer.local().ice.clone();
            self.open_transport(
                remote,
                NewTransport { transport, local, role: answer.role, open_data_channels: false },
            );
        } else if let Some(restart) = &answer.restart {
            self.worker.send(Command::RestartIce {
                transport,
                local: restart.local.clone(),
                remote_ice: restart.remote_ice.clone(),
            });
        }
        self.worker.send(Command::SetReceive { transport, receive: answer.receive.clone() });
        self.worker.send(Command::SetSendExtensions { transport, extensions: answer.send_extensions });
        self.apply_publications(key, &answer.publications, &answer.ended);
        if self.participants.get(&key).is_some_and(|participant| participant.offering.is_none()) {
            self.apply_subscriptions(key, &answer.subscriptions, &answer.unsupported);
        }
    }

    /// The client's answer on the subscriber connection.
    pub(super) fn handle_answer(&mut self, key: ParticipantKey, answer: &proto::SessionDescription) {
        let Some(offering) = self.participants.get_mut(&key).and_then(|participant| participant.offering.as_mut())
        else {
            return;
        };
        let settled = RemoteDescription::parse(&answer.sdp)
            .and_then(|remote| offering.offerer.handle_answer(answer.id, &remote).map(|outcome| (remote, outcome)));
        let (remote, outcome) = match settled {
            Ok(settled) => settled,
            // A late answer to an offer that is settled already does no harm.
            Err(SdpError::UnexpectedAnswer { .. }) => return,
            Err(error) => return self.refuse_description(key, &error),
        };
        offering.offered_at = None;
        self.apply_outcome(key, &remote, &outcome);
    }

    fn apply_outcome(&mut self, key: ParticipantKey, remote: &RemoteDescription, outcome: &AnswerOutcome) {
        let Some(offering) = self.participants.get_mut(&key).and_then(|participant| participant.offering.as_mut())
        else {
            return;
        };
        let transport = offering.transport;
        if !offering.opened {
            offering.opened = true;
            let local = offering.offerer.local().ice.clone();
            self.open_transport(
                remote,
                NewTransport { transport, local, role: outcome.role, open_data_channels: true },
            );
        } else if let Some(local) = &outcome.restarted {
            let remote_ice = remote.ice.clone();
            self.worker.send(Command::RestartIce { transport, local: local.clone(), remote_ice });
        }
        self.worker.send(Command::SetSendExtensions { transport, extensions: outcome.send_extensions });
        self.apply_subscriptions(key, &outcome.subscriptions, &outcome.refused);
        if outcome.negotiate_again {
            self.mark_negotiation(key, Instant::now());
        }
    }

    fn open_transport(&self, remote: &RemoteDescription, new: NewTransport) {
        self.worker.send(Command::OpenTransport(TransportSpec {
            id: new.transport,
            room: self.id,
            local: new.local,
            remote_ice: remote.ice.clone(),
            remote_fingerprint: remote.fingerprint,
            role: new.role,
            open_data_channels: new.open_data_channels,
        }));
    }

    fn refuse_description(&mut self, key: ParticipantKey, error: &SdpError) {
        metrics::counter!("plenum_descriptions_refused_total").increment(1);
        tracing::debug!(%error, "a session description was refused");
        self.ask_to_reconnect(key, proto::DisconnectReason::StateMismatch);
    }

    /// Tells a client to start over, and removes what is left of it a little later.
    pub(super) fn ask_to_reconnect(&mut self, key: ParticipantKey, reason: proto::DisconnectReason) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        if participant.remove_at.is_some() {
            return;
        }
        participant.remove_at = Some(Instant::now() + RECONNECT_TIME);
        participant.send(Response::Leave(leave(reason, Action::Reconnect)));
    }

    /// Negotiations that got stuck.
    pub(super) fn check_negotiations(&mut self, now: Instant) {
        let mut stuck = Vec::new();
        for participant in self.participants.values_mut() {
            let late = |since: Option<Instant>, limit| since.is_some_and(|since| now.duration_since(since) > limit);
            if participant.offering.as_ref().is_some_and(|offering| late(offering.offered_at, ANSWER_TIMEOUT)) {
                stuck.push(participant.key);
            } else if late(participant.answering.asked_at, ASK_TIMEOUT) {
                participant.answering.asked_at = None;
                participant.answering.ask_at = Some(now);
                self.negotiating.insert(participant.key);
            }
        }
        for key in stuck {
            self.ask_to_reconnect(key, proto::DisconnectReason::StateMismatch);
        }
    }
}

/// Sends the next offer of the subscriber connection. `true`: something still waits.
fn offer_if_due(participant: &mut Participant, now: Instant) -> bool {
    let wanted = participant.wanted();
    let Some(offering) = &mut participant.offering else { return false };
    let Some(at) = offering.offer_at else { return false };
    if at > now || offering.offered_at.is_some() {
        return true;
    }
    offering.offer_at = None;
    offering.offerer.set_subscriptions(&wanted);
    let Some(offer) = offering.offerer.negotiate_if_needed() else { return false };
    offering.offered_at = Some(now);
    participant.send(Response::Offer(proto::SessionDescription {
        r#type: "offer".to_owned(),
        sdp: offer.sdp,
        id: offer.id,
        mid_to_track_id: offer.mid_to_track_id.into_iter().collect(),
    }));
    false
}

/// Whether this is the offer of a join by a client that is not ready for an answer yet.
fn joins_too_early(participant: &Participant) -> bool {
    participant.offering.is_none()
        && !participant.answering.opened
        && participant.client.sdk() == proto::client_info::Sdk::Go
}

/// Single mode: only the client can offer, so it is asked to. `true`: something still waits.
fn ask_for_offer_if_due(participant: &mut Participant, now: Instant) -> bool {
    if let Some(held) = &participant.answering.held {
        if held.until > now {
            return true;
        }
        for message in participant.answering.release() {
            participant.send(message);
        }
    }
    let wanted = participant.wanted();
    let answering = &mut participant.answering;
    let Some(at) = answering.ask_at else { return false };
    if at > now {
        return true;
    }
    answering.ask_at = None;
    // Asked already: the offer that comes is answered with everything that is wanted by then.
    if answering.asked_at.is_some() {
        return false;
    }
    let Some(missing) = answering.answerer.requirement(&wanted) else { return false };
    answering.asked_at = Some(now);
    participant.send(Response::MediaSectionsRequirement(proto::MediaSectionsRequirement {
        num_audios: missing.audio,
        num_videos: missing.video,
    }));
    false
}
