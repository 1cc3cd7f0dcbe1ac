//! Calendar data (RFC 5545, RFC 5546): a meeting as other people's calendars understand it.
//!
//! In: meetings with what differs from their rule, and for whom. Out: iCalendar text; the crate `icalendar` folds and
//! escapes it. A meeting without rule is told in UTC; a series on the wall clock of its zone, which comes along, because
//! UTC would move it at every change of clocks.

use std::collections::BTreeSet;
use std::fmt;

use icalendar::{Attendee, Calendar, Component, Event, EventLike, EventStatus, PartStat, Property, Role};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::plan::MINUTE_US;
use crate::model::clock::Micros;
use crate::model::meeting::{Invite, InviteRole, InviteStatus, Meeting, MeetingStatus, Occurrence};
use crate::model::recurrence::{self, compact, utc_text, wall_at};
use crate::services::web_pages;

/// Occurrences that differ from their rule, in one calendar entry.
pub(super) const MAX_EXCEPTIONS: i64 = 1_000;
/// Who made the data.
const PRODID: &str = "-//Plenum//Meetings//EN";

/// What a mail asks a calendar to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Method {
    Request,
    Cancel,
}

impl Method {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "REQUEST",
            Self::Cancel => "CANCEL",
        }
    }
}

/// A meeting in a calendar.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub meeting: &'a Meeting,
    /// Occurrences that are edited or called off.
    pub exceptions: &'a [Occurrence],
    /// Nothing but this occurrence.
    pub only: Option<&'a Occurrence>,
    /// Addresses to be named, with their invitations.
    pub attendees: &'a [(&'a str, Option<&'a Invite>)],
}

/// Writes a calendar.
///
/// # Errors
/// Formatting refused, which does not happen to strings.
pub(super) fn write(
    base: &str,
    method: Option<Method>,
    entries: &[Entry<'_>],
    now: Micros,
) -> Result<String, fmt::Error> {
    let mut calendar = Calendar::empty();
    calendar.append_property(("VERSION", "2.0"));
    calendar.append_property(("PRODID", PRODID));
    calendar.append_property(("CALSCALE", "GREGORIAN"));
    if let Some(method) = method {
        calendar.append_property(("METHOD", method.as_str()));
    }
    let head = calendar.to_string();
    let mut text = head.trim_end().strip_suffix("END:VCALENDAR").unwrap_or(&head).to_owned();
    let series = entries.iter().filter(|entry| entry.meeting.rrule.is_some());
    let zones: BTreeSet<(&str, i64)> =
        series.map(|entry| (entry.meeting.timezone.as_str(), entry.meeting.starts_at.0)).collect();
    let mut told = BTreeSet::new();
    for (name, starts_at) in zones {
        // The earliest start of each zone comes first.
        if told.insert(name)
            && let Ok(zone) = recurrence::zone(name)
        {
            text.push_str(&super::vtimezone::write(name, &zone, Micros(starts_at)));
        }
    }
    for entry in entries {
        for event in events(base, method, entry, now) {
            text.push_str(&event.try_into_string()?);
        }
    }
    text.push_str("END:VCALENDAR\r\n");
    Ok(text)
}

fn events(base: &str, method: Option<Method>, entry: &Entry<'_>, now: Micros) -> Vec<Event> {
    let zone = recurrence::zone(&entry.meeting.timezone).unwrap_or(TimeZone::UTC);
    let clock = Wall { zone: &zone, name: entry.meeting.rrule.as_ref().map(|_| entry.meeting.timezone.as_str()) };
    if let Some(only) = entry.only {
        return vec![occurrence(base, method, entry, only, &clock, now)];
    }
    let mut all = vec![master(base, method, entry, &clock, now)];
    if entry.meeting.rrule.is_some() && method != Some(Method::Cancel) {
        let edited = entry.exceptions.iter().filter(|one| one.status != MeetingStatus::Cancelled);
        all.extend(edited.map(|one| occurrence(base, method, entry, one, &clock, now)));
    }
    all
}

/// How times of a meeting are written.
struct Wall<'a> {
    zone: &'a TimeZone,
    /// `None` = in UTC.
    name: Option<&'a str>,
}

impl Wall<'_> {
    fn property(&self, key: &str, at: Micros) -> Property {
        match (self.name, wall_at(at, self.zone)) {
            (Some(name), Some(wall)) => self.of_wall(key, name, wall),
            _ => Property::new(key, utc_text(at)),
        }
    }

    fn of_wall(&self, key: &str, name: &str, wall: DateTime) -> Property {
        Property::new(key, compact(wall)).add_parameter("TZID", name).done()
    }
}

/// The meeting, with its rule if it has one.
fn master(base: &str, method: Option<Method>, entry: &Entry<'_>, clock: &Wall<'_>, now: Micros) -> Event {
    let meeting = entry.meeting;
    let mut event = common(base, method, entry, now);
    event.summary(&meeting.title);
    describe(&mut event, base, meeting, &meeting.description);
    // The first instance by its wall clock: if that is skipped by a change of clocks, it still names the rule's time.
    let start = match (clock.name, recurrence::wall_clock(&meeting.local_start)) {
        (Some(name), Ok(wall)) => clock.of_wall("DTSTART", name, wall),
        _ => clock.property("DTSTART", meeting.starts_at),
    };
    event.append_property(start);
    let ends_at = Micros(meeting.starts_at.0.saturating_add(meeting.duration_min.saturating_mul(MINUTE_US)));
    event.append_property(clock.property("DTEND", ends_at));
    if let Some(rule) = &meeting.rrule {
        event.add_property("RRULE", rule.as_str());
        for gone in entry.exceptions.iter().filter(|one| one.status == MeetingStatus::Cancelled) {
            event.append_multi_property(clock.property("EXDATE", gone.original_start_at));
        }
    }
    let cancelled = method == Some(Method::Cancel) || meeting.status == MeetingStatus::Cancelled;
    event.status(if cancelled { EventStatus::Cancelled } else { EventStatus::Confirmed });
    event.done()
}

/// One occurrence, named by where the rule put it.
fn occurrence(
    base: &str,
    method: Option<Method>,
    entry: &Entry<'_>,
    one: &Occurrence,
    clock: &Wall<'_>,
    now: Micros,
) -> Event {
    let (meeting, edits) = (entry.meeting, &one.edits.0);
    let mut event = common(base, method, entry, now);
    event.summary(edits.title.as_deref().unwrap_or(&meeting.title));
    describe(&mut event, base, meeting, edits.description.as_deref().unwrap_or(&meeting.description));
    if meeting.rrule.is_some() {
        event.append_property(clock.property("RECURRENCE-ID", one.original_start_at));
    }
    event.append_property(clock.property("DTSTART", one.starts_at));
    event.append_property(clock.property("DTEND", one.ends_at));
    let cancelled = method == Some(Method::Cancel) || one.status == MeetingStatus::Cancelled;
    event.status(if cancelled { EventStatus::Cancelled } else { EventStatus::Confirmed });
    event.done()
}

fn common(base: &str, method: Option<Method>, entry: &Entry<'_>, now: Micros) -> Event {
    let meeting = entry.meeting;
    let mut event = Event::with_uid(&meeting.ical_uid);
    event.add_property("DTSTAMP", utc_text(now));
    event.add_property("CREATED", utc_text(meeting.created_at));
    event.add_property("LAST-MODIFIED", utc_text(meeting.updated_at));
    event.sequence(u32::try_from(meeting.ical_seq).unwrap_or(u32::MAX));
    if !base.is_empty() {
        let link = format!("{base}{}", web_pages::join(&meeting.room_code));
        event.location(&link);
        event.url(&link);
    }
    let organizer = Property::new("ORGANIZER", format!("mailto:{}", meeting.organizer_email))
        .add_parameter("CN", &parameter(&meeting.organizer_name))
        .done();
    event.append_property(organizer);
    for (email, invite) in entry.attendees {
        event.attendee(attendee(email, *invite, method));
    }
    event.done()
}

fn attendee(email: &str, invite: Option<&Invite>, method: Option<Method>) -> Attendee {
    let status = match invite.map(|invite| invite.status) {
        Some(InviteStatus::Accepted) => PartStat::Accepted,
        Some(InviteStatus::Declined) => PartStat::Declined,
        Some(InviteStatus::Tentative) => PartStat::Tentative,
        Some(InviteStatus::Pending) | None => PartStat::NeedsAction,
    };
    let role = match invite.map(|invite| invite.role) {
        Some(InviteRole::CoOrganizer) => Role::Chair,
        _ => Role::ReqParticipant,
    };
    let name = invite.and_then(|invite| invite.display_name.as_deref()).unwrap_or(email);
    let attendee = Attendee::new(format!("mailto:{email}")).partstat(status).role(role).cn(parameter(name));
    attendee.rsvp(method == Some(Method::Request) && status == PartStat::NeedsAction)
}

/// Text of a parameter: quotation marks cannot be escaped there (RFC 5545, 3.2).
fn parameter(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).map(|c| if c == '"' { '\'' } else { c }).collect()
}

fn describe(event: &mut Event, base: &str, meeting: &Meeting, description: &str) {
    let mut text: String =
        description.replace("\r\n", "\n").chars().filter(|c| !c.is_control() || *c == '\n' || *c == '\t').collect();
    if !base.is_empty() {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&format!("{base}{}", web_pages::join(&meeting.room_code)));
    }
    if !text.is_empty() {
        event.description(&text);
    }
}

#[cfg(test)]
mod tests;
