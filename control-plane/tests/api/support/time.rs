//! Times of tests about meetings: relative to the present, because meetings of the past are over.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::TestApp;

/// The whole second it is for the control plane.
pub(crate) fn now(app: &TestApp) -> Timestamp {
    Timestamp::from_second(app.clock.now().0 / 1_000_000).unwrap()
}

/// `minutes` from now, as the API tells it.
pub(crate) fn in_minutes(app: &TestApp, minutes: i64) -> String {
    (now(app) + jiff::SignedDuration::from_mins(minutes)).to_string()
}

/// A time of the API, `minutes` later.
pub(crate) fn later(text: &str, minutes: i64) -> String {
    (text.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_mins(minutes)).to_string()
}

/// A Monday in the March after next new year, at nine: two weeks before Europe changes its clocks.
pub(crate) fn monday_in_march(app: &TestApp) -> DateTime {
    let year = TimeZone::UTC.to_datetime(now(app)).year() + 1;
    let day = jiff::civil::date(year, 3, 14);
    let back = i64::from(day.weekday().to_monday_zero_offset());
    (day - back.days()).at(9, 0, 0, 0)
}

/// What the clock shows in a zone at a time the API told.
pub(crate) fn wall(text: &str, zone: &str) -> DateTime {
    TimeZone::get(zone).unwrap().to_datetime(text.parse().unwrap())
}

/// Lets time pass for the control plane.
pub(crate) fn pass(app: &TestApp, minutes: u64) {
    app.clock.advance(Duration::from_secs(minutes * 60));
}
