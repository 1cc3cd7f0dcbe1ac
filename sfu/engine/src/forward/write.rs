//! A plan made into bytes: header, extensions, payload with VP8's numbers replaced.

use super::Form;
use super::Forwarder;
use super::InboundPacket;
use super::MID_PACKETS;
use super::Outgoing;
use super::Plan;
use crate::api::Codec;
use crate::api::DropReason;
use crate::rtp::extension::Block;
use crate::rtp::header::FIXED_HEADER_LEN;
use crate::rtp::header::FixedHeader;
use crate::rtp::header::write_fixed;
use crate::rtp::rtx::OSN_LEN;

/// Payload of a packet that only fills its number: the padding count.
pub(super) const FILLER_LEN: usize = 1;
/// Start of the payload that a digest covers: the longest VP8 descriptor.
const DIGEST_PAYLOAD: usize = 6;

/// The extension elements of an outbound packet, kept where [`Block`] can borrow them.
pub(super) struct Scratch {
    level: [u8; 1],
    delay: [u8; 3],
    orientation: [u8; 1],
}

impl Scratch {
    pub(super) fn new(packet: &InboundPacket<'_>) -> Self {
        let extensions = &packet.extensions;
        Self {
            level: [extensions.audio_level.map_or(0, |level| level.to_byte())],
            delay: extensions.playout_delay.unwrap_or_default(),
            orientation: [extensions.video_orientation.unwrap_or_default()],
        }
    }
}

impl Forwarder {
    /// Bytes of the extension block; nearly all video packets have none.
    pub(super) fn extension_len(&self, packet: &InboundPacket<'_>, number: u64) -> usize {
        if !self.has_mid(number) && !packet.extensions.has_forwarded() {
            return 0;
        }
        self.extension_block(packet, number, &Scratch::new(packet)).wire_len()
    }

    const fn has_mid(&self, number: u64) -> bool {
        number.wrapping_sub(self.first_number) < MID_PACKETS
    }

    /// What the subscriber negotiated and the packet carries.
    fn extension_block<'a>(&'a self, packet: &InboundPacket<'a>, number: u64, scratch: &'a Scratch) -> Block<'a> {
        let (ids, found) = (&self.extensions, &packet.extensions);
        let mut block = Block::new();
        if self.has_mid(number) {
            block.add(ids.mid, &self.mid);
        }
        if found.audio_level.is_some() {
            block.add(ids.audio_level, &scratch.level);
        }
        if let Some(time) = found.abs_capture_time {
            block.add(ids.abs_capture_time, time);
        }
        if found.playout_delay.is_some() {
            block.add(ids.playout_delay, &scratch.delay);
        }
        if found.video_orientation.is_some() {
            block.add(ids.video_orientation, &scratch.orientation);
        }
        // Where we renumber pictures (VP8) the descriptor's frame numbers would contradict them.
        if let (Some(descriptor), Codec::Av1 | Codec::Vp9) = (found.dependency_descriptor, packet.codec) {
            block.add(ids.dependency_descriptor, descriptor);
        }
        block
    }

    /// Writes a planned packet to the start of `out`, which has at least [`Plan::packet_len`] bytes; what is behind them is
    /// left for the tag. `packet` is the one that was planned for.
    ///
    /// # Errors
    /// [`DropReason::QueueFull`]: `out` is too short. [`DropReason::Unwanted`]: a repetition would not be identical to what
    /// was sent first (extensions were renegotiated), so it must not be sealed.
    pub fn write(&mut self, plan: &Plan, packet: &InboundPacket<'_>, out: &mut [u8]) -> Result<Outgoing, DropReason> {
        let out = out.get_mut(..plan.packet_len()).ok_or(DropReason::QueueFull)?;
        let (header, payload) = out.split_at_mut_checked(usize::from(plan.header_len)).ok_or(DropReason::QueueFull)?;
        self.write_header(plan, packet, header)?;
        match plan.form {
            Form::Filler => payload.fill(FILLER_LEN as u8),
            Form::Media | Form::Repeat => write_payload(plan, packet, payload)?,
            Form::Repair => {
                let (original, payload) = payload.split_first_chunk_mut::<OSN_LEN>().ok_or(DropReason::QueueFull)?;
                *original = (plan.number as u16).to_be_bytes();
                write_payload(plan, packet, payload)?;
            }
        }
        if plan.form != Form::Repair && !self.repairs.same_as_before(plan, || digest(out, plan)) {
            return Err(DropReason::Unwanted);
        }
        self.report.count(plan.form == Form::Repair, out.len(), out.len() - usize::from(plan.header_len));
        Ok(Outgoing {
            ssrc: self.ssrc_of(plan),
            index: plan.index,
            header_len: usize::from(plan.header_len),
            packet_len: out.len(),
            first: plan.first,
        })
    }

    fn ssrc_of(&self, plan: &Plan) -> u32 {
        if plan.form == Form::Repair { self.repairs.ssrc().unwrap_or(self.ssrc) } else { self.ssrc }
    }

    fn write_header(&self, plan: &Plan, packet: &InboundPacket<'_>, out: &mut [u8]) -> Result<(), DropReason> {
        let (fixed, rest) = out.split_first_chunk_mut::<FIXED_HEADER_LEN>().ok_or(DropReason::QueueFull)?;
        let filler = plan.form == Form::Filler;
        *fixed = write_fixed(&FixedHeader {
            ssrc: self.ssrc_of(plan),
            timestamp: plan.timestamp,
            sequence: plan.index as u16,
            payload_type: plan.payload_type,
            marker: packet.header.marker && !filler,
            padding: filler,
            extension: !rest.is_empty(),
        });
        if !rest.is_empty() {
            self.extension_block(packet, plan.number, &Scratch::new(packet)).write(rest);
        }
        Ok(())
    }
}

fn write_payload(plan: &Plan, packet: &InboundPacket<'_>, out: &mut [u8]) -> Result<(), DropReason> {
    if out.len() != packet.payload.len() {
        return Err(DropReason::QueueFull);
    }
    out.copy_from_slice(packet.payload);
    if let Some(vp8) = &packet.facts.vp8 {
        vp8.rewrite(out, plan.numbers);
    }
    Ok(())
}

/// FNV-1a over everything that could differ when the same packet is written again: length, header, descriptor.
fn digest(packet: &[u8], plan: &Plan) -> u32 {
    let covered = usize::from(plan.header_len) + DIGEST_PAYLOAD;
    let seed = 0x811c_9dc5 ^ u32::from(plan.packet_len);
    packet.iter().take(covered).fold(seed, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
