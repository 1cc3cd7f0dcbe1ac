//! What a worker counts. Written by its thread once per turn of its loop, read when somebody asks.

use std::sync::atomic::{AtomicU64, Ordering};

use sfu_engine::api::DropReason;

/// Totals since the worker started, but for `transports`, which is how many there are now.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) datagrams_in: AtomicU64,
    pub(super) bytes_in: AtomicU64,
    pub(super) datagrams_out: AtomicU64,
    pub(super) bytes_out: AtomicU64,
    pub(super) sends: AtomicU64,
    pub(super) send_errors: AtomicU64,
    pub(super) packets_forwarded: AtomicU64,
    pub(super) keyframe_requests: AtomicU64,
    pub(super) retransmissions: AtomicU64,
    pub(super) events_dropped: AtomicU64,
    pub(super) commands_dropped: AtomicU64,
    pub(super) transports: AtomicU64,
    pub(super) publications: AtomicU64,
    pub(super) subscriptions: AtomicU64,
    pub(super) slow_turns: AtomicU64,
    /// Microseconds of work, waits left out.
    pub(super) busy_us: AtomicU64,
    pub(super) drops: [AtomicU64; DropReason::COUNT],
}

impl Counters {
    pub(super) fn publish(&self, worker: usize) {
        let worker = worker.to_string();
        let totals = [
            ("plenum_media_datagrams_in_total", &self.datagrams_in),
            ("plenum_media_bytes_in_total", &self.bytes_in),
            ("plenum_media_datagrams_out_total", &self.datagrams_out),
            ("plenum_media_bytes_out_total", &self.bytes_out),
            ("plenum_media_send_calls_total", &self.sends),
            ("plenum_media_send_errors_total", &self.send_errors),
            ("plenum_media_packets_forwarded_total", &self.packets_forwarded),
            ("plenum_media_keyframe_requests_total", &self.keyframe_requests),
            ("plenum_media_retransmissions_total", &self.retransmissions),
            ("plenum_media_events_dropped_total", &self.events_dropped),
            ("plenum_media_commands_dropped_total", &self.commands_dropped),
            ("plenum_media_slow_turns_total", &self.slow_turns),
            ("plenum_media_busy_microseconds_total", &self.busy_us),
        ];
        for (name, value) in totals {
            metrics::counter!(name, "worker" => worker.clone()).absolute(value.load(Ordering::Relaxed));
        }
        let gauges = [
            ("plenum_media_transports", &self.transports),
            ("plenum_media_publications", &self.publications),
            ("plenum_media_subscriptions", &self.subscriptions),
        ];
        for (name, value) in gauges {
            metrics::gauge!(name, "worker" => worker.clone()).set(value.load(Ordering::Relaxed) as f64);
        }
        for (reason, value) in DropReason::LABELS.iter().zip(&self.drops) {
            metrics::counter!("plenum_media_dropped_total", "worker" => worker.clone(), "reason" => *reason)
                .absolute(value.load(Ordering::Relaxed));
        }
    }
}
