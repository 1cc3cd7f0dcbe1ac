//! Quality over time: what media nodes find of connections, kept in steps of five minutes.
//!
//! In: the figures in heartbeats. Out: rows, and what calls, organizations and the platform show of them.

use std::collections::BTreeMap;

use signaling_proto::heartbeat::{QualitySamples, RoomQuality};
use uuid::Uuid;

use super::analytics;
use crate::app::App;
use crate::model::clock::Micros;
use crate::model::quality::{QualityCounts, QualityStep};
use crate::store::analytics::quality as store;
use crate::store::db::StoreError;

/// Length of a step.
pub(crate) const STEP_US: i64 = 300_000_000;
/// Steps shown of one call: a week.
const MAX_STEPS: i64 = 2_016;

/// Notes what a node found. A heartbeat is a matter of life, figures are not: what cannot be stored is forgotten.
pub(crate) async fn note(app: &App, node_id: &str, found: &[RoomQuality]) {
    if found.is_empty() {
        return;
    }
    let mut rooms = BTreeMap::<&str, QualitySamples>::new();
    let mut all = QualitySamples::default();
    for room in found {
        rooms.entry(&room.sid).or_default().add(room.samples);
        all.add(room.samples);
    }
    let rooms: Vec<_> = rooms.into_iter().map(|(sid, samples)| RoomQuality { sid: sid.to_owned(), samples }).collect();
    let step = step_of(app.clock.now());
    let stored = match serde_json::to_string(&rooms) {
        Ok(rooms) => store::add(&app.db, &rooms, node_id, step).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = stored {
        metrics::counter!("plenum_call_quality_forgotten_total").increment(1);
        tracing::warn!(node = node_id, error, "what a media node found of connections could not be stored");
        return;
    }
    for (quality, count) in [("excellent", all.excellent), ("good", all.good), ("poor", all.poor), ("lost", all.lost)] {
        metrics::counter!("plenum_call_quality_samples_total", "quality" => quality).increment(count.into());
    }
}

/// The step a moment is in.
fn step_of(now: Micros) -> Micros {
    Micros(now.0 - now.0.rem_euclid(STEP_US))
}

/// What was found in a call; `None` when nothing was.
///
/// # Errors
/// As any statement.
pub(crate) async fn of_call(app: &App, call_id: Uuid) -> Result<Option<QualityCounts>, StoreError> {
    store::sum_of_call(&app.db, call_id).await
}

/// The latest steps of a call, the oldest first; steps without any judgement are left out.
///
/// # Errors
/// As any statement.
pub(crate) async fn steps(app: &App, call_id: Uuid) -> Result<Vec<QualityStep>, StoreError> {
    let mut steps = store::list_steps(&app.db, call_id, MAX_STEPS).await?;
    steps.reverse();
    Ok(steps)
}

/// What was found on one day.
#[derive(Debug)]
pub(crate) struct DayOfQuality {
    /// `2030-01-31`.
    pub date: String,
    pub counts: QualityCounts,
}

/// What was found in calls of an organization's rooms, or in all, one entry per day.
///
/// # Errors
/// As any statement.
pub(crate) async fn per_day(app: &App, org_id: Option<Uuid>, days: u32) -> Result<Vec<DayOfQuality>, StoreError> {
    let days = analytics::window(app.clock.now(), days);
    let rows = store::per_day(&app.db, org_id, analytics::start_of(&days)).await?;
    let counted: BTreeMap<i64, QualityCounts> = rows.into_iter().map(|row| (row.day, row.counts)).collect();
    let entry =
        |day| DayOfQuality { date: analytics::date(day), counts: counted.get(&day).copied().unwrap_or_default() };
    Ok(days.map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_begins_every_five_minutes() {
        for (now, step) in [(0, 0), (STEP_US - 1, 0), (STEP_US, STEP_US), (-1, -STEP_US)] {
            assert_eq!(step_of(Micros(now)), Micros(step));
        }
    }
}
