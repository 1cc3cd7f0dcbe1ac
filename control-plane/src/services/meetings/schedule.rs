//! Occurrences made from the plan of a meeting: ahead of time, and anew when the plan changes.

use std::collections::HashMap;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::plan::MINUTE_US;
use crate::model::clock::Micros;
use crate::model::meeting::{Edits, Meeting, MeetingStatus, Occurrence};
use crate::model::recurrence::{self, Instance, Rule, place};
use crate::store::db::StoreError;
use crate::store::meeting_occurrences::{self as store, NewOccurrence};
use crate::store::meetings::{self, Plan};
use crate::store::tx::Tx;

/// How far ahead occurrences exist.
pub(crate) const AHEAD: Duration = Duration::from_secs(90 * 86_400);
/// Occurrences made in one go; what is missing follows in the next.
const MAX_AT_ONCE: usize = 400;
/// Occurrences of one meeting that are looked at when it changes.
pub(super) const MAX_ROWS: i64 = 5_000;

/// The plan of a meeting, read.
pub(super) struct Schedule {
    pub zone: TimeZone,
    pub start: DateTime,
    pub rule: Option<Rule>,
    pub duration_us: i64,
}

impl Schedule {
    /// Reads what [`super::plan::settle`] has written; `None` when this server no longer understands it.
    pub(super) fn of(meeting: &Meeting) -> Option<Self> {
        let zone = recurrence::zone(&meeting.timezone).ok()?;
        let start = recurrence::wall_clock(&meeting.local_start).ok()?;
        let rule = match &meeting.rrule {
            Some(text) => Some(Rule::parse(text, &zone).ok()?),
            None => None,
        };
        Some(Self { zone, start, rule, duration_us: meeting.duration_min.saturating_mul(MINUTE_US) })
    }

    fn instances(&self, from: Micros, to: Micros) -> Vec<Instance> {
        match &self.rule {
            Some(rule) => rule.instances(self.start, &self.zone, from, to, MAX_AT_ONCE),
            None => vec![Instance { wall: self.start, at: place(self.start, &self.zone) }],
        }
    }

    /// The instance whose original start is `at`.
    pub(super) fn instance_at(&self, at: Micros) -> Option<Instance> {
        self.instances(at, Micros(at.0.saturating_add(1))).into_iter().find(|one| one.at == at)
    }

    /// When an occurrence takes place, with what was edited of it.
    pub(super) fn times(&self, original: Micros, edits: &Edits) -> (Micros, Micros) {
        let moved = edits.local_start.as_deref().and_then(|text| recurrence::wall_clock(text).ok());
        let starts_at = moved.map_or(original, |wall| place(wall, &self.zone));
        let lasting = edits.duration_min.map_or(self.duration_us, |minutes| minutes.saturating_mul(MINUTE_US));
        (starts_at, Micros(starts_at.0.saturating_add(lasting)))
    }
}

/// Whether two plans differ in when things happen.
pub(super) fn differs(old: &Plan, new: &Plan) -> bool {
    old.local_start != new.local_start
        || old.timezone != new.timezone
        || old.duration_min != new.duration_min
        || old.rrule != new.rrule
}

/// Until when occurrences are to exist.
fn horizon(meeting: &Meeting, now: Micros) -> Micros {
    now.max(meeting.starts_at).plus(AHEAD)
}

/// Makes the occurrences that are missing up to the horizon; those that exist stay as they are.
///
/// # Errors
/// As any statement.
pub(crate) async fn expand(tx: &mut Tx, meeting_id: Uuid, now: Micros) -> Result<(), StoreError> {
    let Some(meeting) = meetings::find(&mut *tx, meeting_id, Uuid::nil()).await? else { return Ok(()) };
    if meeting.status == MeetingStatus::Cancelled {
        return Ok(());
    }
    let Some(schedule) = Schedule::of(&meeting) else {
        tracing::error!(meeting = %meeting_id, "the plan of a meeting cannot be read");
        return Ok(());
    };
    let (from, to) = (meeting.expanded_until.unwrap_or(meeting.starts_at), horizon(&meeting, now));
    insert(tx, &meeting, &schedule, from, to, now).await
}

async fn insert(
    tx: &mut Tx,
    meeting: &Meeting,
    schedule: &Schedule,
    from: Micros,
    to: Micros,
    now: Micros,
) -> Result<(), StoreError> {
    let instances = schedule.instances(from, to);
    for instance in &instances {
        add(tx, meeting.id, schedule, instance.at, MeetingStatus::Scheduled, &Edits::default(), now).await?;
    }
    let reached = match instances.last() {
        Some(last) if instances.len() >= MAX_AT_ONCE => Micros(last.at.0.saturating_add(1)),
        _ => to,
    };
    meetings::set_expanded(tx, meeting.id, reached).await
}

/// Writes one occurrence down.
pub(super) async fn add(
    tx: &mut Tx,
    meeting_id: Uuid,
    schedule: &Schedule,
    original_start_at: Micros,
    status: MeetingStatus,
    edits: &Edits,
    now: Micros,
) -> Result<(), StoreError> {
    let (starts_at, ends_at) = schedule.times(original_start_at, edits);
    let new = NewOccurrence { meeting_id, original_start_at, starts_at, ends_at, status, edits };
    store::insert(tx, new, now).await?;
    Ok(())
}

/// Brings the occurrences in line with a changed plan: what has begun stays, what is to come is made anew, and keeps what
/// was edited of it if it still is to happen.
///
/// # Errors
/// As any statement.
pub(super) async fn reschedule(tx: &mut Tx, meeting_id: Uuid, now: Micros) -> Result<(), StoreError> {
    let Some(meeting) = meetings::find(&mut *tx, meeting_id, Uuid::nil()).await? else { return Ok(()) };
    let Some(schedule) = Schedule::of(&meeting) else { return Ok(()) };
    let rows = store::list_from(&mut *tx, meeting_id, Micros(i64::MIN), MAX_ROWS).await?;
    let series = schedule.rule.is_some();
    let is_history = |row: &Occurrence| {
        matches!(row.status, MeetingStatus::Ongoing | MeetingStatus::Completed) || (series && row.starts_at <= now)
    };
    let has_history = rows.iter().any(is_history);
    let from = if series && has_history { now } else { Micros(i64::MIN) };
    let to = horizon(&meeting, now);
    let mut wanted: HashMap<Micros, Instance> =
        schedule.instances(from, to).into_iter().map(|one| (one.at, one)).collect();
    for mut row in rows {
        let stays = wanted.remove(&row.original_start_at).is_some();
        if is_history(&row) {
            continue;
        }
        if !stays {
            store::delete(tx, row.id).await?;
            continue;
        }
        (row.starts_at, row.ends_at) = schedule.times(row.original_start_at, &row.edits.0);
        store::update(tx, &row, now).await?;
    }
    let mut missing: Vec<Micros> = wanted.into_keys().collect();
    missing.sort_unstable();
    for original in missing {
        add(tx, meeting_id, &schedule, original, MeetingStatus::Scheduled, &Edits::default(), now).await?;
    }
    meetings::set_expanded(tx, meeting_id, to).await
}
