//! Telling everybody who is here: snapshots of participants and of the room.
//!
//! A snapshot is whole (clients unpublish what is missing from it) and its version rises. Small rooms hear of a change at
//! once; in large ones changes of people who do not publish are collected, because n people who join cause n² messages.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use signaling_proto::proto;
use signaling_proto::proto::signal_response::Message as Response;
use tokio::time::Instant;

use super::Room;
use super::participant::Participant;
use super::participant::ParticipantKey;
use crate::signal::Outbound;

/// Up to this size every change is told at once.
const SMALL_ROOM: usize = 50;

/// How long changes are collected in larger rooms.
const COALESCE: Duration = Duration::from_millis(500);

/// How long changes of the room's counts are collected.
const ROOM_COALESCE: Duration = Duration::from_secs(1);

/// What changed and is not told yet.
#[derive(Default)]
pub(super) struct Updates {
    changed: BTreeMap<ParticipantKey, Instant>,
    departed: Vec<proto::ParticipantInfo>,
    room: Option<Instant>,
    /// What others read about the room without asking it is out of date.
    summary_stale: bool,
    /// The room as last broadcast.
    announced: Option<proto::Room>,
}

impl Updates {
    pub(super) fn departed(&mut self, info: proto::ParticipantInfo) {
        self.departed.push(info);
    }

    pub(super) fn forget(&mut self, key: ParticipantKey) {
        self.changed.remove(&key);
    }

    /// When something is due at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let participants = self.changed.values().min().map(|since| *since + COALESCE);
        participants.into_iter().chain(self.room).min()
    }
}

impl Room {
    /// The participant's snapshot changed.
    pub(super) fn mark_participant(&mut self, key: ParticipantKey) {
        self.updates.changed.entry(key).or_insert_with(Instant::now);
        self.mark_room();
    }

    /// Counts may have changed: told soon.
    pub(super) fn mark_room(&mut self) {
        self.updates.room.get_or_insert_with(|| Instant::now() + ROOM_COALESCE);
        self.updates.summary_stale = true;
    }

    /// The room's metadata changed: told at once.
    pub(super) fn mark_room_now(&mut self) {
        self.updates.room = Some(Instant::now());
        self.updates.summary_stale = true;
    }

    pub(super) fn participant_info(&self, participant: &Participant) -> proto::ParticipantInfo {
        let tracks = participant.publications.iter().filter_map(|id| self.publications.get(id));
        proto::ParticipantInfo {
            sid: participant.sid.clone(),
            identity: participant.identity.clone(),
            state: participant.state as i32,
            tracks: tracks.map(|publication| publication.info.clone()).collect(),
            metadata: participant.metadata.clone(),
            joined_at: participant.joined_at_ms / 1_000,
            joined_at_ms: participant.joined_at_ms,
            name: participant.name.clone(),
            version: participant.version,
            permission: Some(participant.permission.clone()),
            region: self.shared.config.region.clone(),
            is_publisher: participant.is_publisher,
            kind: participant.kind,
            kind_details: participant.kind_details.clone(),
            attributes: participant.attributes.clone(),
            client_protocol: participant.client.client_protocol,
            capabilities: participant.client.capabilities.clone(),
            ..proto::ParticipantInfo::default()
        }
    }

    pub(super) fn flush_participant_updates(&mut self, now: Instant) {
        if self.updates.changed.is_empty() && self.updates.departed.is_empty() {
            return;
        }
        let small = self.participants.len() <= SMALL_ROOM;
        let due: Vec<ParticipantKey> = self
            .updates
            .changed
            .iter()
            .filter(|(key, since)| {
                let publishes = self.participants.get(key).is_some_and(|p| p.is_publisher);
                small || publishes || now.duration_since(**since) >= COALESCE
            })
            .map(|(key, _)| *key)
            .collect();
        let mut shown = std::mem::take(&mut self.updates.departed);
        let mut hidden = Vec::new();
        for key in due {
            self.updates.changed.remove(&key);
            let Some(participant) = self.participants.get_mut(&key) else { continue };
            participant.version += 1;
            let Some(participant) = self.participant(key) else { continue };
            let info = self.participant_info(participant);
            if participant.hidden() {
                hidden.push((key, info));
            } else {
                shown.push(info);
            }
        }
        for (key, info) in hidden {
            if let Some(participant) = self.participant(key) {
                participant.send(Response::Update(proto::ParticipantUpdate { participants: vec![info] }));
            }
        }
        if !shown.is_empty() {
            self.broadcast(Response::Update(proto::ParticipantUpdate { participants: shown }));
        }
    }

    pub(super) fn flush_room_update(&mut self, now: Instant) {
        let due = self.updates.room.is_some_and(|due| due <= now);
        if !due && !self.updates.summary_stale {
            return;
        }
        let snapshot = self.room_snapshot();
        if std::mem::take(&mut self.updates.summary_stale) {
            self.summary.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&snapshot);
        }
        if !due {
            return;
        }
        self.updates.room = None;
        if self.updates.announced.as_ref() != Some(&snapshot) {
            self.broadcast(Response::RoomUpdate(proto::RoomUpdate { room: Some(snapshot.clone()) }));
            self.updates.announced = Some(snapshot);
        }
    }

    /// One message to everybody, serialized once.
    pub(super) fn broadcast(&self, message: Response) {
        let message = Outbound::new(message);
        for session in self.participants.values().filter_map(|p| p.session.as_ref()) {
            session.send_shared(&message);
        }
    }
}
