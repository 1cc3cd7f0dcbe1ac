//! What happens by time alone: handshakes, feedback, reports, keyframe requests, layers gone quiet, speakers, figures.

use std::time::{Duration, Instant};

use super::Engine;
use super::state::{PublicationKey, TransportKey, TransportSlot};
use super::wheel::Tick;
use crate::api::{
    Event, LayerStats, MAX_LAYERS, PublicationStats, RoomId, SPEAKER_INTERVAL, STATS_INTERVAL, SpeakerLevel,
    TransportId, TransportStats,
};

/// Congestion feedback to publishers goes out this long after the first packet that it reports; libwebrtc's own interval
/// lies between 50 and 250 ms.
pub(super) const TWCC_INTERVAL: Duration = Duration::from_millis(50);

/// Sender and receiver reports.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// The first sender report of a subscription follows its first packet by this.
pub(super) const FIRST_REPORT_DELAY: Duration = Duration::from_millis(20);

/// A simulcast layer without packets for this long counts as stopped. Browsers pause layers for bandwidth; their frames
/// come at least every 500 ms even for a still picture at low rates.
const LAYER_TIMEOUT: Duration = Duration::from_millis(1_500);

/// How often keyframe requests and quiet layers are looked at while a transport publishes.
const PUBLICATION_CHECK: Duration = Duration::from_millis(100);

/// Who waits in the wheel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiter {
    Transport(TransportId),
    Room(RoomId),
}

impl Engine {
    pub(super) fn run_timers(&mut self, now: Instant) {
        while let Some((tick, waiters)) = self.wheel.turn(now) {
            for waiter in &waiters {
                match *waiter {
                    Waiter::Transport(id) => self.transport_due(now, tick, id),
                    Waiter::Room(id) => self.room_due(now, tick, id),
                }
            }
            self.wheel.recycle(waiters);
        }
    }

    fn transport_due(&mut self, now: Instant, tick: Tick, id: TransportId) {
        let Some(key) = self.transports.key(id) else { return };
        let Some(slot) = self.transports.get_mut(key) else { return };
        if slot.waits_for != tick {
            return;
        }
        slot.waits_for = 0;
        if slot.transport.poll_timeout().is_some_and(|at| at <= now) {
            slot.transport.handle_timeout(now);
            self.drain_transport(key);
        }
        self.send_due_feedback(now, key);
        self.arm_transport(key);
    }

    fn send_due_feedback(&mut self, now: Instant, key: TransportKey) {
        let Some(slot) = self.transports.get_mut(key) else { return };
        if slot.due.twcc.is_some_and(|at| at <= now) {
            slot.due.twcc = None;
            self.send_transport_feedback(key);
        }
        let Some(slot) = self.transports.get_mut(key) else { return };
        if slot.due.nack.is_some_and(|at| at <= now) {
            slot.due.nack = None;
            self.send_nacks(now, key);
        }
        let Some(slot) = self.transports.get_mut(key) else { return };
        if slot.due.publications.is_some_and(|at| at <= now) {
            slot.due.publications = Some(now + PUBLICATION_CHECK);
            self.check_publications(now, key);
        }
        let Some(slot) = self.transports.get_mut(key) else { return };
        if slot.due.reports <= now {
            slot.due.reports = now + REPORT_INTERVAL;
            self.send_reports(now, key);
        }
        let Some(slot) = self.transports.get_mut(key) else { return };
        if slot.due.stats <= now {
            slot.due.stats = now + STATS_INTERVAL;
            self.report_stats(key);
        }
    }

    /// Repeats keyframe requests that were not answered, and notices layers that stopped.
    fn check_publications(&mut self, now: Instant, key: TransportKey) {
        let Some(slot) = self.transports.get(key) else { return };
        for index in 0..slot.publications.len() {
            let Some(publication) = self.transports.get(key).and_then(|slot| slot.publications.get(index).copied())
            else {
                return;
            };
            self.send_keyframe_requests(now, publication);
            self.expire_layers(now, publication);
        }
    }

    fn expire_layers(&mut self, now: Instant, key: PublicationKey) {
        let Some(publication) = self.publications.get_mut(key) else { return };
        let before = publication.active;
        for (bit, layer) in publication.layers.iter().enumerate() {
            if layer.last_packet.is_none_or(|at| now.saturating_duration_since(at) > LAYER_TIMEOUT) {
                publication.active &= !(1 << bit);
            }
        }
        if publication.active != before {
            self.layers_changed(key);
        }
    }

    /// Turns what subscriptions want into requests to publishers, merged per layer.
    pub(super) fn ask_for_keyframes(&mut self, now: Instant) {
        while let Some(key) = self.wants_keyframe.pop() {
            let Some(publication) = self.publications.get_mut(key) else { continue };
            publication.wants_keyframe = false;
            for subscription in &publication.subscriptions {
                let Some(subscription) = self.subscriptions.get(*subscription) else { continue };
                let ready =
                    self.transports.get(subscription.transport).is_some_and(|slot| slot.transport.srtp().is_some());
                if ready && let Some(layer) = subscription.forwarder.wants_keyframe() {
                    publication.keyframes.request(layer);
                }
            }
            let transport = publication.transport;
            self.send_keyframe_requests(now, key);
            if let Some(slot) = self.transports.get_mut(transport)
                && slot.due.publications.is_none()
            {
                slot.due.publications = Some(now + PUBLICATION_CHECK);
            }
            self.arm_transport(transport);
        }
    }

    /// Starts the regular look at who speaks, once a room has sound.
    pub(super) fn arm_speakers(&mut self, id: RoomId, now: Instant) {
        if let Some(room) = self.rooms.get_mut(&id)
            && room.speakers_at.is_none()
        {
            let at = now + SPEAKER_INTERVAL;
            room.speakers_at = Some(at);
            self.wheel.arm(Waiter::Room(id), at, &mut room.waits_for);
        }
    }

    fn room_due(&mut self, now: Instant, tick: Tick, id: RoomId) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        if room.waits_for != tick {
            return;
        }
        room.waits_for = 0;
        room.speakers_at = None;
        let mut levels = Vec::new();
        for key in &room.audio {
            let Some(publication) = self.publications.get_mut(*key) else { continue };
            if let Some(level) = publication.level.judge() {
                levels.push(SpeakerLevel { publication: publication.id, level });
            }
        }
        levels.sort_by(|a, b| b.level.total_cmp(&a.level));
        let (was_audible, has_audio) = (room.audible, !room.audio.is_empty());
        room.audible = !levels.is_empty();
        if was_audible || !levels.is_empty() {
            self.emit(id, Event::Speakers { levels });
        }
        if has_audio {
            self.arm_speakers(id, now);
        }
    }

    fn report_stats(&mut self, key: TransportKey) {
        let Some(slot) = self.transports.get_mut(key) else { return };
        let mut publications = Vec::with_capacity(slot.publications.len());
        for publication_key in &slot.publications {
            let Some(publication) = self.publications.get(*publication_key) else { continue };
            let mut layers = [LayerStats::default(); MAX_LAYERS];
            for (bit, (stats, layer)) in layers.iter_mut().zip(&publication.layers).enumerate() {
                let stream = layer.ssrc.and_then(|ssrc| slot.streams.iter_mut().find(|stream| stream.ssrc == ssrc));
                if let Some(stream) = stream {
                    *stats = stream.inbound.take_stats(publication.active & (1 << bit) != 0);
                }
            }
            publications.push(PublicationStats { id: publication.id, layers });
        }
        let mut subscriptions = Vec::with_capacity(slot.subscriptions.len());
        for subscription in &slot.subscriptions {
            let Some(subscription) = self.subscriptions.get_mut(*subscription) else { continue };
            subscriptions.push(subscription.forwarder.take_stats(subscription.id));
        }
        let (room, rtt, transport) = (slot.room, slot.rtt, slot.id);
        self.emit(room, Event::Stats(TransportStats { transport, rtt, publications, subscriptions }));
    }
}

impl TransportSlot {
    /// The earliest of everything that has to happen by time.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let due = &self.due;
        [self.transport.poll_timeout(), due.twcc, due.nack, due.publications, Some(due.reports), Some(due.stats)]
            .into_iter()
            .flatten()
            .min()
    }
}
