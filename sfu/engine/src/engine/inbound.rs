//! A datagram's way in: to its transport, opened, to its stream, to its publication and layer.

use std::time::Instant;

use super::Engine;
use super::state::{MAX_STREAMS, PublicationKey, Stream, StreamRole, TransportKey, TransportSlot};
use super::timers::TWCC_INTERVAL;
use crate::api::{DropReason, Event, MediaKind, PayloadType, PublicationId, RoomId, Tuple};
use crate::forward::InboundPacket;
use crate::rtp::header::RtpHeader;
use crate::rtp::receive::InboundStream;
use crate::rtp::rtx;
use crate::transport::{IndexEstimator, TransportEvent};

impl Engine {
    pub(super) fn handle_stun(&mut self, now: Instant, tuple: Tuple, bytes: &[u8]) -> Result<(), DropReason> {
        if bytes.starts_with(&crate::demux::STUN_BINDING_SUCCESS) {
            // To the check that hurries a peer: its nomination is what we wait for, not its answer.
            return Ok(());
        }
        let ufrag = crate::demux::stun_local_ufrag(bytes).ok_or(DropReason::StunMalformed)?;
        let key = *self.by_ufrag.get(ufrag).ok_or(DropReason::StunUnknownUfrag)?;
        let slot = self.transports.get_mut(key).ok_or(DropReason::StunUnknownUfrag)?;
        let outcome = slot.transport.handle_stun(now, tuple, bytes)?;
        if outcome.learned {
            self.by_tuple.insert(tuple, key);
        }
        self.drain_transport(key);
        Ok(())
    }

    pub(super) fn handle_dtls(
        &mut self,
        now: Instant,
        key: TransportKey,
        tuple: Tuple,
        bytes: &[u8],
    ) -> Result<(), DropReason> {
        let slot = self.transports.get_mut(key).ok_or(DropReason::UnknownAddress)?;
        let result = slot.transport.handle_dtls(now, tuple, bytes);
        self.drain_transport(key);
        result
    }

    /// Passes on what a transport has to tell, after anything was done with it.
    pub(super) fn drain_transport(&mut self, key: TransportKey) {
        loop {
            let Some(slot) = self.transports.get_mut(key) else { return };
            let (transport, room) = (slot.id, slot.room);
            let Some(event) = slot.transport.poll_event() else { break };
            match event {
                TransportEvent::Connected => {
                    let wanted: Vec<_> = slot.subscriptions.clone();
                    self.emit(room, Event::TransportConnected { transport });
                    for subscription in wanted {
                        if let Some(publication) = self.subscriptions.get(subscription).map(|s| s.publication) {
                            self.note_wants_keyframe(publication);
                        }
                    }
                }
                TransportEvent::Failed(reason) => {
                    self.emit(room, Event::TransportFailed { transport, reason });
                    self.remove_transport(transport);
                    return;
                }
                TransportEvent::DataChannelOpen(channel) => {
                    self.emit(room, Event::DataChannelOpen { transport, channel });
                }
                TransportEvent::Data { channel, payload } => {
                    self.emit(room, Event::Data { transport, channel, payload });
                }
                TransportEvent::TupleForgotten(tuple) => {
                    if self.by_tuple.get(&tuple) == Some(&key) {
                        self.by_tuple.remove(&tuple);
                    }
                }
                TransportEvent::UfragForgotten(ufrag) => {
                    if self.by_ufrag.get(&ufrag) == Some(&key) {
                        self.by_ufrag.remove(&ufrag);
                    }
                }
            }
        }
        self.mark_dirty(key);
        self.arm_transport(key);
    }

    /// After a NAT rebound, media comes from an address that no check has named yet: its SSRC says whose it may be, and
    /// only authentication that it is.
    pub(super) fn transport_by_ssrc(&self, bytes: &[u8]) -> Option<TransportKey> {
        self.by_ssrc.get(&RtpHeader::parse(bytes)?.ssrc).copied()
    }

    pub(super) fn handle_rtp(
        &mut self,
        now: Instant,
        key: TransportKey,
        tuple: Tuple,
        bytes: &mut [u8],
    ) -> Result<(), DropReason> {
        let header = RtpHeader::parse(bytes).ok_or(DropReason::Malformed)?;
        let slot = self.transports.get_mut(key).ok_or(DropReason::UnknownAddress)?;
        let position = slot.find_stream(header.ssrc);
        let fresh = IndexEstimator::default();
        let estimator = position.and_then(|p| slot.streams.get(p)).map_or(&fresh, |stream| &stream.index);
        let index = estimator.estimate(header.sequence);
        if !estimator.check(index) {
            return Err(DropReason::SrtpReplayed);
        }
        let keys = slot.transport.srtp().ok_or(DropReason::NotReady)?;
        let len = keys.open_rtp(bytes, usize::from(header.header_len), header.ssrc, index)?;
        let packet = bytes.get_mut(..len).ok_or(DropReason::Malformed)?;
        if slot.transport.handle_rtp_activity(now, tuple) {
            self.by_tuple.insert(tuple, key);
        }
        let bound = position.filter(|p| slot.streams.get(*p).is_some_and(|s| s.role != StreamRole::Unbound));
        let position = match bound {
            Some(position) => position,
            None => self.bind_stream(key, position, &header, packet)?,
        };
        self.handle_opened(now, key, position, index, &header, packet)
    }

    /// An authenticated packet of a known stream.
    fn handle_opened(
        &mut self,
        now: Instant,
        key: TransportKey,
        position: usize,
        index: u64,
        header: &RtpHeader,
        packet: &mut [u8],
    ) -> Result<(), DropReason> {
        let slot = self.transports.get_mut(key).ok_or(DropReason::UnknownAddress)?;
        let extensions = slot.receive.extensions.read(header.extension_profile, header.extension_bytes(packet));
        if let Some(sequence) = extensions.transport_cc {
            slot.twcc.record(sequence, now);
            if slot.due.twcc.is_none() {
                slot.due.twcc = Some(now + TWCC_INTERVAL);
                self.arm_transport(key);
            }
        }
        let slot = self.transports.get_mut(key).ok_or(DropReason::UnknownAddress)?;
        let stream = slot.streams.get_mut(position).ok_or(DropReason::UnknownSsrc)?;
        stream.index.accept(index);
        let (payload_type, _) = slot.receive.find(header.payload_type).ok_or(DropReason::UnknownPayloadType)?;
        match stream.role {
            StreamRole::Unbound => Err(DropReason::UnknownSsrc),
            StreamRole::Media { publication, layer } => {
                let arrival = stream.inbound.on_packet(now, header.sequence, header.timestamp, packet.len());
                if let Some(at) = stream.inbound.nack_deadline()
                    && slot.due.nack.is_none_or(|due| at < due)
                {
                    slot.due.nack = Some(at);
                    self.arm_transport(key);
                }
                let ext_seq = arrival.ext_seq().ok_or(DropReason::Unwanted)?;
                self.handle_media(now, publication, layer, payload_type, ext_seq, packet)
            }
            StreamRole::Repair { publication, layer } => {
                self.handle_repair(now, key, publication, layer, payload_type, header, packet)
            }
        }
    }

    /// A repair packet becomes the packet that was lost, unless that came after all.
    #[expect(clippy::too_many_arguments, reason = "what the caller has just looked up, once per packet")]
    fn handle_repair(
        &mut self,
        now: Instant,
        key: TransportKey,
        publication: PublicationKey,
        layer: u8,
        payload_type: PayloadType,
        header: &RtpHeader,
        packet: &mut [u8],
    ) -> Result<(), DropReason> {
        let ssrc = self.publications.get(publication).and_then(|p| p.layers.get(usize::from(layer))?.ssrc);
        let ssrc = ssrc.ok_or(DropReason::UnknownSsrc)?;
        // Padding alone is a bandwidth probe: it did its work when its arrival was noted.
        let Some(range) = rtx::restore(packet, header, ssrc, payload_type.pt) else { return Ok(()) };
        let restored = packet.get(range).ok_or(DropReason::Malformed)?;
        let sequence = RtpHeader::parse(restored).ok_or(DropReason::Malformed)?.sequence;
        let slot = self.transports.get_mut(key).ok_or(DropReason::UnknownAddress)?;
        let position = slot.find_stream(ssrc).ok_or(DropReason::UnknownSsrc)?;
        let media = slot.streams.get_mut(position).ok_or(DropReason::UnknownSsrc)?;
        let ext_seq = media.inbound.on_repaired(sequence, restored.len()).ext_seq().ok_or(DropReason::Unwanted)?;
        self.handle_media(now, publication, layer, payload_type, ext_seq, restored)
    }

    /// A packet of media, first time or repaired: noted, kept for repair, and forwarded.
    fn handle_media(
        &mut self,
        now: Instant,
        key: PublicationKey,
        layer: u8,
        payload_type: PayloadType,
        ext_seq: u64,
        packet: &[u8],
    ) -> Result<(), DropReason> {
        let (room, id, started, newly_active) = self.note_media(now, key, layer, payload_type, ext_seq, packet)?;
        if !started {
            self.emit(room, Event::PublicationStarted { publication: id });
            if payload_type.codec.kind() == MediaKind::Audio {
                self.arm_speakers(room, now);
            }
        }
        if newly_active {
            self.layers_changed(key);
        }
        let slot = self.publications.get(key).ok_or(DropReason::UnknownSsrc)?;
        let owner = self.transports.get(slot.transport).ok_or(DropReason::UnknownAddress)?;
        // A copy: the packets of one burst go out before the next report changes them.
        let clocks = slot.clocks;
        let inbound =
            InboundPacket::parse(packet, layer, ext_seq, payload_type.codec, &owner.receive.extensions, &clocks)
                .ok_or(DropReason::Malformed)?;
        if slot.muted {
            return Err(DropReason::Unwanted);
        }
        if let Some(level) = inbound.extensions.audio_level
            && let Some(slot) = self.publications.get_mut(key)
        {
            slot.level.on_packet(level, inbound.header.timestamp, payload_type.codec.clock_rate());
        }
        if inbound.facts.keyframe
            && payload_type.codec.kind() == MediaKind::Video
            && let Some(slot) = self.publications.get_mut(key)
        {
            slot.keyframes.on_keyframe(now, layer);
        }
        self.forward(now, key, &inbound);
        Ok(())
    }

    /// What a publication remembers of each of its packets: that its layer lives, and the packet itself for repair.
    fn note_media(
        &mut self,
        now: Instant,
        key: PublicationKey,
        layer: u8,
        payload_type: PayloadType,
        ext_seq: u64,
        packet: &[u8],
    ) -> Result<(RoomId, PublicationId, bool, bool), DropReason> {
        let slot = self.publications.get_mut(key).ok_or(DropReason::UnknownSsrc)?;
        slot.payload_type = Some(payload_type);
        let state = slot.layers.get_mut(usize::from(layer)).ok_or(DropReason::UnknownSsrc)?;
        state.last_packet = Some(now);
        if !slot.muted {
            // What was said while muted must not come out as a repair later.
            state.cache.put(now, ext_seq, payload_type.codec, packet);
        }
        let bit = 1 << layer;
        let newly_active = slot.active & bit == 0;
        slot.active |= bit;
        let started = std::mem::replace(&mut slot.started, true);
        Ok((slot.room, slot.id, started, newly_active))
    }

    /// Finds what a new SSRC carries: announced in the SDP, or by the MID and RID of its first packets (RFC 8852, RFC 9143
    /// §9.2), or, for a client that sends neither, the only publication of its kind that has no stream yet.
    fn bind_stream(
        &mut self,
        key: TransportKey,
        known: Option<usize>,
        header: &RtpHeader,
        packet: &[u8],
    ) -> Result<usize, DropReason> {
        let slot = self.transports.get(key).ok_or(DropReason::UnknownAddress)?;
        let (payload_type, repair) = slot.receive.find(header.payload_type).ok_or(DropReason::UnknownPayloadType)?;
        let extensions = slot.receive.extensions.read(header.extension_profile, header.extension_bytes(packet));
        let kind = payload_type.codec.kind();
        let mut found = None;
        for publication in &slot.publications {
            let Some(candidate) = self.publications.get(*publication) else { continue };
            if candidate.kind != kind {
                continue;
            }
            if let Some(layer) = candidate.layer_of(header.ssrc, &extensions, repair) {
                found = Some((*publication, layer));
                break;
            }
        }
        if found.is_none() && extensions.mid.is_none() && !repair {
            let mut free = slot.publications.iter().copied().filter(|publication| {
                self.publications.get(*publication).is_some_and(|p| p.kind == kind && p.takes_anonymous_stream())
            });
            found = free.next().filter(|_| free.next().is_none()).map(|publication| (publication, 0));
        }
        let (publication, layer) = found.ok_or(DropReason::UnknownSsrc)?;
        let role =
            if repair { StreamRole::Repair { publication, layer } } else { StreamRole::Media { publication, layer } };
        let inbound = InboundStream::new(header.ssrc, payload_type.codec.clock_rate(), payload_type.nack && !repair);
        if let Some(position) = known
            && let Some(stream) = self.transports.get_mut(key).and_then(|slot| slot.streams.get_mut(position))
        {
            stream.role = role;
            stream.inbound = inbound;
            self.note_layer_stream(key, header.ssrc, role);
            return Ok(position);
        }
        self.add_stream(key, role, inbound)
    }

    fn add_stream(&mut self, key: TransportKey, role: StreamRole, inbound: InboundStream) -> Result<usize, DropReason> {
        let ssrc = inbound.ssrc();
        let slot = self.transports.get_mut(key).ok_or(DropReason::UnknownAddress)?;
        let position = slot.free_stream_position().ok_or(DropReason::LimitReached)?;
        let stream = Stream { ssrc, index: IndexEstimator::default(), role, inbound };
        match slot.streams.get_mut(position) {
            Some(old) => {
                let old = std::mem::replace(old, stream);
                self.by_ssrc.remove(&old.ssrc);
            }
            None => slot.streams.push(stream),
        }
        self.by_ssrc.insert(ssrc, key);
        self.note_layer_stream(key, ssrc, role);
        Ok(position)
    }

    /// A publication's layer has one media stream: the newest.
    fn note_layer_stream(&mut self, key: TransportKey, ssrc: u32, role: StreamRole) {
        let StreamRole::Media { publication, layer } = role else { return };
        let Some(slot) = self.publications.get_mut(publication) else { return };
        let Some(state) = slot.layers.get_mut(usize::from(layer)) else { return };
        let Some(old) = state.ssrc.replace(ssrc).filter(|old| *old != ssrc) else { return };
        // Numbers and clock of the new stream have nothing to do with the old one's.
        state.cache.clear();
        slot.clocks.clear(layer);
        if let Some(slot) = self.transports.get_mut(key)
            && let Some(position) = slot.find_stream(old)
            && let Some(stream) = slot.streams.get_mut(position)
        {
            stream.role = StreamRole::Unbound;
        }
    }
}

impl TransportSlot {
    pub(super) fn find_stream(&mut self, ssrc: u32) -> Option<usize> {
        if self.streams.get(self.last_stream).is_some_and(|stream| stream.ssrc == ssrc) {
            return Some(self.last_stream);
        }
        let position = self.streams.iter().position(|stream| stream.ssrc == ssrc)?;
        self.last_stream = position;
        Some(position)
    }

    /// Where a new stream goes: at the end, or once the bound is reached, in the place of one whose publication ended.
    fn free_stream_position(&self) -> Option<usize> {
        if self.streams.len() < MAX_STREAMS {
            return Some(self.streams.len());
        }
        self.streams.iter().position(|stream| stream.role == StreamRole::Unbound)
    }
}
