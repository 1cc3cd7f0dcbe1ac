//! A room: one task that owns the truth about who is in it, who publishes, who subscribes and who may.
//!
//! In: requests of its participants' sessions, calls of the server API, events of its media worker, time. Out: signaling
//! messages, commands to the worker, webhooks. Everything happens on one task, one message after the other, so that no
//! lock guards a rule. Handlers change state and mark what changed; [`Room::flush`] then tells everybody at once.
//!
//! - [`joining`]: in and out; [`requests`]: a client's message → the handler.
//! - [`negotiation`]: descriptions, transports; [`publishing`] and [`track`]; [`subscribing`].
//! - [`updates`], [`speakers`], [`quality`], [`dynacast`], [`data`], [`permissions`]; [`admin`]: the server API's part.

#![allow(deprecated, reason = "older clients still read and write the deprecated fields of the protocol")]

mod admin;
mod data;
mod dynacast;
mod events;
mod joining;
mod negotiation;
mod participant;
mod permissions;
mod publishing;
mod quality;
mod reports;
mod requests;
mod speakers;
mod subscribing;
mod timers;
mod track;
mod updates;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use sfu_engine::api::Event;
use sfu_engine::api::PublicationId;
use sfu_engine::api::RoomId;
use sfu_engine::api::SubscriptionId;
use sfu_engine::api::TransportId;
use signaling_proto::proto;
use signaling_proto::proto::signal_request::Message as Request;
use signaling_proto::webhook::event;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::node::Shared;
use crate::worker::WorkerHandle;

pub(crate) use admin::AdminError;
pub(crate) use joining::JoinRequest;
pub(crate) use joining::Joined;
pub(crate) use joining::leave;
pub(crate) use participant::ParticipantKey;

use participant::Participant;
use track::Publication;

/// Messages that may wait for a room. Sessions wait when it is full; the server API does too.
const MAILBOX_CAPACITY: usize = 1_024;

/// Worker events that may wait for a room; beyond it the worker drops and counts them.
const EVENT_CAPACITY: usize = 4_096;

/// Events handled before sessions get their turn again.
const EVENTS_PER_TURN: usize = 64;

/// What reaches a room's task.
pub(crate) enum RoomMessage {
    /// A client's request.
    Signal { participant: ParticipantKey, request: Box<Request> },
    /// The client's socket is gone.
    SessionEnded { participant: ParticipantKey },
    /// Runs on the room's task; for joins and the server API.
    Call(Box<dyn FnOnce(&mut Room) + Send>),
}

/// How others reach a room.
#[derive(Clone)]
pub(crate) struct RoomHandle {
    pub(crate) name: Arc<str>,
    pub(crate) sid: Arc<str>,
    pub(crate) mailbox: mpsc::Sender<RoomMessage>,
    /// The room as last announced: what ListRooms answers without waking anybody.
    summary: Arc<Mutex<proto::Room>>,
}

impl RoomHandle {
    /// Runs `call` on the room's task. `None`: the room has ended.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Room) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let run = Box::new(move |room: &mut Room| {
            let _ = reply.send(call(room));
        });
        self.mailbox.send(RoomMessage::Call(run)).await.ok()?;
        answer.await.ok()
    }

    pub(crate) fn summary(&self) -> proto::Room {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How a room is to be opened.
#[derive(Clone, Debug, Default)]
pub(crate) struct RoomSettings {
    pub(crate) name: String,
    pub(crate) metadata: String,
    pub(crate) max_participants: u32,
    /// `None`: the node's default.
    pub(crate) empty_timeout: Option<Duration>,
    pub(crate) departure_timeout: Option<Duration>,
}

/// The state of one room. Only its own task touches it.
pub(crate) struct Room {
    shared: Arc<Shared>,
    id: RoomId,
    worker: WorkerHandle,
    /// What clients and the server API see, without the counts.
    info: proto::Room,
    name: Arc<str>,
    sid: Arc<str>,
    /// Sent to clients so that they can tell frames that a server made; we make none.
    sif_trailer: Vec<u8>,
    summary: Arc<Mutex<proto::Room>>,
    participants: BTreeMap<ParticipantKey, Participant>,
    publications: BTreeMap<PublicationId, Publication>,
    transports: HashMap<TransportId, ParticipantKey>,
    subscriptions: HashMap<SubscriptionId, (ParticipantKey, PublicationId)>,
    /// Participants whose connection is to be negotiated.
    negotiating: BTreeSet<ParticipantKey>,
    /// Publications of which other qualities may be wanted now.
    dynacast: BTreeSet<PublicationId>,
    updates: updates::Updates,
    speakers: speakers::Speakers,
    /// When the room became empty, or was opened.
    empty_since: Instant,
    ever_joined: bool,
    /// Set once the room is to end.
    closing: Option<proto::RoomEndReason>,
    next_tick: Instant,
    next_quality: Instant,
}

/// Opens a room and starts its task.
pub(crate) fn open(shared: &Arc<Shared>, settings: RoomSettings) -> RoomHandle {
    let (mailbox, messages) = mpsc::channel(MAILBOX_CAPACITY);
    let (event_sender, events) = mpsc::channel(EVENT_CAPACITY);
    let id = RoomId(shared.next_id());
    let worker = shared.least_loaded_worker();
    worker.open_room(id, event_sender);
    let info = reports::room_info(settings, &shared.config);
    let name: Arc<str> = info.name.as_str().into();
    let sid: Arc<str> = info.sid.as_str().into();
    let summary = Arc::new(Mutex::new(info.clone()));
    let now = Instant::now();
    let room = Room {
        shared: Arc::clone(shared),
        id,
        worker,
        info,
        name: Arc::clone(&name),
        sid: Arc::clone(&sid),
        sif_trailer: rand::random::<[u8; 32]>().to_vec(),
        summary: Arc::clone(&summary),
        participants: BTreeMap::new(),
        publications: BTreeMap::new(),
        transports: HashMap::new(),
        subscriptions: HashMap::new(),
        negotiating: BTreeSet::new(),
        dynacast: BTreeSet::new(),
        updates: updates::Updates::default(),
        speakers: speakers::Speakers::default(),
        empty_since: now,
        ever_joined: false,
        closing: None,
        next_tick: now + timers::TICK,
        next_quality: now + quality::INTERVAL,
    };
    room.report_room(event::ROOM_STARTED);
    shared.spawn(room.run(messages, events));
    RoomHandle { name, sid, mailbox, summary }
}

impl Room {
    async fn run(mut self, mut messages: mpsc::Receiver<RoomMessage>, mut events: mpsc::Receiver<Event>) {
        let mut batch = Vec::with_capacity(EVENTS_PER_TURN);
        while self.closing.is_none() {
            let wake = self.next_deadline();
            tokio::select! {
                message = messages.recv() => match message {
                    Some(message) => self.handle_message(message),
                    // Every handle is gone: the node forgot this room.
                    None => self.closing = Some(proto::RoomEndReason::RoomEndUnknown),
                },
                count = events.recv_many(&mut batch, EVENTS_PER_TURN) => {
                    if count == 0 {
                        self.closing = Some(proto::RoomEndReason::RoomEndUnknown);
                    }
                    for event in batch.drain(..) {
                        self.handle_event(event);
                    }
                }
                () = tokio::time::sleep_until(wake) => {}
            }
            self.handle_timeout(Instant::now());
            self.flush(Instant::now());
        }
        self.end();
    }

    fn handle_message(&mut self, message: RoomMessage) {
        match message {
            RoomMessage::Signal { participant, request } => self.handle_request(participant, *request),
            RoomMessage::SessionEnded { participant } => self.handle_session_ended(participant),
            RoomMessage::Call(call) => call(self),
        }
    }

    /// Tells everybody what the handlers changed.
    fn flush(&mut self, now: Instant) {
        self.flush_negotiations(now);
        self.flush_participant_updates(now);
        self.flush_room_update(now);
        self.flush_dynacast(now);
    }

    /// The room is over: nobody finds it any more, everybody still in it is told.
    fn end(&mut self) {
        self.shared.forget_room(&self.name, &self.sid);
        let reason = match self.closing {
            Some(proto::RoomEndReason::RoomEndServerShutdown) => proto::DisconnectReason::ServerShutdown,
            Some(proto::RoomEndReason::RoomEndApiDelete) => proto::DisconnectReason::RoomDeleted,
            _ => proto::DisconnectReason::RoomClosed,
        };
        for key in self.participants.keys().copied().collect::<Vec<_>>() {
            self.remove_participant(key, reason, true);
        }
        self.worker.close_room(self.id);
        self.report_room_finished();
    }

    fn participant(&self, key: ParticipantKey) -> Option<&Participant> {
        self.participants.get(&key)
    }

    fn find_by_identity(&self, identity: &str) -> Option<ParticipantKey> {
        self.participants.values().find(|p| p.identity == identity).map(|p| p.key)
    }

    fn find_track(&self, sid: &str) -> Option<PublicationId> {
        self.publications.values().find(|p| p.info.sid == sid).map(|p| p.id)
    }
}
