//! One subscription: which packets of a publication it gets, and how they are rewritten into one continuous stream.
//!
//! The engine's loop offers every packet of a publication to each of its subscriptions:
//!
//! 1. [`Forwarder::select`] decides and assigns numbers: a [`Plan`] or a reason to drop.
//! 2. The loop makes room in the destination's run: [`Plan::packet_len`] and a tag.
//! 3. [`Forwarder::write`] fills it; the loop seals it with the index of [`Outgoing`].
//!
//! A NACK goes [`Forwarder::resolve`] → the layer's [`crate::rtp::cache::PacketCache`] → [`Forwarder::retransmit`] →
//! [`Forwarder::write`]. Keyframes that subscriptions wait for ([`Forwarder::wants_keyframe`]) meet in [`PliThrottle`].
//!
//! What always holds: a video stream starts, and changes its layer, with a keyframe; sequence numbers have no gap but those
//! of packets that have not come from the publisher; timestamps and VP8 picture ids go on over every change; no index is
//! used for two different packets. Nothing here seals, sends, or reads a clock.

mod frames;
mod keyframe;
mod packet;
mod report;
mod retransmit;
mod timeline;
mod write;

use std::time::Duration;
use std::time::Instant;

pub use self::keyframe::PliThrottle;
pub use self::packet::CacheRef;
pub use self::packet::InboundPacket;
pub use self::packet::Outgoing;
pub use self::packet::Plan;

use self::frames::FrameLog;
use self::packet::Form;
use self::report::Reports;
use self::retransmit::Repairs;
use self::timeline::Epoch;
use self::timeline::Place;
use self::timeline::Timeline;
use crate::api::Codec;
use crate::api::DropReason;
use crate::api::ExtensionIds;
use crate::api::LayerTarget;
use crate::api::MAX_LAYERS;
use crate::api::MediaKind;
use crate::api::PayloadType;
use crate::api::SubscriptionSpec;
use crate::codec::vp8::Vp8Numbers;
use crate::rtp::header::FIXED_HEADER_LEN;
use crate::rtp::sender_report::duration_to_ticks;
use crate::rtp::sequence::timestamp_distance;

/// Inbound numbers missing at once beyond which nobody repairs them: the source is taken to have started over.
pub const MAX_GAP: u64 = 1_000;
/// Sender reports and arrival times may disagree about a layer switch by this much before the reports are distrusted.
const MAX_CLOCK_DISAGREEMENT: Duration = Duration::from_secs(5);
/// The MID goes on this many first packets; receivers know the SSRC from the SDP, this is for those that do not.
const MID_PACKETS: u64 = 50;
const PICTURE_ID_MASK: u16 = 0x7fff;

/// What a subscription needs for its life; see [`crate::api::SubscriptionSpec`].
#[derive(Clone, Debug)]
pub struct ForwarderParams {
    pub kind: MediaKind,
    pub mid: String,
    pub ssrc: u32,
    pub rtx_ssrc: Option<u32>,
    pub payload_types: Vec<PayloadType>,
    /// Ids on the subscriber's transport.
    pub extensions: ExtensionIds,
    pub target: LayerTarget,
    /// The first sequence number of media and repair stream; below 2¹⁵ so that the first wrap is not ambiguous
    /// (RFC 3711 §3.3.1): the upper bit is ignored.
    pub first_sequence: u16,
}

impl ForwarderParams {
    pub fn new(spec: &SubscriptionSpec, kind: MediaKind, extensions: ExtensionIds, first_sequence: u16) -> Self {
        Self {
            kind,
            mid: spec.mid.clone(),
            ssrc: spec.ssrc,
            rtx_ssrc: spec.rtx_ssrc,
            payload_types: spec.payload_types.clone(),
            extensions,
            target: spec.target,
            first_sequence,
        }
    }
}

/// Payload types of one codec at the subscriber.
#[derive(Clone, Copy, Debug)]
struct PayloadTypes {
    media: u8,
    repair: Option<u8>,
}

/// The packet with the highest number sent, from which the next epoch goes on.
#[derive(Clone, Copy, Debug)]
struct Newest {
    number: u64,
    timestamp: u32,
    at: Instant,
    numbers: Vp8Numbers,
}

/// One subscription's outbound stream.
#[derive(Debug)]
pub struct Forwarder {
    kind: MediaKind,
    ssrc: u32,
    payload_types: [Option<PayloadTypes>; 5],
    /// A packet came in a codec that the subscriber cannot take.
    refused: bool,
    target: LayerTarget,
    muted: bool,
    active_layers: u8,
    /// The layer now forwarded; `None` while waiting for a place to start.
    current: Option<u8>,
    /// Highest temporal layer now forwarded; changes between frames.
    temporal: u8,
    frames: FrameLog,
    last_skip: Option<Skipped>,
    newest: Option<Newest>,
    timeline: Timeline,
    extensions: ExtensionIds,
    mid: Box<[u8]>,
    first_number: u64,
    repairs: Repairs,
    report: Reports,
}

/// The newest dropped packet, as long as nothing newer was forwarded.
#[derive(Clone, Copy, Debug)]
struct Skipped {
    timestamp: u32,
    picture_id: Option<u16>,
}

const fn codec_index(codec: Codec) -> usize {
    match codec {
        Codec::Opus => 0,
        Codec::Vp8 => 1,
        Codec::H264 => 2,
        Codec::Vp9 => 3,
        Codec::Av1 => 4,
    }
}

impl Forwarder {
    pub fn new(params: ForwarderParams) -> Self {
        let mut payload_types = [None; 5];
        for offered in &params.payload_types {
            if let Some(slot) = payload_types.get_mut(codec_index(offered.codec))
                && slot.is_none()
                && offered.codec.kind() == params.kind
            {
                *slot = Some(PayloadTypes { media: offered.pt, repair: offered.rtx_pt });
            }
        }
        let first_number = u64::from(params.first_sequence & 0x7fff);
        Self {
            kind: params.kind,
            ssrc: params.ssrc,
            payload_types,
            refused: false,
            target: params.target,
            muted: false,
            active_layers: 0,
            current: None,
            temporal: 0,
            frames: FrameLog::new(),
            last_skip: None,
            newest: None,
            timeline: Timeline::new(first_number),
            extensions: params.extensions,
            mid: params.mid.into_bytes().into_boxed_slice(),
            first_number,
            repairs: Repairs::new(params.rtx_ssrc, first_number),
            report: Reports::default(),
        }
    }

    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    pub const fn rtx_ssrc(&self) -> Option<u32> {
        self.repairs.ssrc()
    }

    /// The newest sequence number handed out.
    pub const fn newest_sequence(&self) -> u16 {
        self.timeline.next_out().wrapping_sub(1) as u16
    }

    /// The spatial layer now sent.
    pub const fn current_layer(&self) -> Option<u8> {
        self.current
    }

    /// Asks for other layers, pauses or resumes. Another spatial layer comes at its next keyframe.
    pub fn set_target(&mut self, target: LayerTarget) {
        self.target = target;
        self.pause_if_halted();
    }

    /// A muted publication is not forwarded; unmuting goes on like a resumed target.
    pub fn set_muted(&mut self, muted: bool) {
        self.muted = muted;
        self.pause_if_halted();
    }

    /// The layers that arrive now, bit 0 the lowest.
    pub fn set_layers_active(&mut self, mask: u8) {
        self.active_layers = mask;
    }

    /// Ids on the subscriber's transport changed.
    pub fn set_extensions(&mut self, extensions: ExtensionIds) {
        self.extensions = extensions;
    }

    const fn halted(&self) -> bool {
        self.muted || !self.target.enabled
    }

    fn pause_if_halted(&mut self) {
        if self.halted() {
            self.current = None;
        }
    }

    /// The layer to be on: the target if it arrives, else the highest below, else the lowest above.
    fn desired(&self) -> Option<u8> {
        if self.halted() {
            return None;
        }
        if self.kind == MediaKind::Audio {
            return Some(0);
        }
        let spatial = self.target.spatial.min(MAX_LAYERS as u8 - 1);
        let up_to_target = self.active_layers & (0xff >> (7 - spatial));
        match (up_to_target, self.active_layers) {
            (0, 0) => None,
            (0, above) => Some(above.trailing_zeros() as u8),
            (below, _) => Some(7 - below.leading_zeros() as u8),
        }
    }

    /// The layer whose keyframe this subscription waits for, `None` when it has what it wants. Ask after every change and
    /// on every tick, and hand it to [`PliThrottle::request`].
    pub fn wants_keyframe(&self) -> Option<u8> {
        if self.kind == MediaKind::Audio || self.refused {
            return None;
        }
        self.desired().filter(|desired| self.current != Some(*desired))
    }

    /// The layer to ask for a keyframe when the subscriber sent PLI or FIR.
    pub fn keyframe_layer(&self) -> Option<u8> {
        if self.kind == MediaKind::Audio || self.refused {
            return None;
        }
        self.current.or_else(|| self.desired())
    }

    /// Decides about one packet and, when it is to be sent, assigns its numbers. A plan that is not written is a lost
    /// packet.
    ///
    /// # Errors
    /// [`DropReason::Unwanted`]: another layer, paused, padding, thinned out, or no number left for it.
    /// [`DropReason::UnknownPayloadType`]: the subscriber cannot take this codec.
    pub fn select(&mut self, now: Instant, packet: &InboundPacket<'_>) -> Result<Plan, DropReason> {
        if self.halted() {
            return Err(DropReason::Unwanted);
        }
        if self.current != Some(packet.layer) {
            return self.try_start(now, packet);
        }
        let Some(epoch) = self.timeline.epoch() else { return Err(DropReason::Unwanted) };
        let next = self.timeline.next_in();
        if epoch.ssrc != packet.header.ssrc || packet.ext_seq > next + MAX_GAP {
            self.current = None;
            return self.try_start(now, packet);
        }
        if packet.ext_seq < next {
            return self.select_late(now, packet);
        }
        if packet.payload.is_empty() {
            self.skip(packet, None);
            return Err(DropReason::Unwanted);
        }
        if let Some(vp8) = packet.facts.vp8
            && !self.takes_frame(packet)
        {
            self.skip(packet, vp8.has_picture_id().then_some(vp8.picture_id));
            return Err(DropReason::Unwanted);
        }
        self.last_skip = None;
        let place = self.timeline.forward(packet.ext_seq).ok_or(DropReason::Unwanted)?;
        self.advance(now, packet, place)
    }

    /// Not on this packet's layer: begin here if it is the wanted one and a decoder can start.
    fn try_start(&mut self, now: Instant, packet: &InboundPacket<'_>) -> Result<Plan, DropReason> {
        if self.desired() != Some(packet.layer) || !packet.facts.keyframe || packet.payload.is_empty() {
            return Err(DropReason::Unwanted);
        }
        if self.payload_types_of(packet.codec).is_none() {
            self.refused = true;
            return Err(DropReason::UnknownPayloadType);
        }
        self.refused = false;
        let (epoch, picture_shift) = self.next_epoch(now, packet);
        let place = self.timeline.begin(packet.ext_seq, epoch, picture_shift);
        self.current = Some(packet.layer);
        self.temporal = self.target.temporal;
        // What an earlier epoch decided about a frame does not bind this one, which may begin before it.
        self.frames = FrameLog::new();
        self.frames.note(packet, true);
        self.last_skip = None;
        self.advance(now, packet, place)
    }

    fn payload_types_of(&self, codec: Codec) -> Option<PayloadTypes> {
        self.payload_types.get(codec_index(codec)).copied().flatten()
    }

    /// The shifts that make a new stretch go on from the newest packet sent.
    fn next_epoch(&self, now: Instant, packet: &InboundPacket<'_>) -> (Epoch, u16) {
        let mut epoch = Epoch { ssrc: packet.header.ssrc, layer: packet.layer, ..Epoch::default() };
        let (Some(newest), Some(last)) = (self.newest, self.timeline.epoch()) else { return (epoch, 0) };
        let timestamp = self.next_timestamp(now, packet, &newest, &last);
        epoch.timestamp_shift = timestamp.wrapping_sub(packet.header.timestamp);
        let Some(vp8) = packet.facts.vp8 else { return (epoch, 0) };
        epoch.tl0_shift = newest.numbers.tl0_picture_index.wrapping_add(1).wrapping_sub(vp8.tl0_picture_index);
        epoch.key_shift = newest.numbers.key_index.wrapping_add(1).wrapping_sub(vp8.key_index);
        let picture_shift = newest.numbers.picture_id.wrapping_add(1).wrapping_sub(vp8.picture_id);
        (epoch, picture_shift & PICTURE_ID_MASK)
    }

    /// The outbound timestamp of the first packet of a new stretch, always after the newest one sent.
    fn next_timestamp(&self, now: Instant, packet: &InboundPacket<'_>, newest: &Newest, last: &Epoch) -> u32 {
        let rate = packet.codec.clock_rate();
        let arrived = packet.header.timestamp;
        let by_arrival =
            newest.timestamp.wrapping_add(duration_to_ticks(now.saturating_duration_since(newest.at), rate) as u32);
        let candidate = if last.layer == packet.layer && last.ssrc == packet.header.ssrc {
            // The same source after a pause: its own clock went on.
            Some(arrived.wrapping_add(last.timestamp_shift))
        } else {
            let clocks = packet.clocks.get(last.layer).zip(packet.clocks.get(packet.layer));
            clocks
                .filter(|_| last.layer != packet.layer)
                .map(|(old, new)| old.timestamp_at(new.ntp_at(arrived, rate), rate).wrapping_add(last.timestamp_shift))
        };
        let tolerance = duration_to_ticks(MAX_CLOCK_DISAGREEMENT, rate) as u32;
        let timestamp = candidate
            .filter(|candidate| timestamp_distance(by_arrival, *candidate).unsigned_abs() <= tolerance)
            .unwrap_or(by_arrival);
        if timestamp_distance(newest.timestamp, timestamp) > 0 { timestamp } else { newest.timestamp.wrapping_add(1) }
    }

    /// Whether the frame of an in-order packet is forwarded. Between frames, follows the target's temporal layer: down at
    /// once, up one layer at a place that allows it.
    fn takes_frame(&mut self, packet: &InboundPacket<'_>) -> bool {
        if let Some(taken) = self.frames.newest(packet) {
            return taken;
        }
        let facts = &packet.facts;
        let climbs = facts.switching_point
            && facts.temporal_layer == self.temporal + 1
            && facts.temporal_layer <= self.target.temporal;
        if facts.keyframe || self.target.temporal < self.temporal {
            self.temporal = self.target.temporal;
        } else if climbs {
            self.temporal = facts.temporal_layer;
        }
        let taken = facts.temporal_layer <= self.temporal;
        self.frames.note(packet, taken);
        taken
    }

    /// Takes an in-order packet out of the stream without leaving a gap.
    fn skip(&mut self, packet: &InboundPacket<'_>, picture_id: Option<u16>) {
        let timestamp = packet.header.timestamp;
        let whole = self.last_skip.is_some_and(|last| last.timestamp == timestamp && last.picture_id == picture_id);
        self.timeline.skip(packet.ext_seq, whole);
        // Only now: numbers kept for what is missing before belong to earlier pictures.
        if picture_id.is_some() && !whole {
            self.timeline.close_picture_gap();
        }
        self.last_skip = Some(Skipped { timestamp, picture_id });
    }

    /// A packet from before the newest one: it gets the number that was kept for it.
    fn select_late(&mut self, now: Instant, packet: &InboundPacket<'_>) -> Result<Plan, DropReason> {
        let unwanted = self.is_thinned(packet);
        let place = self.timeline.late(packet.ext_seq, unwanted).ok_or(DropReason::Unwanted)?;
        if unwanted { self.plan(packet, place, Form::Filler) } else { self.advance(now, packet, place) }
    }

    /// Padding, or part of a frame that is not forwarded. A frame of which nothing has come before is decided here.
    fn is_thinned(&mut self, packet: &InboundPacket<'_>) -> bool {
        if packet.payload.is_empty() {
            return true;
        }
        if packet.facts.vp8.is_none() {
            return false;
        }
        if let Some(taken) = self.frames.find(packet) {
            return !taken;
        }
        let taken = packet.facts.temporal_layer <= self.temporal;
        self.frames.note_late(packet, taken);
        !taken
    }

    /// Plans a packet that is sent for the first time, and notes its numbers if they are the newest: also a late one's can
    /// be, when all that came after it was skipped.
    fn advance(&mut self, now: Instant, packet: &InboundPacket<'_>, place: Place) -> Result<Plan, DropReason> {
        let mut plan = self.plan(packet, place, Form::Media)?;
        plan.first = self.newest.is_none();
        let at = match self.newest {
            Some(newest) if newest.number > plan.number => return Ok(plan),
            // A frame counts from its first packet.
            Some(newest) if newest.timestamp == plan.timestamp => newest.at,
            _ => now,
        };
        self.newest = Some(Newest { number: plan.number, timestamp: plan.timestamp, at, numbers: plan.numbers });
        Ok(plan)
    }

    fn plan(&self, packet: &InboundPacket<'_>, place: Place, form: Form) -> Result<Plan, DropReason> {
        let types = self.payload_types_of(packet.codec).ok_or(DropReason::UnknownPayloadType)?;
        let extension_len = if form == Form::Filler { 0 } else { self.extension_len(packet, place.number) };
        let header_len = FIXED_HEADER_LEN + extension_len;
        let payload_len = if form == Form::Filler { write::FILLER_LEN } else { packet.payload.len() };
        let packet_len = u16::try_from(header_len + payload_len).map_err(|_| DropReason::Malformed)?;
        Ok(Plan {
            number: place.number,
            index: place.number,
            timestamp: packet.header.timestamp.wrapping_add(place.epoch.timestamp_shift),
            header_len: header_len as u16,
            packet_len,
            numbers: rewritten(packet, place),
            payload_type: types.media,
            form,
            first: false,
        })
    }
}

/// VP8's numbers at a place of the outbound stream.
fn rewritten(packet: &InboundPacket<'_>, place: Place) -> Vp8Numbers {
    let Some(vp8) = packet.facts.vp8 else { return Vp8Numbers::default() };
    Vp8Numbers {
        picture_id: vp8.picture_id.wrapping_add(place.picture_shift) & PICTURE_ID_MASK,
        tl0_picture_index: vp8.tl0_picture_index.wrapping_add(place.epoch.tl0_shift),
        key_index: vp8.key_index.wrapping_add(place.epoch.key_shift) & 0x1f,
    }
}

#[cfg(test)]
mod tests;
