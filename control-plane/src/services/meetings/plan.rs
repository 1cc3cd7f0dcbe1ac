//! What people write down about a meeting, checked and made into what is stored.

use jiff::civil::DateTime;
use uuid::Uuid;

use super::MeetingError;
use crate::http::extract::SignedIn;
use crate::model::clock::Micros;
use crate::model::meeting::Meeting;
use crate::model::recurrence::{self, Rule, ScheduleError, place, wall_at, wall_text};
use crate::model::room::AccessLevel;
use crate::store::meetings::Plan;

/// Minutes a meeting lasts unless somebody says so.
const DEFAULT_DURATION_MIN: i64 = 60;
/// Microseconds of a minute.
pub(super) const MINUTE_US: i64 = 60_000_000;

/// When something begins, as a client said it.
#[derive(Clone, Debug)]
pub(crate) enum Start {
    /// What the clock on the wall shows.
    Wall(String),
    At(Micros),
}

impl Start {
    fn wall(&self, zone: &jiff::tz::TimeZone) -> Result<DateTime, MeetingError> {
        match self {
            Self::Wall(text) => recurrence::wall_clock(text).map_err(|error| field("local_start", &error)),
            Self::At(at) => wall_at(*at, zone)
                .ok_or_else(|| MeetingError::Field("starts_at", "must be between 1970 and 2200".into())),
        }
    }

    /// As a wall clock in the zone of a meeting.
    pub(super) fn in_zone(&self, timezone: &str) -> Result<DateTime, MeetingError> {
        self.wall(&recurrence::zone(timezone).map_err(|error| field("timezone", &error))?)
    }
}

fn field(name: &'static str, error: &ScheduleError) -> MeetingError {
    MeetingError::Field(name, error.to_string())
}

/// A meeting to be planned.
#[derive(Debug)]
pub(crate) struct MeetingForm {
    pub title: String,
    pub description: String,
    pub language: String,
    /// `None` = now.
    pub start: Option<Start>,
    pub timezone: String,
    pub duration_min: Option<i64>,
    pub rrule: Option<String>,
    pub room_id: Option<Uuid>,
    pub org_id: Option<Uuid>,
    /// Of its own room.
    pub access_level: Option<AccessLevel>,
}

impl MeetingForm {
    pub(super) fn plan(&self, now: Micros) -> Result<Plan, MeetingError> {
        settle(Plan {
            title: self.title.clone(),
            description: self.description.clone(),
            language: self.language.clone(),
            local_start: self.start.clone().unwrap_or(Start::At(now)).in_zone(&self.timezone).map(wall_text)?,
            timezone: self.timezone.clone(),
            duration_min: self.duration_min.unwrap_or(DEFAULT_DURATION_MIN),
            rrule: self.rrule.clone(),
            starts_at: Micros(0),
            ends_at: None,
        })
    }

    pub(super) fn access_level(&self, who: &SignedIn) -> AccessLevel {
        self.access_level.unwrap_or(who.user.default_room_access)
    }
}

/// What is to change of a meeting; `None` leaves it, `Some(None)` clears it.
#[derive(Clone, Debug, Default)]
pub(crate) struct MeetingChange {
    pub title: Option<String>,
    pub description: Option<String>,
    pub language: Option<String>,
    pub start: Option<Start>,
    pub timezone: Option<String>,
    pub duration_min: Option<i64>,
    pub rrule: Option<Option<String>>,
}

impl MeetingChange {
    /// What `old` becomes.
    pub(super) fn change(&self, old: Plan) -> Result<Plan, MeetingError> {
        let timezone = self.timezone.clone().unwrap_or_else(|| old.timezone.clone());
        let rrule = match (&self.rrule, &old.rrule) {
            (Some(rule), _) => rule.clone(),
            // UNTIL is kept in UTC and means the wall clock.
            (None, Some(rule)) if timezone != old.timezone => Some(moved(rule, &old.timezone, &timezone)?),
            (None, rule) => rule.clone(),
        };
        let local_start = match &self.start {
            Some(start) => start.in_zone(&timezone).map(wall_text)?,
            None => old.local_start.clone(),
        };
        settle(Plan {
            title: self.title.clone().unwrap_or(old.title),
            description: self.description.clone().unwrap_or(old.description),
            language: self.language.clone().unwrap_or(old.language),
            local_start,
            timezone,
            duration_min: self.duration_min.unwrap_or(old.duration_min),
            rrule,
            starts_at: old.starts_at,
            ends_at: old.ends_at,
        })
    }
}

/// The same rule for another zone.
fn moved(rule: &str, from: &str, to: &str) -> Result<String, MeetingError> {
    let (from, to) = (zone_of(from)?, zone_of(to)?);
    let rule = Rule::parse(rule, &from).map_err(|error| field("rrule", &error))?;
    Ok(rule.text(&to))
}

fn zone_of(name: &str) -> Result<jiff::tz::TimeZone, MeetingError> {
    recurrence::zone(name).map_err(|error| field("timezone", &error))
}

/// Derives what follows from wall clock, zone and rule.
pub(super) fn settle(mut plan: Plan) -> Result<Plan, MeetingError> {
    let zone = zone_of(&plan.timezone)?;
    let start = recurrence::wall_clock(&plan.local_start).map_err(|error| field("local_start", &error))?;
    let lasting = plan.duration_min.saturating_mul(MINUTE_US);
    let end_of = |wall| Micros(place(wall, &zone).0.saturating_add(lasting));
    let (first, ends_at, rrule) = match &plan.rrule {
        None => (start, Some(end_of(start)), None),
        Some(text) => {
            let rule = Rule::parse(text, &zone).map_err(|error| field("rrule", &error))?;
            let first = rule.first(start).map_err(|error| field("rrule", &error))?;
            (first, rule.last(first).map(end_of), Some(rule.text(&zone)))
        }
    };
    plan.local_start = wall_text(first);
    plan.starts_at = place(first, &zone);
    plan.ends_at = ends_at;
    plan.rrule = rrule;
    Ok(plan)
}

/// The plan of a stored meeting.
pub(super) fn of(meeting: &Meeting) -> Plan {
    Plan {
        title: meeting.title.clone(),
        description: meeting.description.clone(),
        language: meeting.language.clone(),
        local_start: meeting.local_start.clone(),
        timezone: meeting.timezone.clone(),
        duration_min: meeting.duration_min,
        rrule: meeting.rrule.clone(),
        starts_at: meeting.starts_at,
        ends_at: meeting.ends_at,
    }
}

/// Names of the fields that differ.
pub(super) fn changed(old: &Plan, new: &Plan) -> Vec<&'static str> {
    let fields = [
        ("title", old.title != new.title),
        ("description", old.description != new.description),
        ("language", old.language != new.language),
        ("local_start", old.local_start != new.local_start),
        ("timezone", old.timezone != new.timezone),
        ("duration_min", old.duration_min != new.duration_min),
        ("rrule", old.rrule != new.rrule),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
