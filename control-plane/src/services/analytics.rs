//! Figures of an organization, counted when asked, in UTC days.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use crate::app::App;
use crate::model::clock::Micros;
use crate::store::analytics as store;
use crate::store::db::StoreError;

const DAY_US: i64 = 86_400_000_000;
const MINUTE_US: i64 = 60_000_000;

/// Messages of one day.
#[derive(Debug)]
pub(crate) struct MessageDay {
    /// `2030-01-31`.
    pub date: String,
    pub messages: i64,
}

/// Calls of one day.
#[derive(Debug)]
pub(crate) struct CallDay {
    /// `2030-01-31`.
    pub date: String,
    pub calls: i64,
    pub stays: i64,
    pub minutes: i64,
}

/// The last `days` days up to the one of `now`, numbered from 1970-01-01.
pub(super) fn window(now: Micros, days: u32) -> std::ops::RangeInclusive<i64> {
    let today = now.0.div_euclid(DAY_US);
    today.saturating_sub(i64::from(days.max(1)) - 1)..=today
}

pub(super) fn start_of(days: &std::ops::RangeInclusive<i64>) -> Micros {
    Micros(days.start().saturating_mul(DAY_US))
}

/// The name of a day.
pub(super) fn date(day: i64) -> String {
    let stamp = jiff::Timestamp::from_microsecond(day.saturating_mul(DAY_US)).unwrap_or_default();
    stamp.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

/// Messages in an organization's channels and rooms, one entry per day.
///
/// # Errors
/// As any statement.
pub(crate) async fn messages_per_day(app: &App, org_id: Uuid, days: u32) -> Result<Vec<MessageDay>, StoreError> {
    let days = window(app.clock.now(), days);
    let rows = store::messages_per_day(&app.db, org_id, start_of(&days)).await?;
    let counted: BTreeMap<i64, i64> = rows.into_iter().map(|row| (row.day, row.messages)).collect();
    Ok(days.map(|day| MessageDay { date: date(day), messages: counted.get(&day).copied().unwrap_or(0) }).collect())
}

/// Members of an organization, and those who did something in the last minutes.
///
/// # Errors
/// As any statement.
pub(crate) async fn active_users(app: &App, org_id: Uuid, minutes: u32) -> Result<(i64, i64), StoreError> {
    let window = Duration::from_secs(u64::from(minutes) * 60);
    store::active_members(&app.db, org_id, app.clock.now().minus(window)).await
}

/// The whole minutes of a day's time together, rounded half up once and not per stay.
fn minutes(time_us: i64) -> i64 {
    time_us.max(0).saturating_add(MINUTE_US / 2) / MINUTE_US
}

/// Calls in an organization's rooms and meetings, one entry per day; a stay counts on the day it began.
///
/// # Errors
/// As any statement.
pub(crate) async fn call_minutes(app: &App, org_id: Uuid, days: u32) -> Result<Vec<CallDay>, StoreError> {
    let now = app.clock.now();
    let days = window(now, days);
    let rows = store::calls_per_day(&app.db, org_id, start_of(&days), now).await?;
    let mut counted: BTreeMap<i64, store::DayOfCalls> = rows.into_iter().map(|row| (row.day, row)).collect();
    let entry = |day| match counted.remove(&day) {
        Some(row) => CallDay { date: date(day), calls: row.calls, stays: row.stays, minutes: minutes(row.time_us) },
        None => CallDay { date: date(day), calls: 0, stays: 0, minutes: 0 },
    };
    Ok(days.map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_rounded_half_up() {
        let seconds = [(-5, 0), (0, 0), (29, 0), (30, 1), (43, 1), (89, 1), (90, 2)];
        for (seconds, wanted) in seconds {
            assert_eq!(minutes(seconds * 1_000_000), wanted, "{seconds} s");
        }
    }

    #[test]
    fn a_window_ends_today() {
        let now = Micros(1_700_000_000_000_000);
        let days: Vec<String> = window(now, 3).map(date).collect();
        assert_eq!(days, ["2023-11-12", "2023-11-13", "2023-11-14"]);
        assert_eq!(start_of(&window(now, 1)), Micros(1_699_920_000_000_000));
        assert_eq!(window(now, 0).count(), 1);
    }
}
