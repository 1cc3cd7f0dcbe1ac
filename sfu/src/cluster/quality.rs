//! How good connections were, room by room, until the next heartbeat tells it.
//!
//! In: every room's judgements, a few times a minute. Out: what one heartbeat tells. Not on the way of any packet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use signaling_proto::heartbeat::QualitySamples;
use signaling_proto::heartbeat::RoomQuality;

/// Rooms remembered while the control plane does not answer; what comes beyond is counted and forgotten.
const MAX_ROOMS: usize = 4_096;

/// What was not told yet, by the room's sid; also of rooms that have ended meanwhile.
#[derive(Default)]
pub(crate) struct PendingQuality(Mutex<BTreeMap<Arc<str>, QualitySamples>>);

impl PendingQuality {
    fn rooms(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, QualitySamples>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what a room found.
    pub(crate) fn add(&self, sid: &Arc<str>, samples: QualitySamples) {
        let mut rooms = self.rooms();
        if samples.is_empty() {
            return;
        }
        if let Some(known) = rooms.get_mut(sid) {
            known.add(samples);
        } else if rooms.len() < MAX_ROOMS {
            rooms.insert(Arc::clone(sid), samples);
        } else {
            metrics::counter!("plenum_quality_untold_total").increment(1);
        }
    }

    /// Takes what at most `limit` rooms found.
    pub(crate) fn take(&self, limit: usize) -> Vec<RoomQuality> {
        let mut rooms = self.rooms();
        let first = std::iter::from_fn(|| rooms.pop_first()).take(limit);
        first.map(|(sid, samples)| RoomQuality { sid: sid.to_string(), samples }).collect()
    }

    /// Takes back what could not be told.
    pub(crate) fn give_back(&self, told: Vec<RoomQuality>) {
        for RoomQuality { sid, samples } in told {
            self.add(&sid.into(), samples);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(good: u32) -> QualitySamples {
        QualitySamples { good, ..QualitySamples::default() }
    }

    #[test]
    fn what_is_not_told_is_kept_and_added_to() {
        let pending = PendingQuality::default();
        let (a, b): (Arc<str>, Arc<str>) = ("RM_a".into(), "RM_b".into());
        pending.add(&a, good(1));
        pending.add(&b, good(2));
        pending.add(&b, QualitySamples::default());
        let told = pending.take(1);
        assert_eq!(told, [RoomQuality { sid: "RM_a".into(), samples: good(1) }]);
        pending.add(&a, good(3));
        pending.give_back(told);
        let samples: Vec<_> = pending.take(9).into_iter().map(|room| (room.sid, room.samples.good)).collect();
        assert_eq!(samples, [("RM_a".to_owned(), 4), ("RM_b".to_owned(), 2)]);
        assert!(pending.take(9).is_empty());
    }

    #[test]
    fn a_control_plane_that_is_away_for_long_costs_no_more() {
        let pending = PendingQuality::default();
        for n in 0..MAX_ROOMS + 10 {
            pending.add(&format!("RM_{n}").into(), good(1));
        }
        assert_eq!(pending.take(usize::MAX).len(), MAX_ROOMS);
    }
}
