//! Reports about one subscription: the sender reports that it gets, and what its receiver reports tell.
//!
//! Sender reports carry the publisher's clock; see [`crate::rtp::sender_report`] for why.

use std::time::Duration;
use std::time::Instant;

use super::Forwarder;
use crate::api::SubscriptionId;
use crate::api::SubscriptionStats;
use crate::rtp::rtcp::ReportBlock;
use crate::rtp::rtcp::SenderInfo;
use crate::rtp::sender_report::LayerClocks;
use crate::rtp::sender_report::SenderClock;
use crate::rtp::sender_report::compact_ntp;
use crate::rtp::sender_report::compact_to_duration;

/// Sender reports that a round-trip time can still refer to.
const SENT_REPORTS: usize = 4;

/// What sender and receiver reports told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reports {
    /// Publisher's time and outbound timestamp, from the newest sender report.
    anchor: Option<SenderClock>,
    sent: [Option<(u32, Instant)>; SENT_REPORTS],
    sent_count: usize,
    fraction_lost: u8,
    rtt: Option<Duration>,
    /// Packets and payload bytes of the stream itself, for sender reports.
    packets: u32,
    octets: u32,
    /// Packets and bytes with repairs: all, and at the last call of [`Forwarder::take_stats`].
    sent_total: (u64, u64),
    told: (u64, u64),
}

impl Reports {
    pub(super) const fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    /// Counts a packet that was written; a repair is no part of the stream that sender reports speak of.
    pub(super) fn count(&mut self, repair: bool, packet_len: usize, payload_len: usize) {
        self.sent_total.0 += 1;
        self.sent_total.1 += packet_len as u64;
        if !repair {
            self.packets = self.packets.wrapping_add(1);
            self.octets = self.octets.wrapping_add(payload_len as u32);
        }
    }
}

impl Forwarder {
    /// The sender report for now: the publisher's clock in the numbers of this stream. `None` while nothing is sent or the
    /// publisher has not reported. Remembers it, so that receiver reports yield a round-trip time.
    pub fn sender_report(&mut self, now: Instant, clocks: &LayerClocks, clock_rate: u32) -> Option<SenderInfo> {
        if self.halted() {
            return None;
        }
        let epoch = self.timeline.epoch()?;
        let report = &mut self.report;
        if let Some(clock) = clocks.get(epoch.layer) {
            report.anchor = Some(SenderClock { rtp: clock.rtp.wrapping_add(epoch.timestamp_shift), ..clock });
        }
        let (ntp, rtp) = report.anchor?.at(now, clock_rate);
        if let Some(slot) = report.sent.get_mut(report.sent_count % SENT_REPORTS) {
            *slot = Some((compact_ntp(ntp), now));
        }
        report.sent_count = report.sent_count.wrapping_add(1);
        Some(SenderInfo { ssrc: self.ssrc, ntp, rtp, packets: report.packets, octets: report.octets })
    }

    /// A report block of the subscriber about [`Self::ssrc`]: loss, and the round trip since our last sender report.
    pub fn on_receiver_report(&mut self, now: Instant, block: &ReportBlock) {
        self.report.fraction_lost = block.fraction_lost;
        let sent = self.report.sent.iter().flatten().find(|(lsr, _)| *lsr == block.last_sender_report);
        if let Some((_, at)) = sent.filter(|_| block.last_sender_report != 0) {
            let elapsed = now.saturating_duration_since(*at);
            let rtt = elapsed.saturating_sub(compact_to_duration(block.delay_since_last_sender_report));
            self.report.rtt = Some(rtt.max(Duration::from_micros(1)));
        }
    }

    /// From the last receiver report that could tell.
    pub const fn rtt(&self) -> Option<Duration> {
        self.report.rtt
    }

    /// Figures since the last call.
    pub fn take_stats(&mut self, id: SubscriptionId) -> SubscriptionStats {
        let (total, told) = (self.report.sent_total, self.report.told);
        self.report.told = total;
        SubscriptionStats {
            id,
            packets: total.0 - told.0,
            bytes: total.1 - told.1,
            loss: f32::from(self.report.fraction_lost) / 256.0,
            rtt: self.report.rtt,
            layer: self.current,
        }
    }
}
