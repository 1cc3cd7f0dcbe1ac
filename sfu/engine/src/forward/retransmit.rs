//! Answers to a subscriber's NACKs: which packet a number was, whether it may go again, and in which form.
//!
//! With a repair stream (RFC 4588) a packet goes again under a number of that stream. Without one it goes again as it
//! was: the same bytes under the same index, checked by digest, since one key and index must never seal two texts.

use std::time::Duration;
use std::time::Instant;

use super::CacheRef;
use super::Form;
use super::Forwarder;
use super::InboundPacket;
use super::Plan;
use super::timeline::Place;
use super::timeline::WINDOW;
use crate::api::DropReason;
use crate::rtp::rtx::OSN_LEN;

/// A packet goes again at most this often.
const MAX_REPEATS: u8 = 5;
/// Shortest time between two repetitions of a packet; half the round-trip time when that is longer.
const MIN_SPACING: Duration = Duration::from_millis(10);
/// The same while the round-trip time is unknown.
const UNKNOWN_SPACING: Duration = Duration::from_millis(30);
/// Packets whose repetitions are counted; a collision only forgets a count.
const COUNTED: usize = 256;

#[derive(Clone, Copy, Debug)]
struct Repeated {
    number: u64,
    at: Instant,
    count: u8,
}

/// The repair side of an outbound stream. Its tables are allocated when first needed.
#[derive(Debug)]
pub(super) struct Repairs {
    ssrc: Option<u32>,
    /// Extended sequence number that the repair stream has next.
    next: u64,
    repeated: Vec<Option<Repeated>>,
    /// Number and digest of what was sent, only without a repair stream.
    digests: Vec<(u64, u32)>,
}

impl Repairs {
    pub(super) const fn new(ssrc: Option<u32>, first_number: u64) -> Self {
        Self { ssrc, next: first_number, repeated: Vec::new(), digests: Vec::new() }
    }

    pub(super) const fn ssrc(&self) -> Option<u32> {
        self.ssrc
    }

    /// Counts a repetition of `number`; `false` when it came too soon or too often.
    fn permit(&mut self, now: Instant, number: u64, spacing: Duration) -> bool {
        if self.repeated.is_empty() {
            self.repeated.resize(COUNTED, None);
        }
        let Some(slot) = self.repeated.get_mut(number as usize % COUNTED) else { return false };
        match slot {
            Some(known) if known.number == number => {
                if known.count >= MAX_REPEATS || now.saturating_duration_since(known.at) < spacing {
                    return false;
                }
                known.count += 1;
                known.at = now;
            }
            _ => *slot = Some(Repeated { number, at: now, count: 1 }),
        }
        true
    }

    /// Remembers what is sent for the first time; for what is sent again tells whether it is the same.
    pub(super) fn same_as_before(&mut self, plan: &Plan, digest: impl FnOnce() -> u32) -> bool {
        if self.ssrc.is_some() {
            return plan.form != Form::Repeat;
        }
        if self.digests.is_empty() {
            self.digests.resize(WINDOW as usize, (u64::MAX, 0));
        }
        let Some(slot) = self.digests.get_mut((plan.number % WINDOW) as usize) else { return false };
        let entry = (plan.number, digest());
        if plan.form == Form::Repeat {
            return *slot == entry;
        }
        *slot = entry;
        true
    }
}

impl Forwarder {
    /// The packet behind a sequence number that the subscriber reports missing; `None` when it is too old or not sent yet.
    pub fn resolve(&self, sequence: u16) -> Option<CacheRef> {
        let number = self.timeline.extend(sequence);
        let (ext_seq, place) = self.timeline.origin(number)?;
        Some(CacheRef { layer: place.epoch.layer, ext_seq, number })
    }

    /// Plans to send again what [`Self::resolve`] named; `packet` is what the cache had. Then [`Self::write`] as usual.
    ///
    /// # Errors
    /// [`DropReason::Unwanted`]: too soon, too often, or it has no place any more.
    pub fn retransmit(&mut self, now: Instant, at: CacheRef, packet: &InboundPacket<'_>) -> Result<Plan, DropReason> {
        let (ext_seq, place) = self.timeline.origin(at.number).ok_or(DropReason::Unwanted)?;
        let same =
            ext_seq == packet.ext_seq && place.epoch.layer == packet.layer && place.epoch.ssrc == packet.header.ssrc;
        let spacing = self.report.rtt().map_or(UNKNOWN_SPACING, |rtt| (rtt / 2).max(MIN_SPACING));
        if self.halted() || !same || !self.repairs.permit(now, at.number, spacing) {
            return Err(DropReason::Unwanted);
        }
        let repair_type = self.payload_types_of(packet.codec).and_then(|types| types.repair);
        if self.timeline.is_filler(at.number) {
            // Fillers are made of the packet's header alone: always the same bytes.
            return self.plan(packet, place, Form::Filler);
        }
        if !self.timeline.is_used(at.number) {
            // It came, but not by way of this stream: now is its first time.
            return self.first_time(now, packet, place);
        }
        let (Some(_), Some(payload_type)) = (self.repairs.ssrc, repair_type) else {
            return self.plan(packet, place, Form::Repeat);
        };
        let mut plan = self.plan(packet, place, Form::Repair)?;
        plan.payload_type = payload_type;
        plan.packet_len = plan.packet_len.checked_add(OSN_LEN as u16).ok_or(DropReason::Malformed)?;
        plan.index = self.repairs.next;
        self.repairs.next += 1;
        Ok(plan)
    }
    /// Sends on its own SSRC what has a number but was never sent: it arrived when this stream did not take it. Of an older
    /// epoch only the number is filled: its pictures and times were given to what followed.
    fn first_time(&mut self, now: Instant, packet: &InboundPacket<'_>, place: Place) -> Result<Plan, DropReason> {
        let unwanted = !self.timeline.is_current(place.number) || self.is_thinned(packet);
        self.timeline.mark_used(place.number, unwanted);
        if unwanted { self.plan(packet, place, Form::Filler) } else { self.advance(now, packet, place) }
    }
}
