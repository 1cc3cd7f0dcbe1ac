//! One packet to all who subscribe to it, and the same packet again to those who lost it.

use std::time::Instant;

use super::Engine;
use super::state::{PublicationKey, SubscriptionKey, SubscriptionSlot, TransportKey, TransportSlot};
use super::timers::FIRST_REPORT_DELAY;
use crate::api::{DropReason, Event};
use crate::forward::{InboundPacket, Outgoing, Plan};

impl Engine {
    /// The hot loop: everything that a subscriber costs per packet happens here. `packet` is borrowed from the datagram,
    /// so each subscription writes it straight into its destination's run.
    pub(super) fn forward(&mut self, now: Instant, key: PublicationKey, packet: &InboundPacket<'_>) {
        let Some(publication) = self.publications.get(key) else { return };
        let mut wants_keyframe = false;
        for subscription_key in &publication.subscriptions {
            let Some(subscription) = self.subscriptions.get_mut(*subscription_key) else { continue };
            let Some(slot) = self.transports.get_mut(subscription.transport) else { continue };
            // Before the keys are there nothing is selected: a keyframe spent now would be missed.
            if slot.transport.srtp().is_none() {
                continue;
            }
            let sent =
                subscription.forwarder.select(now, packet).and_then(|plan| send(slot, subscription, &plan, packet));
            match sent {
                Ok(sent) => {
                    self.figures.packets_forwarded += 1;
                    if !slot.dirty {
                        slot.dirty = true;
                        self.dirty.push_back(subscription.transport);
                    }
                    if sent.first {
                        self.started.push(*subscription_key);
                    }
                }
                Err(reason) => {
                    if let Some(count) = self.figures.drops.get_mut(reason as usize) {
                        *count += 1;
                    }
                }
            }
            wants_keyframe |= subscription.forwarder.wants_keyframe().is_some();
        }
        if wants_keyframe {
            self.note_wants_keyframe(key);
        }
        if !self.started.is_empty() {
            self.report_started(now);
        }
    }

    /// Tells the room of subscriptions whose first packet just went out, and sees to it that a sender report follows soon:
    /// without one the receiver cannot align picture and sound.
    fn report_started(&mut self, now: Instant) {
        while let Some(key) = self.started.pop() {
            let Some((id, transport)) = self.subscriptions.get(key).map(|s| (s.id, s.transport)) else { continue };
            let Some(slot) = self.transports.get_mut(transport) else { continue };
            slot.due.reports = slot.due.reports.min(now + FIRST_REPORT_DELAY);
            let room = slot.room;
            self.emit(room, Event::SubscriptionStarted { subscription: id });
            self.arm_transport(transport);
        }
    }

    /// Sends one packet again that the subscriber of `key` reports lost.
    pub(super) fn retransmit(
        &mut self,
        now: Instant,
        transport: TransportKey,
        key: SubscriptionKey,
        sequence: u16,
    ) -> Result<(), DropReason> {
        let subscription = self.subscriptions.get_mut(key).ok_or(DropReason::UnknownSsrc)?;
        let publication = self.publications.get(subscription.publication).ok_or(DropReason::UnknownSsrc)?;
        let owner = self.transports.get(publication.transport).ok_or(DropReason::UnknownAddress)?;
        let wanted = subscription.forwarder.resolve(sequence).ok_or(DropReason::Unwanted)?;
        let layer = publication.layers.get(usize::from(wanted.layer)).ok_or(DropReason::Unwanted)?;
        let cached = layer.cache.get(wanted.ext_seq).ok_or(DropReason::Unwanted)?;
        let table = &owner.receive.extensions;
        let packet =
            InboundPacket::parse(cached.bytes, wanted.layer, wanted.ext_seq, cached.codec, table, &publication.clocks)
                .ok_or(DropReason::Malformed)?;
        let plan = subscription.forwarder.retransmit(now, wanted, &packet)?;
        let slot = self.transports.get_mut(transport).ok_or(DropReason::UnknownAddress)?;
        send(slot, subscription, &plan, &packet)?;
        self.figures.retransmissions += 1;
        self.mark_dirty(transport);
        Ok(())
    }

    /// A layer of a publication began or stopped: its subscriptions choose anew.
    pub(super) fn layers_changed(&mut self, key: PublicationKey) {
        let Some(publication) = self.publications.get(key) else { return };
        for subscription in &publication.subscriptions {
            if let Some(subscription) = self.subscriptions.get_mut(*subscription) {
                subscription.forwarder.set_layers_active(publication.active);
            }
        }
        self.note_wants_keyframe(key);
    }
}

/// Writes a planned packet into the destination's run and seals it there.
#[inline]
fn send(
    slot: &mut TransportSlot,
    subscription: &mut SubscriptionSlot,
    plan: &Plan,
    packet: &InboundPacket<'_>,
) -> Result<Outgoing, DropReason> {
    let keys = slot.transport.srtp().ok_or(DropReason::NotReady)?;
    let room = slot.run.push(plan.packet_len() + keys.tag_len()).ok_or(DropReason::QueueFull)?;
    let sealed = subscription.forwarder.write(plan, packet, room).and_then(|sent| {
        keys.seal_rtp(room, sent.header_len, sent.ssrc, sent.index).map_err(|_| DropReason::QueueFull)?;
        Ok(sent)
    });
    if sealed.is_err() {
        slot.run.cancel();
    }
    sealed
}
