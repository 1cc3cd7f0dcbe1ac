//! What is written is read back, by the crate's own parser.

use icalendar::{Calendar, CalendarComponent};
use sqlx::types::Json;
use uuid::Uuid;

use super::*;
use crate::model::meeting::Edits;

fn meeting(rrule: Option<&str>) -> Meeting {
    Meeting {
        id: Uuid::from_u128(1),
        room_id: Uuid::from_u128(2),
        own_room: true,
        org_id: None,
        organizer_id: Uuid::from_u128(3),
        title: "Grüße; a, b \\ and a title that is so long that it has to be folded at seventy-five octets 😀😀😀😀"
            .into(),
        description: "One\r\ntwo, three; \"four\"".into(),
        language: "en".into(),
        local_start: "2026-03-23T09:00:00".into(),
        timezone: "Europe/Berlin".into(),
        duration_min: 30,
        rrule: rrule.map(str::to_owned),
        starts_at: Micros(1_774_252_800_000_000),
        ends_at: None,
        expanded_until: None,
        status: MeetingStatus::Scheduled,
        ical_uid: "1@meet.example".into(),
        ical_seq: 4,
        split_from: None,
        created_at: Micros(0),
        updated_at: Micros(0),
        organizer_name: "Ada \"the first\", Countess: of".into(),
        organizer_email: "ada@example.org".into(),
        room_code: "bcdfghjklm".into(),
        conversation_id: Uuid::from_u128(4),
        room_org_id: None,
        invite_count: 0,
        invite_id: None,
        org_role: None,
        invite_role: None,
        invite_status: None,
        attended: false,
    }
}

fn occurrence(status: MeetingStatus, original: i64, edits: Edits) -> Occurrence {
    let week = 7 * 86_400_000_000_i64;
    // After the change of clocks nine o'clock is an hour earlier.
    let at = Micros(1_774_252_800_000_000 + original * week - 3_600_000_000);
    Occurrence {
        id: Uuid::from_u128(9),
        meeting_id: Uuid::from_u128(1),
        original_start_at: at,
        starts_at: Micros(at.0 + 3_600_000_000),
        ends_at: Micros(at.0 + 5_400_000_000),
        status,
        edits: Json(edits),
        call_id: None,
    }
}

fn lines_fit(text: &str) {
    assert!(text.ends_with("END:VCALENDAR\r\n"));
    for line in text.split_terminator("\r\n") {
        assert!(line.len() <= 75 && !line.contains('\n') && !line.contains('\r'), "{line:?}");
    }
}

#[test]
fn a_single_meeting_comes_back_as_it_was() {
    let meeting = meeting(None);
    let attendees = [("eve@example.org", None)];
    let entry = Entry { meeting: &meeting, exceptions: &[], only: None, attendees: &attendees };
    let text = write("https://meet.example", Some(Method::Request), &[entry], Micros(0)).unwrap();
    lines_fit(&text);
    let calendar: Calendar = text.parse().unwrap();
    assert_eq!(calendar.property_value("METHOD"), Some("REQUEST"));
    let event = calendar.events().next().unwrap();
    assert_eq!(event.get_summary(), Some(meeting.title.as_str()));
    assert_eq!(event.get_description(), Some("One\ntwo, three; \"four\"\n\nhttps://meet.example/j/bcdfghjklm"));
    assert_eq!(event.get_uid(), Some("1@meet.example"));
    assert_eq!(event.get_sequence(), Some(4));
    assert_eq!(event.property_value("DTSTART"), Some("20260323T080000Z"));
    assert_eq!(event.property_value("DTEND"), Some("20260323T083000Z"));
    let organizer = &event.properties()["ORGANIZER"];
    assert_eq!(organizer.value(), "mailto:ada@example.org");
    assert_eq!(organizer.params()["CN"].value(), "Ada 'the first', Countess: of");
    let attendees = event.get_attendees();
    assert_eq!(attendees[0].cal_address, "mailto:eve@example.org");
    assert_eq!((attendees[0].rsvp, attendees[0].part_stat), (Some(true), Some(PartStat::NeedsAction)));
    assert!(!text.contains("VTIMEZONE"));
}

#[test]
fn a_series_is_told_on_the_wall_clock_with_what_differs() {
    let meeting = meeting(Some("FREQ=WEEKLY;BYDAY=MO"));
    let edits = Edits { title: Some("Moved".into()), ..Edits::default() };
    let exceptions =
        [occurrence(MeetingStatus::Cancelled, 1, Edits::default()), occurrence(MeetingStatus::Scheduled, 2, edits)];
    let entry = Entry { meeting: &meeting, exceptions: &exceptions, only: None, attendees: &[] };
    let text = write("", None, &[entry], Micros(0)).unwrap();
    lines_fit(&text);
    let calendar: Calendar = text.parse().unwrap();
    let events: Vec<_> = calendar.events().collect();
    assert_eq!(events.len(), 2);
    let (master, moved) = (events[0], events[1]);
    assert_eq!(master.property_value("RRULE"), Some("FREQ=WEEKLY;BYDAY=MO"));
    assert_eq!(master.property_value("DTSTART"), Some("20260323T090000"));
    assert_eq!(master.properties()["DTSTART"].params()["TZID"].value(), "Europe/Berlin");
    assert_eq!(master.multi_properties()["EXDATE"][0].value(), "20260330T090000");
    assert_eq!(moved.property_value("RECURRENCE-ID"), Some("20260406T090000"));
    assert_eq!(moved.property_value("DTSTART"), Some("20260406T100000"));
    assert_eq!(moved.get_summary(), Some("Moved"));
    let zones = calendar.components.iter().filter(|one| matches!(one, CalendarComponent::Other(_))).count();
    assert_eq!(zones, 1);
    assert!(text.contains("RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\n"), "{text}");
    assert!(text.contains("RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n"), "{text}");
    assert!(text.contains("TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nTZNAME:CEST\r\n"), "{text}");
}

#[test]
fn one_occurrence_is_called_off_by_its_name() {
    let meeting = meeting(Some("FREQ=WEEKLY;BYDAY=MO"));
    let gone = occurrence(MeetingStatus::Cancelled, 1, Edits::default());
    let entry = Entry { meeting: &meeting, exceptions: &[], only: Some(&gone), attendees: &[] };
    let text = write("", Some(Method::Cancel), &[entry], Micros(0)).unwrap();
    let calendar: Calendar = text.parse().unwrap();
    assert_eq!(calendar.property_value("METHOD"), Some("CANCEL"));
    let event = calendar.events().next().unwrap();
    assert_eq!(event.property_value("RECURRENCE-ID"), Some("20260330T090000"));
    assert_eq!(event.get_status(), Some(EventStatus::Cancelled));
    assert!(event.property_value("RRULE").is_none());
}

#[test]
fn zones_come_with_their_rules_or_with_each_change() {
    let zone = |name: &str| {
        super::super::vtimezone::write(name, &recurrence::zone(name).unwrap(), Micros(1_774_252_800_000_000))
    };
    let new_york = zone("America/New_York");
    assert!(new_york.contains("RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\r\n"), "{new_york}");
    assert!(new_york.contains("RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\r\n"), "{new_york}");
    assert!(zone("Australia/Lord_Howe").contains("TZOFFSETFROM:+1030\r\nTZOFFSETTO:+1100\r\n"));
    let kolkata = zone("Asia/Kolkata");
    assert!(kolkata.contains("TZOFFSETTO:+0530") && !kolkata.contains("DAYLIGHT"), "{kolkata}");
    let casablanca = zone("Africa/Casablanca");
    assert!(!casablanca.contains("RRULE") && casablanca.matches("BEGIN:").count() > 4, "{casablanca}");
}
