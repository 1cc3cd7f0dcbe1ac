//! When a meeting happens: wall clocks, zones, and rules of recurrence.
//!
//! In: a wall clock, an IANA zone, the text of an RRULE. Out: moments. Instances are computed on the wall clock, by the
//! crate `rrule`, and placed in the zone afterwards, so that a change of clocks moves no meeting. Must not let a rule
//! that never comes true reach that crate: it looks for the first instance through thousands of years.

use std::fmt::Write;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use rrule::RRuleSet;

use super::clock::Micros;

/// Years from the start in which the first instance has to be, and in which `UNTIL` has to be.
const HORIZON_YEARS: i16 = 10;
/// Largest `INTERVAL`.
const MAX_INTERVAL: i64 = 99;
/// Largest `COUNT`.
const MAX_COUNT: i64 = 1_000;
/// Values in one list of a rule.
const MAX_VALUES: usize = 62;
/// Bytes of a rule's text.
const MAX_TEXT: usize = 500;
/// Instances walked over in one expansion: fifty years of days.
const MAX_STEPS: usize = 20_000;
/// Years a wall clock may be in.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2200;

/// Why a time or a rule is refused; the text is for the person who wrote it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScheduleError {
    #[error("must be a local time such as 2026-03-01T09:30:00")]
    WallClock,
    #[error("must be a time zone such as Europe/Berlin")]
    Zone,
    #[error("{0}")]
    Rule(String),
}

fn refuse<T>(what: impl Into<String>) -> Result<T, ScheduleError> {
    Err(ScheduleError::Rule(what.into()))
}

/// Finds a zone by its IANA name.
///
/// # Errors
/// [`ScheduleError::Zone`].
pub(crate) fn zone(name: &str) -> Result<TimeZone, ScheduleError> {
    if name.len() > 64 { Err(ScheduleError::Zone) } else { TimeZone::get(name).map_err(|_| ScheduleError::Zone) }
}

/// Reads a wall clock, whole seconds, without zone.
///
/// # Errors
/// [`ScheduleError::WallClock`].
pub(crate) fn wall_clock(text: &str) -> Result<DateTime, ScheduleError> {
    let plain = (16..=19).contains(&text.len()) && text.as_bytes().get(10) == Some(&b'T');
    let wall = DateTime::from_str(text).map_err(|_| ScheduleError::WallClock)?;
    let good = plain && YEARS.contains(&wall.year()) && wall.subsec_nanosecond() == 0;
    if good { Ok(wall) } else { Err(ScheduleError::WallClock) }
}

/// A wall clock as it is stored and told.
pub(crate) fn wall_text(wall: DateTime) -> String {
    wall.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// The moment a wall clock shows in a zone: one that is skipped counts with the offset before the change, one that
/// comes twice means the first (RFC 5545, 3.3.5).
pub(crate) fn place(wall: DateTime, zone: &TimeZone) -> Micros {
    let placed = zone.to_ambiguous_timestamp(wall).compatible();
    Micros(placed.map_or(i64::MAX, |at| at.as_microsecond()))
}

/// What a clock in `zone` shows at a moment, in whole seconds.
pub(crate) fn wall_at(at: Micros, zone: &TimeZone) -> Option<DateTime> {
    let moment = jiff::Timestamp::from_second(at.0.div_euclid(1_000_000)).ok()?;
    Some(zone.to_datetime(moment)).filter(|wall| YEARS.contains(&wall.year()))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freq {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// A rule of recurrence, read and bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    freq: Freq,
    interval: i64,
    count: Option<i64>,
    /// Last wall clock there may be an instance at.
    until: Option<DateTime>,
    week_start: Weekday,
    /// `(n, day)`; 0 = every such day.
    by_day: Vec<(i8, Weekday)>,
    by_month: Vec<i8>,
    by_month_day: Vec<i8>,
    by_set_pos: Vec<i16>,
}

/// An instance: what the clock on the wall shows, and when that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instance {
    pub wall: DateTime,
    pub at: Micros,
}

impl Rule {
    /// Reads a rule; `UNTIL` with `Z` is read in `zone`.
    ///
    /// # Errors
    /// [`ScheduleError::Rule`] with what is wrong.
    pub(crate) fn parse(text: &str, zone: &TimeZone) -> Result<Self, ScheduleError> {
        if text.len() > MAX_TEXT || !text.is_ascii() {
            return refuse("must be a rule such as FREQ=WEEKLY;BYDAY=MO");
        }
        let upper = text.trim().to_ascii_uppercase();
        let mut parts = Vec::new();
        for part in upper.strip_prefix("RRULE:").unwrap_or(&upper).split(';') {
            let Some((key, value)) = part.split_once('=') else {
                return refuse("must be a rule such as FREQ=WEEKLY;BYDAY=MO");
            };
            if parts.iter().any(|(known, _)| *known == key) {
                return refuse(format!("{} is given twice", shorten(key)));
            }
            parts.push((key, value));
        }
        let freq = match parts.iter().find(|(key, _)| *key == "FREQ").map(|(_, value)| *value) {
            Some("DAILY") => Freq::Daily,
            Some("WEEKLY") => Freq::Weekly,
            Some("MONTHLY") => Freq::Monthly,
            Some("YEARLY") => Freq::Yearly,
            _ => return refuse("FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY"),
        };
        let mut rule = Self {
            freq,
            interval: 1,
            count: None,
            until: None,
            week_start: Weekday::Monday,
            by_day: Vec::new(),
            by_month: Vec::new(),
            by_month_day: Vec::new(),
            by_set_pos: Vec::new(),
        };
        for (key, value) in parts {
            rule.read_part(key, value, zone)?;
        }
        rule.check()?;
        Ok(rule)
    }

    fn read_part(&mut self, key: &str, value: &str, zone: &TimeZone) -> Result<(), ScheduleError> {
        match key {
            "FREQ" => {}
            "INTERVAL" => self.interval = number(key, value, 1..=MAX_INTERVAL)?,
            "COUNT" => self.count = Some(number(key, value, 1..=MAX_COUNT)?),
            "UNTIL" => self.until = Some(until(value, zone)?),
            "WKST" => self.week_start = weekday(value).map_or_else(|| refuse("WKST must be a day such as MO"), Ok)?,
            "BYDAY" => self.by_day = list(value, day_of_rule)?,
            "BYMONTH" => self.by_month = list(value, |v| narrow(key, v, 1..=12, false))?,
            "BYMONTHDAY" => self.by_month_day = list(value, |v| narrow(key, v, 1..=31, true))?,
            "BYSETPOS" => self.by_set_pos = list(value, |v| narrow(key, v, 1..=366, true))?,
            _ => return refuse(format!("{} is not supported", shorten(key))),
        }
        Ok(())
    }

    /// What parts may not go together.
    fn check(&self) -> Result<(), ScheduleError> {
        if self.count.is_some() && self.until.is_some() {
            return refuse("takes COUNT or UNTIL, not both");
        }
        let nth_allowed = matches!(self.freq, Freq::Monthly | Freq::Yearly);
        if !nth_allowed && self.by_day.iter().any(|(n, _)| *n != 0) {
            return refuse("BYDAY with a number needs FREQ=MONTHLY or YEARLY");
        }
        if self.freq == Freq::Weekly && !self.by_month_day.is_empty() {
            return refuse("BYMONTHDAY does not go with FREQ=WEEKLY");
        }
        // In the week of the start the crate counts from the start on, so that a series would depend on where it begins.
        let nothing_to_choose = self.by_day.is_empty() && self.by_month_day.is_empty() && self.by_month.is_empty();
        if !self.by_set_pos.is_empty() && (nothing_to_choose || !nth_allowed) {
            return refuse("BYSETPOS needs BYDAY, BYMONTHDAY or BYMONTH, and FREQ=MONTHLY or YEARLY");
        }
        Ok(())
    }

    /// The rule as text, `UNTIL` in UTC as RFC 5545 wants it beside a `TZID`.
    pub(crate) fn text(&self, zone: &TimeZone) -> String {
        let until = |wall| utc_text(place(wall, zone));
        self.write(until)
    }

    fn write(&self, until: impl Fn(DateTime) -> String) -> String {
        let freq = match self.freq {
            Freq::Daily => "DAILY",
            Freq::Weekly => "WEEKLY",
            Freq::Monthly => "MONTHLY",
            Freq::Yearly => "YEARLY",
        };
        let mut text = format!("FREQ={freq}");
        let mut add = |key: &str, value: String| {
            if !value.is_empty() {
                // Writing into a string cannot fail.
                let _ok = write!(text, ";{key}={value}");
            }
        };
        add("INTERVAL", if self.interval == 1 { String::new() } else { self.interval.to_string() });
        add("COUNT", self.count.map(|n| n.to_string()).unwrap_or_default());
        add("UNTIL", self.until.map(until).unwrap_or_default());
        add("WKST", if self.week_start == Weekday::Monday { String::new() } else { day_text(self.week_start).into() });
        add("BYMONTH", join(&self.by_month, ToString::to_string));
        add("BYMONTHDAY", join(&self.by_month_day, ToString::to_string));
        add(
            "BYDAY",
            join(&self.by_day, |(n, day)| match n {
                0 => day_text(*day).to_owned(),
                n => format!("{n}{}", day_text(*day)),
            }),
        );
        add("BYSETPOS", join(&self.by_set_pos, ToString::to_string));
        text
    }

    /// Whether the rule comes to an end.
    pub(crate) fn is_finite(&self) -> bool {
        self.count.is_some() || self.until.is_some()
    }

    /// The same rule ended just before `wall`.
    pub(crate) fn ending_before(&self, wall: DateTime) -> Self {
        let until = wall.checked_sub(1.second()).unwrap_or(wall);
        Self { count: None, until: Some(until), ..self.clone() }
    }

    /// The same rule without its first `taken` instances; `None` when none are left.
    pub(crate) fn without_first(&self, taken: usize) -> Option<Self> {
        let taken = i64::try_from(taken).unwrap_or(i64::MAX);
        match self.count {
            Some(count) if count <= taken => None,
            Some(count) => Some(Self { count: Some(count - taken), ..self.clone() }),
            None => Some(self.clone()),
        }
    }

    /// The first instance at or after `start`, which gives the time of day.
    ///
    /// # Errors
    /// [`ScheduleError::Rule`] when there is none within ten years, or none before `UNTIL`.
    pub(crate) fn first(&self, start: DateTime) -> Result<DateTime, ScheduleError> {
        let horizon = start.date().checked_add(HORIZON_YEARS.years()).unwrap_or(Date::MAX);
        if self.until.is_some_and(|until| until.date() > horizon) {
            return refuse(format!("UNTIL must be within {HORIZON_YEARS} years of the start"));
        }
        let mut period = self.period_of(start.date());
        while let Some((begin, end)) = period.filter(|(begin, _)| *begin <= horizon) {
            if let Some(date) = self.chosen(begin, end, start.date()).into_iter().find(|date| *date >= start.date()) {
                let first = date.to_datetime(start.time());
                if self.until.is_some_and(|until| first > until) {
                    return refuse("UNTIL is before the first instance");
                }
                return Ok(first);
            }
            period = self.next_period(begin);
        }
        refuse(format!("has no instance within {HORIZON_YEARS} years of the start"))
    }

    /// The first and last day of the period of `FREQ` that `date` is in.
    fn period_of(&self, date: Date) -> Option<(Date, Date)> {
        match self.freq {
            Freq::Daily => Some((date, date)),
            Freq::Weekly => {
                let into = i64::from(date.weekday().since(self.week_start));
                let begin = date.checked_sub(into.days()).ok()?;
                Some((begin, begin.checked_add(6.days()).ok()?))
            }
            Freq::Monthly => Some((date.first_of_month(), date.last_of_month())),
            Freq::Yearly => Some((date.first_of_year(), date.last_of_year())),
        }
    }

    fn next_period(&self, begin: Date) -> Option<(Date, Date)> {
        let step = match self.freq {
            Freq::Daily => self.interval.days(),
            Freq::Weekly => self.interval.weeks(),
            Freq::Monthly => self.interval.months(),
            Freq::Yearly => self.interval.years(),
        };
        self.period_of(begin.checked_add(step).ok()?)
    }

    /// The days of a period the rule chooses, in order.
    fn chosen(&self, begin: Date, end: Date, start: Date) -> Vec<Date> {
        let days = begin.series(1.day()).take_while(|day| *day <= end);
        let days: Vec<Date> = days.filter(|day| self.matches(*day, start)).collect();
        if self.by_set_pos.is_empty() {
            return days;
        }
        let count = i16::try_from(days.len()).unwrap_or(i16::MAX);
        let place = |pos: &i16| usize::try_from(if *pos > 0 { pos - 1 } else { count + pos }).ok();
        let mut picked: Vec<Date> =
            self.by_set_pos.iter().filter_map(place).filter_map(|n| days.get(n).copied()).collect();
        picked.sort_unstable();
        picked
    }

    fn matches(&self, day: Date, start: Date) -> bool {
        let month = self.by_month.is_empty() || self.by_month.contains(&day.month());
        let from_end = day.day() - day.days_in_month() - 1;
        let month_day = self.by_month_day.is_empty()
            || self.by_month_day.contains(&day.day())
            || self.by_month_day.contains(&from_end);
        let in_month = self.freq == Freq::Monthly || !self.by_month.is_empty();
        let (index, length) = if in_month {
            (i16::from(day.day()), i16::from(day.days_in_month()))
        } else {
            (day.day_of_year(), day.days_in_year())
        };
        let nth = |n: i16| n == 0 || n == (index - 1) / 7 + 1 || -n == (length - index) / 7 + 1;
        let week_day = self.by_day.is_empty()
            || self.by_day.iter().any(|(n, weekday)| day.weekday() == *weekday && nth(i16::from(*n)));
        month && month_day && week_day && self.matches_start(day, start)
    }

    /// What a rule leaves open, the start settles.
    fn matches_start(&self, day: Date, start: Date) -> bool {
        let open = self.by_day.is_empty() && self.by_month_day.is_empty();
        match self.freq {
            Freq::Daily => true,
            Freq::Weekly => !self.by_day.is_empty() || day.weekday() == start.weekday(),
            Freq::Monthly => !open || day.day() == start.day(),
            Freq::Yearly => {
                let same_month = !self.by_month.is_empty() || day.month() == start.month();
                !open || (day.day() == start.day() && same_month)
            }
        }
    }

    /// The instances that begin within `[from, to)`, at most `cap`; `start` must be the first instance.
    pub(crate) fn instances(
        &self,
        start: DateTime,
        zone: &TimeZone,
        from: Micros,
        to: Micros,
        cap: usize,
    ) -> Vec<Instance> {
        let walls = self.walk(start).map(|wall| Instance { wall, at: place(wall, zone) });
        walls.skip_while(|one| one.at < from).take_while(|one| one.at < to).take(cap).collect()
    }

    /// How many instances begin before `before`.
    pub(crate) fn count_before(&self, start: DateTime, zone: &TimeZone, before: Micros) -> usize {
        self.walk(start).take_while(|wall| place(*wall, zone) < before).count()
    }

    /// The last instance of a rule that ends.
    pub(crate) fn last(&self, start: DateTime) -> Option<DateTime> {
        self.is_finite().then(|| self.walk(start).last()).flatten()
    }

    /// Every instance's wall clock, from the crate, bounded.
    fn walk(&self, start: DateTime) -> impl Iterator<Item = DateTime> {
        // The crate computes in UTC here: what it calls UTC is our wall clock.
        let rule = self.write(|wall| format!("{}Z", compact(wall)));
        let set = RRuleSet::from_str(&format!("DTSTART:{}Z\nRRULE:{rule}", compact(start)));
        if let Err(error) = &set {
            tracing::warn!(%error, rule, "a rule that was read before is refused");
        }
        let instances = set.ok().map(|set| (&set.limit()).into_iter());
        let walls = instances.into_iter().flatten().map(|at| {
            let moment = jiff::Timestamp::from_second(at.timestamp()).unwrap_or(jiff::Timestamp::MAX);
            TimeZone::UTC.to_datetime(moment)
        });
        walls.take_while(|wall| wall.year() <= *YEARS.end()).take(MAX_STEPS)
    }
}

/// `20260301T093000`.
pub(crate) fn compact(wall: DateTime) -> String {
    wall.strftime("%Y%m%dT%H%M%S").to_string()
}

/// `20260301T083000Z`.
pub(crate) fn utc_text(at: Micros) -> String {
    let moment = jiff::Timestamp::from_second(at.0.div_euclid(1_000_000)).unwrap_or(jiff::Timestamp::MAX);
    format!("{}Z", compact(TimeZone::UTC.to_datetime(moment)))
}

fn join<T>(values: &[T], text: impl Fn(&T) -> String) -> String {
    values.iter().map(text).collect::<Vec<_>>().join(",")
}

fn shorten(text: &str) -> String {
    text.chars().take(20).collect()
}

fn number(key: &str, value: &str, range: std::ops::RangeInclusive<i64>) -> Result<i64, ScheduleError> {
    let digits = !value.is_empty() && value.len() <= 5 && value.bytes().all(|b| b.is_ascii_digit());
    match value.parse() {
        Ok(n) if digits && range.contains(&n) => Ok(n),
        _ => refuse(format!("{key} must be between {} and {}", range.start(), range.end())),
    }
}

/// A small number, negative ones count from the end where that means something.
fn narrow<T: TryFrom<i64>>(
    key: &str,
    value: &str,
    range: std::ops::RangeInclusive<i64>,
    from_end: bool,
) -> Result<T, ScheduleError> {
    let (sign, digits) = match value.strip_prefix('-') {
        Some(digits) if from_end => (-1, digits),
        _ => (1, value.strip_prefix('+').unwrap_or(value)),
    };
    T::try_from(sign * number(key, digits, range)?).map_or_else(|_| refuse(format!("{key} is out of range")), Ok)
}

fn list<T>(value: &str, read: impl Fn(&str) -> Result<T, ScheduleError>) -> Result<Vec<T>, ScheduleError> {
    let values: Vec<&str> = value.split(',').collect();
    if values.len() > MAX_VALUES {
        return refuse(format!("takes at most {MAX_VALUES} values in a list"));
    }
    values.into_iter().map(read).collect()
}

fn day_of_rule(value: &str) -> Result<(i8, Weekday), ScheduleError> {
    let message = "BYDAY must hold days such as MO or 2TU or -1FR";
    let Some((n, day)) = value.split_at_checked(value.len().saturating_sub(2)) else { return refuse(message) };
    let Some(day) = weekday(day) else { return refuse(message) };
    let n = if n.is_empty() { 0 } else { narrow("BYDAY", n, 1..=53, true)? };
    Ok((n, day))
}

const DAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Monday),
    ("TU", Weekday::Tuesday),
    ("WE", Weekday::Wednesday),
    ("TH", Weekday::Thursday),
    ("FR", Weekday::Friday),
    ("SA", Weekday::Saturday),
    ("SU", Weekday::Sunday),
];

fn weekday(text: &str) -> Option<Weekday> {
    DAYS.iter().find(|(name, _)| *name == text).map(|(_, day)| *day)
}

fn day_text(day: Weekday) -> &'static str {
    DAYS.iter().find(|(_, known)| *known == day).map_or("MO", |(name, _)| name)
}

/// Reads `UNTIL`: a moment in UTC, a wall clock, or a whole day.
fn until(value: &str, zone: &TimeZone) -> Result<DateTime, ScheduleError> {
    let good = value.bytes().all(|b| b.is_ascii_digit() || b == b'T' || b == b'Z');
    let read = |format: &str, text: &str| DateTime::strptime(format, text).ok();
    let wall = match (value.len(), value.strip_suffix('Z')) {
        (16, Some(utc)) => read("%Y%m%dT%H%M%S", utc)
            .and_then(|utc| TimeZone::UTC.to_timestamp(utc).ok())
            .map(|at| zone.to_datetime(at)),
        (15, None) => read("%Y%m%dT%H%M%S", value),
        (8, None) => Date::strptime("%Y%m%d", value).ok().map(|date| date.at(23, 59, 59, 0)),
        _ => None,
    };
    match wall {
        Some(wall) if good && YEARS.contains(&wall.year()) => Ok(wall),
        _ => refuse("UNTIL must be a time such as 20261231T235959Z"),
    }
}

#[cfg(test)]
mod tests;
