//! A time zone in calendar data (RFC 5545, 3.6.5): its offsets from a moment on, as yearly rules where there are such.
//!
//! In: a zone of the tz database. Out: a VTIMEZONE. Every value in it is made of letters and digits, so nothing is escaped
//! and no line is longer than 75 octets.

use std::fmt::Write;

use jiff::civil::DateTime;
use jiff::tz::{Dst, Offset, TimeZone};

use crate::model::clock::Micros;
use crate::model::recurrence::compact;

/// Changes of clocks that are looked at: ten years of two each.
const MAX_CHANGES: usize = 20;
/// As few of them show no yearly rule.
const MIN_FOR_RULE: usize = 5;

/// One change of clocks.
#[derive(Clone, Debug)]
struct Change {
    /// What the clock showed when it was changed.
    wall: DateTime,
    from: Offset,
    to: Offset,
    summer: bool,
    name: String,
}

/// Writes a zone for times from `from` on.
pub(super) fn write(name: &str, zone: &TimeZone, from: Micros) -> String {
    let begin = jiff::Timestamp::from_microsecond(from.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    // A day earlier: what happens on the first day depends on the clocks before.
    let begin = begin.checked_sub(jiff::SignedDuration::from_hours(24)).unwrap_or(begin);
    let first = zone.to_offset_info(begin);
    let (mut offset, mut changes) = (first.offset(), Vec::new());
    for next in zone.following(begin).take(MAX_CHANGES) {
        let wall = offset.to_datetime(next.timestamp());
        let summer = next.dst() == Dst::Yes;
        let name = next.abbreviation().to_owned();
        changes.push(Change { wall, from: offset, to: next.offset(), summer, name });
        offset = next.offset();
    }
    let mut text = format!("BEGIN:VTIMEZONE\r\nTZID:{name}\r\n");
    let base = Change {
        wall: jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0),
        from: first.offset(),
        to: first.offset(),
        summer: first.dst() == Dst::Yes,
        name: first.abbreviation().to_owned(),
    };
    observance(&mut text, &base, None);
    let (summers, winters): (Vec<Change>, Vec<Change>) = changes.iter().cloned().partition(|change| change.summer);
    let rules = [yearly(&summers), yearly(&winters)];
    let complete = changes.len() == MAX_CHANGES;
    match (rules, summers.first(), winters.first()) {
        ([Some(summer_rule), Some(winter_rule)], Some(summer), Some(winter)) if complete => {
            observance(&mut text, summer, Some(&summer_rule));
            observance(&mut text, winter, Some(&winter_rule));
        }
        _ => changes.iter().for_each(|change| observance(&mut text, change, None)),
    }
    text.push_str("END:VTIMEZONE\r\n");
    text
}

/// The yearly rule that all of `changes` follow, if there is one.
fn yearly(changes: &[Change]) -> Option<String> {
    let first = changes.first().filter(|_| changes.len() >= MIN_FOR_RULE)?;
    let alike = |change: &Change| {
        (change.wall.month(), change.wall.weekday(), change.wall.time(), change.from, change.to)
            == (first.wall.month(), first.wall.weekday(), first.wall.time(), first.from, first.to)
    };
    let each_year = changes.windows(2).all(|pair| match pair {
        [a, b] => b.wall.year() == a.wall.year() + 1,
        _ => false,
    });
    let week = |change: &Change| (change.wall.day() - 1) / 7 + 1;
    let is_last = |change: &Change| change.wall.day() + 7 > change.wall.date().days_in_month();
    let nth = if changes.iter().all(is_last) { -1 } else { week(first) };
    let same_week = nth == -1 || changes.iter().all(|change| week(change) == nth);
    if !(each_year && same_week && changes.iter().all(alike)) {
        return None;
    }
    let day = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let day = day.get(usize::try_from(first.wall.weekday().to_monday_zero_offset()).ok()?)?;
    Some(format!("FREQ=YEARLY;BYMONTH={};BYDAY={nth}{day}", first.wall.month()))
}

fn observance(text: &mut String, change: &Change, rule: Option<&str>) {
    let kind = if change.summer { "DAYLIGHT" } else { "STANDARD" };
    let rule = rule.map(|rule| format!("RRULE:{rule}\r\n")).unwrap_or_default();
    let (start, from, to) = (compact(change.wall), offset_text(change.from), offset_text(change.to));
    // Writing into a string cannot fail.
    let _ok = write!(
        text,
        "BEGIN:{kind}\r\nDTSTART:{start}\r\nTZOFFSETFROM:{from}\r\nTZOFFSETTO:{to}\r\nTZNAME:{}\r\n{rule}END:{kind}\r\n",
        change.name
    );
}

/// `+0100`, with seconds where an offset has them.
fn offset_text(offset: Offset) -> String {
    let (sign, all) = (if offset.seconds() < 0 { '-' } else { '+' }, offset.seconds().unsigned_abs());
    let (hours, minutes, seconds) = (all / 3_600, all / 60 % 60, all % 60);
    let seconds = if seconds == 0 { String::new() } else { format!("{seconds:02}") };
    format!("{sign}{hours:02}{minutes:02}{seconds}")
}
