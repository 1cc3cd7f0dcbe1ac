//! RTCP in and out: reports, repair requests, keyframe requests, congestion feedback.

use std::time::Instant;

use super::Engine;
use super::state::{PublicationKey, StreamRole, TransportKey};
use crate::api::{DropReason, MediaKind, Tuple};
use crate::rtp::rtcp::parse::ReportBlocks;
use crate::rtp::rtcp::{self, MAX_REPORT_BLOCKS, Packets, ReportBlock, RtcpPacket, SenderInfo};
use crate::run::MAX_DATAGRAM;

/// The SSRC that our own RTCP to publishers comes from; no stream of ours uses it.
const OUR_SSRC: u32 = 1;

/// Canonical name in our source descriptions; receivers pair sound and picture by the SDP's, this one satisfies RFC 3550.
const CNAME: &[u8] = b"plenum";

/// Bytes that a compound packet may take, sealed.
const MAX_RTCP: usize = 1_200;

/// Sequence numbers that one repair request may name; more means that the link is gone, and a keyframe is the answer.
const MAX_NACKED: usize = 256;

impl Engine {
    pub(super) fn handle_rtcp(
        &mut self,
        now: Instant,
        key: TransportKey,
        tuple: Tuple,
        bytes: &mut [u8],
    ) -> Result<(), DropReason> {
        let slot = self.transports.get_mut(key).ok_or(DropReason::UnknownAddress)?;
        let keys = slot.transport.srtp_mut().ok_or(DropReason::NotReady)?;
        let len = keys.open_rtcp(bytes)?;
        if slot.transport.handle_rtp_activity(now, tuple) {
            self.by_tuple.insert(tuple, key);
        }
        let compound = bytes.get(..len).ok_or(DropReason::RtcpMalformed)?;
        for packet in Packets::new(compound) {
            self.handle_rtcp_packet(now, key, packet.map_err(|_| DropReason::RtcpMalformed)?);
        }
        Ok(())
    }

    fn handle_rtcp_packet(&mut self, now: Instant, key: TransportKey, packet: RtcpPacket<'_>) {
        match packet {
            RtcpPacket::SenderReport { info, blocks } => {
                self.handle_sender_report(now, key, &info);
                self.handle_report_blocks(now, key, blocks);
            }
            RtcpPacket::ReceiverReport { blocks, .. } => self.handle_report_blocks(now, key, blocks),
            RtcpPacket::Nack { media_ssrc, sequences, .. } => {
                let Some(subscription) = self.subscription_by_ssrc(key, media_ssrc) else { return };
                for sequence in sequences.take(MAX_NACKED) {
                    if let Err(reason) = self.retransmit(now, key, subscription, sequence) {
                        self.count_drop(reason);
                    }
                }
            }
            RtcpPacket::PictureLoss { media_ssrc, .. } => self.handle_keyframe_request(key, media_ssrc),
            RtcpPacket::FullIntra { requests, .. } => {
                for (media_ssrc, _) in requests {
                    self.handle_keyframe_request(key, media_ssrc);
                }
            }
            _ => {}
        }
    }

    /// A publisher's clock: for our receiver reports to it, and for the sender reports of all its subscriptions.
    fn handle_sender_report(&mut self, now: Instant, key: TransportKey, info: &SenderInfo) {
        let Some(slot) = self.transports.get_mut(key) else { return };
        let Some(position) = slot.find_stream(info.ssrc) else { return };
        let Some(stream) = slot.streams.get_mut(position) else { return };
        let clock = stream.inbound.on_sender_report(now, info);
        if let StreamRole::Media { publication, layer } = stream.role
            && let Some(publication) = self.publications.get_mut(publication)
        {
            publication.clocks.set(layer, clock);
        }
    }

    fn handle_report_blocks(&mut self, now: Instant, key: TransportKey, blocks: ReportBlocks<'_>) {
        for block in blocks {
            let Some(subscription) = self.subscription_by_ssrc(key, block.ssrc) else { continue };
            let Some(subscription) = self.subscriptions.get_mut(subscription) else { continue };
            subscription.forwarder.on_receiver_report(now, &block);
            if let (Some(rtt), Some(slot)) = (subscription.forwarder.rtt(), self.transports.get_mut(key)) {
                slot.rtt = Some(rtt);
            }
        }
    }

    fn subscription_by_ssrc(&self, key: TransportKey, ssrc: u32) -> Option<super::state::SubscriptionKey> {
        self.transports.get(key)?.by_outbound_ssrc.get(&ssrc).copied()
    }

    /// A subscriber cannot decode: the layer that it is sent needs a keyframe.
    fn handle_keyframe_request(&mut self, key: TransportKey, media_ssrc: u32) {
        let Some(subscription) = self.subscription_by_ssrc(key, media_ssrc) else { return };
        let Some(subscription) = self.subscriptions.get(subscription) else { return };
        let publication = subscription.publication;
        if let Some(layer) = subscription.forwarder.keyframe_layer()
            && let Some(slot) = self.publications.get_mut(publication)
        {
            slot.keyframes.request(layer);
        }
        self.note_wants_keyframe(publication);
    }

    /// PLI for every layer whose request is due.
    pub(super) fn send_keyframe_requests(&mut self, now: Instant, key: PublicationKey) {
        let Some(publication) = self.publications.get_mut(key) else { return };
        let transport = publication.transport;
        let mut rtcp = std::mem::take(&mut self.rtcp);
        rtcp.clear();
        let mut requests = 0;
        let due = publication.keyframes.poll(now);
        for (bit, layer) in publication.layers.iter().enumerate() {
            if due & (1 << bit) != 0
                && let Some(ssrc) = layer.ssrc
            {
                rtcp::write::picture_loss(&mut rtcp, OUR_SSRC, ssrc);
                requests += 1;
            }
        }
        if requests > 0 && self.send_rtcp(transport, &rtcp) {
            self.figures.keyframe_requests += requests;
        }
        self.rtcp = rtcp;
    }

    pub(super) fn send_transport_feedback(&mut self, key: TransportKey) {
        let mut rtcp = std::mem::take(&mut self.rtcp);
        loop {
            rtcp.clear();
            let Some(slot) = self.transports.get_mut(key) else { break };
            let media_ssrc = slot.streams.first().map_or(0, |stream| stream.ssrc);
            let more = slot.twcc.build_feedback(OUR_SSRC, media_ssrc, &mut rtcp);
            if !rtcp.is_empty() {
                self.send_rtcp(key, &rtcp);
            }
            if !more {
                break;
            }
        }
        self.rtcp = rtcp;
    }

    pub(super) fn send_nacks(&mut self, now: Instant, key: TransportKey) {
        let mut rtcp = std::mem::take(&mut self.rtcp);
        rtcp.clear();
        let mut position = 0;
        while let Some(slot) = self.transports.get_mut(key) {
            let rtt = slot.rtt;
            let Some(stream) = slot.streams.get_mut(position) else { break };
            position += 1;
            let StreamRole::Media { publication, layer } = stream.role else { continue };
            let Some(batch) = stream.inbound.poll_nack(now, rtt) else { continue };
            if let Some(at) = stream.inbound.nack_deadline() {
                slot.due.nack = Some(slot.due.nack.map_or(at, |due| due.min(at)));
            }
            if !batch.sequences().is_empty() {
                rtcp::write::nack(&mut rtcp, OUR_SSRC, stream.ssrc, batch.sequences().iter().copied());
            }
            if batch.gave_up
                && let Some(slot) = self.publications.get_mut(publication)
                && slot.kind == MediaKind::Video
            {
                slot.keyframes.request(layer);
                self.note_wants_keyframe(publication);
            }
            if rtcp.len() > MAX_RTCP / 2 {
                self.send_rtcp(key, &rtcp);
                rtcp.clear();
            }
        }
        if !rtcp.is_empty() {
            self.send_rtcp(key, &rtcp);
        }
        self.rtcp = rtcp;
    }

    /// Receiver reports to a publisher, sender reports to a subscriber.
    pub(super) fn send_reports(&mut self, now: Instant, key: TransportKey) {
        let mut rtcp = std::mem::take(&mut self.rtcp);
        rtcp.clear();
        let mut from = Some(0);
        while let Some(position) = from {
            rtcp.clear();
            from = self.write_receiver_report(now, key, position, &mut rtcp);
            if !rtcp.is_empty() {
                self.send_rtcp(key, &rtcp);
            }
        }
        rtcp.clear();
        for index in 0.. {
            let Some(subscription) = self.transports.get(key).and_then(|slot| slot.subscriptions.get(index).copied())
            else {
                break;
            };
            let Some(subscription) = self.subscriptions.get_mut(subscription) else { continue };
            let Some(publication) = self.publications.get(subscription.publication) else { continue };
            let Some(payload_type) = publication.payload_type else { continue };
            let rate = payload_type.codec.clock_rate();
            if let Some(info) = subscription.forwarder.sender_report(now, &publication.clocks, rate) {
                rtcp::write::sender_report(&mut rtcp, &info, &[]);
                rtcp::write::source_description(&mut rtcp, info.ssrc, CNAME);
            }
            if rtcp.len() > MAX_RTCP / 2 {
                self.send_rtcp(key, &rtcp);
                rtcp.clear();
            }
        }
        if !rtcp.is_empty() {
            self.send_rtcp(key, &rtcp);
        }
        self.rtcp = rtcp;
    }

    /// One report about as many streams as it holds, from position `from` on; tells where the next one goes on.
    fn write_receiver_report(
        &mut self,
        now: Instant,
        key: TransportKey,
        from: usize,
        rtcp: &mut Vec<u8>,
    ) -> Option<usize> {
        let slot = self.transports.get_mut(key)?;
        let mut blocks = [ReportBlock::default(); MAX_REPORT_BLOCKS];
        let mut count = 0;
        let mut next = None;
        for (position, stream) in slot.streams.iter_mut().enumerate().skip(from) {
            if !matches!(stream.role, StreamRole::Media { .. }) {
                continue;
            }
            let Some(block) = blocks.get_mut(count) else {
                next = Some(position);
                break;
            };
            if let Some(report) = stream.inbound.report_block(now) {
                *block = report;
                count += 1;
            }
        }
        if count > 0 {
            rtcp::write::receiver_report(rtcp, OUR_SSRC, blocks.get(..count).unwrap_or_default());
        }
        next
    }

    /// Seals one compound packet into the transport's run. `false`: there was no room, or no keys yet.
    fn send_rtcp(&mut self, key: TransportKey, plain: &[u8]) -> bool {
        let Some(slot) = self.transports.get_mut(key) else { return false };
        let Some(keys) = slot.transport.srtp_mut() else { return false };
        let len = plain.len() + keys.rtcp_overhead();
        if len > MAX_DATAGRAM {
            return false;
        }
        let Some(room) = slot.run.push(len) else { return false };
        let (text, _) = room.split_at_mut(plain.len());
        text.copy_from_slice(plain);
        if keys.seal_rtcp(room).is_err() {
            slot.run.cancel();
            return false;
        }
        self.mark_dirty(key);
        true
    }
}
