//! Changes of clocks in both directions and in several zones, and rules good, bad and impossible.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn starts(zone_name: &str, start: &str, rule: &str, n: usize) -> Vec<String> {
    let zone = zone(zone_name).unwrap();
    let start = wall_clock(start).unwrap();
    let rule = Rule::parse(rule, &zone).unwrap();
    let first = rule.first(start).unwrap();
    let all = rule.instances(first, &zone, Micros(i64::MIN), Micros(i64::MAX), n);
    all.into_iter().map(|one| utc_text(one.at)).collect()
}

#[test]
fn the_wall_clock_stays_over_both_changes_of_clocks() {
    // Central Europe: 29 March and 25 October 2026.
    assert_eq!(
        starts("Europe/Berlin", "2026-03-23T09:00:00", "FREQ=WEEKLY", 2),
        ["20260323T080000Z", "20260330T070000Z"]
    );
    assert_eq!(
        starts("Europe/Berlin", "2026-10-19T09:00:00", "FREQ=WEEKLY", 2),
        ["20261019T070000Z", "20261026T080000Z"]
    );
    // North America: 8 March and 1 November 2026.
    assert_eq!(
        starts("America/New_York", "2026-03-07T09:00:00", "FREQ=DAILY", 2),
        ["20260307T140000Z", "20260308T130000Z"]
    );
    assert_eq!(
        starts("America/New_York", "2026-10-31T09:00:00", "FREQ=DAILY", 2),
        ["20261031T130000Z", "20261101T140000Z"]
    );
    // The south: Sydney ends its summer on 5 April, and begins the next on 4 October 2026.
    assert_eq!(
        starts("Australia/Sydney", "2026-04-04T09:00:00", "FREQ=DAILY", 2),
        ["20260403T220000Z", "20260404T230000Z"]
    );
    assert_eq!(
        starts("Australia/Sydney", "2026-10-03T09:00:00", "FREQ=DAILY", 2),
        ["20261002T230000Z", "20261003T220000Z"]
    );
    // Half an hour of summer time, and a zone without.
    assert_eq!(
        starts("Australia/Lord_Howe", "2026-04-04T09:00:00", "FREQ=DAILY", 2),
        ["20260403T220000Z", "20260404T223000Z"]
    );
    assert_eq!(
        starts("Asia/Kolkata", "2026-03-28T09:00:00", "FREQ=DAILY", 2),
        ["20260328T033000Z", "20260329T033000Z"]
    );
}

#[test]
fn a_skipped_hour_moves_on_and_a_repeated_one_is_the_first() {
    let berlin = zone("Europe/Berlin").unwrap();
    let at = |text: &str| utc_text(place(wall_clock(text).unwrap(), &berlin));
    assert_eq!(at("2026-03-29T02:30:00"), "20260329T013000Z");
    assert_eq!(at("2026-10-25T02:30:00"), "20261025T003000Z");
    let three = starts("Europe/Berlin", "2026-03-28T02:30:00", "FREQ=DAILY;COUNT=3", 9);
    assert_eq!(three, ["20260328T013000Z", "20260329T013000Z", "20260330T003000Z"]);
}

#[test]
fn until_counts_on_the_wall_and_is_told_in_utc() {
    let zone = zone("America/New_York").unwrap();
    let until = |text: &str| Rule::parse(&format!("FREQ=DAILY;UNTIL={text}"), &zone).unwrap().text(&zone);
    assert_eq!(until("20260310"), "FREQ=DAILY;UNTIL=20260311T035959Z");
    assert_eq!(until("20260310T090000"), "FREQ=DAILY;UNTIL=20260310T130000Z");
    assert_eq!(until("20260310T130000Z"), "FREQ=DAILY;UNTIL=20260310T130000Z");
    // The last one is included on either side of the change.
    let list = starts("America/New_York", "2026-03-07T09:00:00", "FREQ=DAILY;UNTIL=20260308T130000Z", 9);
    assert_eq!(list, ["20260307T140000Z", "20260308T130000Z"]);
}

#[test]
fn the_start_is_the_first_instance() {
    let utc = zone("UTC").unwrap();
    let first = |start: &str, rule: &str| {
        let rule = Rule::parse(rule, &utc).unwrap();
        rule.first(wall_clock(start).unwrap()).map(wall_text)
    };
    for (start, rule, wanted) in [
        ("2026-11-21T10:00:00", "FREQ=WEEKLY;BYDAY=MO,WE", "2026-11-23T10:00:00"),
        ("2026-11-21T10:00:00", "FREQ=MONTHLY;BYDAY=-1FR", "2026-11-27T10:00:00"),
        ("2026-11-30T10:00:00", "FREQ=MONTHLY;BYDAY=2TU", "2026-12-08T10:00:00"),
        ("2026-11-21T10:00:00", "FREQ=MONTHLY;BYMONTHDAY=-1", "2026-11-30T10:00:00"),
        ("2026-11-21T10:00:00", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-11-30T10:00:00"),
        ("2026-01-30T10:00:00", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2028-02-29T10:00:00"),
        ("2026-01-30T10:00:00", "FREQ=YEARLY;BYDAY=20MO", "2026-05-18T10:00:00"),
        ("2026-01-31T10:00:00", "FREQ=DAILY;INTERVAL=2", "2026-01-31T10:00:00"),
    ] {
        assert_eq!(first(start, rule).as_deref(), Ok(wanted), "{rule}");
    }
}

#[test]
fn impossible_rules_are_refused_at_once() {
    let utc = zone("UTC").unwrap();
    for rule in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=DAILY;BYMONTH=4;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYMONTHDAY=1,2;BYDAY=MO;BYSETPOS=2",
        "FREQ=MONTHLY;BYDAY=6MO",
        "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=3",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTH=2",
        "FREQ=DAILY;INTERVAL=7;BYDAY=MO",
        "FREQ=DAILY;UNTIL=20200101T000000Z",
        "FREQ=DAILY;UNTIL=21000101T000000Z",
    ] {
        let began = Instant::now();
        let read = Rule::parse(rule, &utc).and_then(|rule| rule.first(wall_clock("2025-11-21T10:00:00").unwrap()));
        assert!(read.is_err(), "{rule}");
        assert!(began.elapsed() < Duration::from_millis(100), "{rule} took {:?}", began.elapsed());
    }
}

#[test]
fn nonsense_is_refused() {
    let utc = zone("UTC").unwrap();
    for rule in [
        "",
        "FREQ",
        "FREQ=HOURLY",
        "FREQ=SECONDLY;COUNT=9",
        "FREQ=DAILY;FREQ=DAILY",
        "INTERVAL=2",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=65536",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=1001",
        "FREQ=DAILY;COUNT=2;UNTIL=20260101",
        "FREQ=DAILY;UNTIL=soon",
        "FREQ=DAILY;UNTIL=20261301",
        "FREQ=DAILY;BYHOUR=9",
        "FREQ=YEARLY;BYWEEKNO=3",
        "FREQ=YEARLY;BYYEARDAY=3",
        "FREQ=DAILY;BYEASTER=1",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=",
        "FREQ=WEEKLY;BYDAY=MÖ",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=MONTHLY;BYSETPOS=1",
        "FREQ=WEEKLY;BYMONTHDAY=3",
        "FREQ=DAILY\nEXDATE:1",
        "FREQ=DAILY;X=\0",
        "FREQ=MONTHLY;BYMONTH=13",
        "FREQ=MONTHLY;BYDAY=54MO",
        "FREQ=DAILY;;COUNT=2",
    ] {
        assert!(Rule::parse(rule, &utc).is_err(), "{rule:?}");
    }
    assert!(Rule::parse(&format!("FREQ=DAILY;BYMONTH={}", "1,".repeat(300)), &utc).is_err());
    for wall in
        ["", "2026-03-01", "2026-03-01 10:00:00", "2026-03-01T10:00:00Z", "2026-02-30T10:00:00", "1926-03-01T10:00:00"]
    {
        assert!(wall_clock(wall).is_err(), "{wall}");
    }
    assert!(wall_clock("2026-03-01T10:00").is_ok());
    assert!(zone("Mars/Olympus").is_err() && zone("").is_err());
}

#[test]
fn a_split_rule_has_the_same_instances_as_before() {
    let zone = zone("Europe/Berlin").unwrap();
    let start = wall_clock("2026-03-02T09:00:00").unwrap();
    for text in ["FREQ=WEEKLY;COUNT=10", "FREQ=WEEKLY;UNTIL=20260504T235959", "FREQ=WEEKLY"] {
        let rule = Rule::parse(text, &zone).unwrap();
        let all = rule.instances(start, &zone, Micros(i64::MIN), Micros(i64::MAX), 10);
        let cut = all[4];
        let head = rule.ending_before(cut.wall).instances(start, &zone, Micros(i64::MIN), Micros(i64::MAX), 99);
        let taken = rule.count_before(start, &zone, cut.at);
        let tail = rule.without_first(taken).unwrap();
        let tail = tail.instances(cut.wall, &zone, Micros(i64::MIN), Micros(i64::MAX), 10 - taken);
        assert_eq!([head, tail].concat(), all, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Our guard and the crate agree on the first instance, and the text of a rule means the rule.
    #[test]
    fn the_guard_agrees_with_the_crate(
        freq in 0..4_usize, interval in 1..5_i64, day in 0..3_000_i64, days in prop::collection::vec(0..7_usize, 0..3),
        n in -2..3_i8, months in prop::collection::vec(1..13_i8, 0..3), month_days in prop::collection::vec(1..32_i8, 0..3),
        pos in prop::collection::vec(-2..3_i16, 0..2),
    ) {
        let mut text = format!("FREQ={};INTERVAL={interval}", ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"][freq]);
        let nth = if freq >= 2 && n != 0 { n.to_string() } else { String::new() };
        let mut add = |key: &str, values: Vec<String>| if !values.is_empty() {
            text.push_str(&format!(";{key}={}", values.join(",")));
        };
        add("BYDAY", days.iter().map(|d| format!("{nth}{}", DAYS[*d].0)).collect());
        add("BYMONTH", months.iter().map(ToString::to_string).collect());
        if freq != 1 { add("BYMONTHDAY", month_days.iter().map(ToString::to_string).collect()); }
        if freq != 0 { add("BYSETPOS", pos.iter().filter(|p| **p != 0).map(ToString::to_string).collect()); }
        let utc = TimeZone::UTC;
        let start = jiff::civil::date(2024, 1, 1).checked_add(day.days()).unwrap().at(9, 30, 0, 0);
        if let Ok(rule) = Rule::parse(&text, &utc) {
            prop_assert_eq!(&Rule::parse(&rule.text(&utc), &utc).unwrap(), &rule);
            if let Ok(first) = rule.first(start) {
                prop_assert_eq!(rule.walk(start).next(), Some(first), "{}", text);
                prop_assert_eq!(rule.walk(first).next(), Some(first), "{}", text);
            }
        }
    }
}
