//! The room's commands: the only place where transports, publications and subscriptions come and go.

use std::time::Instant;

use super::Engine;
use super::state::{
    Due, LayerState, PublicationKey, PublicationSlot, ReceiveTable, RoomSlot, StreamRole, SubscriptionKey,
    SubscriptionSlot, TransportKey, TransportSlot,
};
use super::timers::{REPORT_INTERVAL, Waiter};
use crate::api::{
    Command, DropReason, ExtensionIds, LayerTarget, MAX_LAYERS, MediaKind, PublicationId, PublicationSpec,
    ReceiveParameters, RoomId, STATS_INTERVAL, SubscriptionId, SubscriptionSpec, TransportId, TransportSpec,
};
use crate::forward::{Forwarder, ForwarderParams, PliThrottle};
use crate::rtp::audio_level::SpeakerMeter;
use crate::rtp::cache::CacheLimits;
use crate::rtp::sender_report::LayerClocks;
use crate::rtp::twcc::TwccRecorder;
use crate::run::RunBuffer;
use crate::transport::Transport;

impl Engine {
    pub(super) fn apply(&mut self, now: Instant, command: Command) -> Result<(), DropReason> {
        match command {
            Command::OpenTransport(spec) => self.open_transport(now, spec),
            Command::RestartIce { transport, local, remote_ice } => {
                let key = self.transport_key(transport)?;
                let slot = self.transports.get_mut(key).ok_or(DropReason::StaleCommand)?;
                self.by_ufrag.insert(local.ufrag.clone(), key);
                slot.transport.restart_ice(now, local, remote_ice).map_err(|_| DropReason::StaleCommand)?;
                self.drain_transport(key);
                Ok(())
            }
            Command::SetReceive { transport, receive } => self.set_receive(transport, receive),
            Command::SetSendExtensions { transport, extensions } => self.set_send_extensions(transport, extensions),
            Command::CloseTransport { transport } => {
                let key = self.transport_key(transport)?;
                if let Some(slot) = self.transports.get_mut(key) {
                    slot.transport.close(now);
                }
                self.remove_transport(transport);
                Ok(())
            }
            Command::Publish(spec) => self.publish(spec),
            Command::Unpublish { publication } => {
                self.remove_publication(publication).map(drop).ok_or(DropReason::StaleCommand)
            }
            Command::SetMuted { publication, muted } => self.set_muted(publication, muted),
            Command::Subscribe(spec) => self.subscribe(spec),
            Command::Unsubscribe { subscription } => {
                self.remove_subscription(subscription).map(drop).ok_or(DropReason::StaleCommand)
            }
            Command::SetTarget { subscription, target } => self.set_target(subscription, target),
            Command::SendData { to, channel, payload } => {
                let mut result = Ok(());
                for id in to.iter() {
                    let Some(key) = self.transports.key(*id) else {
                        result = Err(DropReason::StaleCommand);
                        continue;
                    };
                    if let Some(slot) = self.transports.get_mut(key)
                        && let Err(reason) = slot.transport.send_data(now, channel, payload.clone())
                    {
                        self.count_drop(reason);
                    }
                    self.drain_transport(key);
                }
                result
            }
            Command::RequestKeyframe { publication } => {
                let key = self.publications.key(publication).ok_or(DropReason::StaleCommand)?;
                let slot = self.publications.get_mut(key).ok_or(DropReason::StaleCommand)?;
                for layer in 0..MAX_LAYERS as u8 {
                    slot.keyframes.request(layer);
                }
                self.note_wants_keyframe(key);
                Ok(())
            }
        }
    }

    fn open_transport(&mut self, now: Instant, spec: TransportSpec) -> Result<(), DropReason> {
        let (id, room) = (spec.id, spec.room);
        let transport = Transport::new(&self.config.identity, spec, now).map_err(|_| DropReason::StaleCommand)?;
        let ufrags: Vec<String> = transport.local_ufrags().map(str::to_owned).collect();
        let slot = TransportSlot {
            id,
            room,
            transport,
            receive: ReceiveTable::new(ReceiveParameters::default()),
            send_extensions: ExtensionIds::default(),
            streams: Vec::new(),
            last_stream: 0,
            publications: Vec::new(),
            subscriptions: Vec::new(),
            by_outbound_ssrc: std::collections::HashMap::new(),
            run: RunBuffer::new(),
            twcc: TwccRecorder::new(),
            dirty: false,
            waits_for: 0,
            due: Due {
                twcc: None,
                nack: None,
                publications: None,
                reports: now + REPORT_INTERVAL,
                stats: now + STATS_INTERVAL,
            },
            rtt: None,
        };
        let key = self.transports.insert(id, slot).ok_or(DropReason::StaleCommand)?;
        for ufrag in ufrags {
            self.by_ufrag.insert(ufrag, key);
        }
        self.rooms.entry(room).or_insert_with(RoomSlot::new).transports += 1;
        self.drain_transport(key);
        Ok(())
    }

    fn set_receive(&mut self, id: TransportId, receive: ReceiveParameters) -> Result<(), DropReason> {
        let key = self.transport_key(id)?;
        let slot = self.transports.get_mut(key).ok_or(DropReason::StaleCommand)?;
        slot.receive = ReceiveTable::new(receive);
        Ok(())
    }

    fn set_send_extensions(&mut self, id: TransportId, extensions: ExtensionIds) -> Result<(), DropReason> {
        let key = self.transport_key(id)?;
        let slot = self.transports.get_mut(key).ok_or(DropReason::StaleCommand)?;
        slot.send_extensions = extensions;
        for subscription in &slot.subscriptions {
            if let Some(subscription) = self.subscriptions.get_mut(*subscription) {
                subscription.forwarder.set_extensions(extensions);
            }
        }
        Ok(())
    }

    fn publish(&mut self, mut spec: PublicationSpec) -> Result<(), DropReason> {
        let transport = self.transport_key(spec.transport)?;
        spec.encodings.truncate(MAX_LAYERS);
        if let Some(key) = self.publications.key(spec.id) {
            let slot = self.publications.get_mut(key).ok_or(DropReason::StaleCommand)?;
            (slot.mid, slot.encodings) = (spec.mid, spec.encodings);
            return Ok(());
        }
        let owner = self.transports.get_mut(transport).ok_or(DropReason::StaleCommand)?;
        let layers = spec.encodings.len();
        let slot = PublicationSlot {
            id: spec.id,
            room: owner.room,
            transport,
            kind: spec.kind,
            mid: spec.mid,
            encodings: spec.encodings,
            payload_type: None,
            muted: false,
            started: false,
            subscriptions: Vec::new(),
            layers: std::array::from_fn(|layer| LayerState::new(CacheLimits::of(spec.kind, layer as u8, layers))),
            keyframes: PliThrottle::new(),
            active: 0,
            level: SpeakerMeter::new(),
            clocks: LayerClocks::new(),
            wants_keyframe: false,
        };
        let key = self.publications.insert(spec.id, slot).ok_or(DropReason::StaleCommand)?;
        owner.publications.push(key);
        if spec.kind == MediaKind::Audio
            && let Some(room) = self.rooms.get_mut(&owner.room)
        {
            room.audio.push(key);
        }
        Ok(())
    }

    fn set_muted(&mut self, id: PublicationId, muted: bool) -> Result<(), DropReason> {
        let key = self.publications.key(id).ok_or(DropReason::StaleCommand)?;
        let slot = self.publications.get_mut(key).ok_or(DropReason::StaleCommand)?;
        slot.muted = muted;
        if muted {
            slot.level = SpeakerMeter::new();
        }
        for subscription in &slot.subscriptions {
            if let Some(subscription) = self.subscriptions.get_mut(*subscription) {
                subscription.forwarder.set_muted(muted);
            }
        }
        self.note_wants_keyframe(key);
        Ok(())
    }

    /// Refuses to connect a publication of one room with a transport of another, whatever the command says.
    fn subscribe(&mut self, spec: SubscriptionSpec) -> Result<(), DropReason> {
        let transport = self.transport_key(spec.transport)?;
        let publication = self.publications.key(spec.publication).ok_or(DropReason::StaleCommand)?;
        let (Some(to), Some(of)) = (self.transports.get_mut(transport), self.publications.get_mut(publication)) else {
            return Err(DropReason::StaleCommand);
        };
        if to.room != of.room {
            return Err(DropReason::StaleCommand);
        }
        let (id, ssrc, rtx_ssrc) = (spec.id, spec.ssrc, spec.rtx_ssrc);
        let seed = self.config.seed ^ u64::from(ssrc).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let params = ForwarderParams::new(&spec, of.kind, to.send_extensions, (seed >> 48) as u16);
        let mut forwarder = Forwarder::new(params);
        forwarder.set_layers_active(of.active);
        forwarder.set_muted(of.muted);
        let slot = SubscriptionSlot { id, transport, publication, forwarder };
        let key = self.subscriptions.insert(id, slot).ok_or(DropReason::StaleCommand)?;
        to.subscriptions.push(key);
        to.by_outbound_ssrc.insert(ssrc, key);
        if let Some(rtx_ssrc) = rtx_ssrc {
            to.by_outbound_ssrc.insert(rtx_ssrc, key);
        }
        of.subscriptions.push(key);
        self.note_wants_keyframe(publication);
        Ok(())
    }

    fn set_target(&mut self, id: SubscriptionId, target: LayerTarget) -> Result<(), DropReason> {
        let key = self.subscriptions.key(id).ok_or(DropReason::StaleCommand)?;
        let slot = self.subscriptions.get_mut(key).ok_or(DropReason::StaleCommand)?;
        slot.forwarder.set_target(target);
        let publication = slot.publication;
        self.note_wants_keyframe(publication);
        Ok(())
    }

    pub(super) fn note_wants_keyframe(&mut self, key: PublicationKey) {
        if let Some(slot) = self.publications.get_mut(key)
            && slot.kind == MediaKind::Video
            && !slot.wants_keyframe
        {
            slot.wants_keyframe = true;
            self.wants_keyframe.push(key);
        }
    }

    /// Takes out a transport with all that hangs on it. What it still wanted to say is kept for sending.
    pub(super) fn remove_transport(&mut self, id: TransportId) {
        let Some(key) = self.transports.key(id) else { return };
        self.by_tuple.retain(|_, owner| *owner != key);
        self.by_ufrag.retain(|_, owner| *owner != key);
        self.by_ssrc.retain(|_, owner| *owner != key);
        let Some(slot) = self.transports.get_mut(key) else { return };
        while let Some(farewell) = slot.transport.poll_datagram() {
            self.outgoing.farewells.push_back(farewell);
        }
        let room = slot.room;
        let publications = std::mem::take(&mut slot.publications);
        let subscriptions = std::mem::take(&mut slot.subscriptions);
        for subscription in subscriptions {
            if let Some(id) = self.subscriptions.get(subscription).map(|s| s.id) {
                self.remove_subscription(id);
            }
        }
        for publication in publications {
            if let Some(id) = self.publications.get(publication).map(|p| p.id) {
                self.remove_publication(id);
            }
        }
        self.transports.remove(id);
        self.leave_room(room);
    }

    fn leave_room(&mut self, room: RoomId) {
        if let Some(slot) = self.rooms.get_mut(&room) {
            slot.transports = slot.transports.saturating_sub(1);
            if slot.transports == 0 {
                self.rooms.remove(&room);
            }
        }
    }

    fn remove_publication(&mut self, id: PublicationId) -> Option<PublicationSlot> {
        let key = self.publications.key(id)?;
        let subscriptions = self.publications.get(key)?.subscriptions.clone();
        for subscription in subscriptions {
            if let Some(id) = self.subscriptions.get(subscription).map(|s| s.id) {
                self.remove_subscription(id);
            }
        }
        let slot = self.publications.remove(id)?;
        self.wants_keyframe.retain(|other| *other != key);
        if let Some(room) = self.rooms.get_mut(&slot.room) {
            room.audio.retain(|other| *other != key);
        }
        if let Some(owner) = self.transports.get_mut(slot.transport) {
            owner.publications.retain(|other| *other != key);
            for stream in &mut owner.streams {
                if stream.role.publication() == Some(key) {
                    stream.role = StreamRole::Unbound;
                }
            }
        }
        Some(slot)
    }

    fn remove_subscription(&mut self, id: SubscriptionId) -> Option<SubscriptionSlot> {
        let key: SubscriptionKey = self.subscriptions.key(id)?;
        let slot = self.subscriptions.remove(id)?;
        if let Some(publication) = self.publications.get_mut(slot.publication) {
            publication.subscriptions.retain(|other| *other != key);
        }
        if let Some(transport) = self.transports.get_mut(slot.transport) {
            transport.subscriptions.retain(|other| *other != key);
            transport.by_outbound_ssrc.retain(|_, other| *other != key);
        }
        Some(slot)
    }

    fn transport_key(&self, id: TransportId) -> Result<TransportKey, DropReason> {
        self.transports.key(id).ok_or(DropReason::StaleCommand)
    }

    /// Enters the transport in the wheel for the earliest thing that it has to do.
    pub(super) fn arm_transport(&mut self, key: TransportKey) {
        if let Some(slot) = self.transports.get_mut(key)
            && let Some(at) = slot.next_due()
        {
            self.wheel.arm(Waiter::Transport(slot.id), at, &mut slot.waits_for);
        }
    }
}
