//! Calendars to take along: a meeting as iCalendar data, and the feed that opens without a session.

use serde_json::{Value, json};

use crate::support::meeting::{invite, meeting, occurrences};
use crate::support::{Answer, both};

fn calendar(answer: &Answer) -> icalendar::Calendar {
    assert_eq!(answer.headers["content-type"], "text/calendar; charset=utf-8");
    answer.json.as_str().expect("text").parse().expect("iCalendar data")
}

use icalendar::Component;

both! {
    async fn a_meeting_is_read_by_calendars(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        app.organization(&[&ada, &bob, &eve]).await;
        let more = json!({ "title": "Täglich, immer", "timezone": "Europe/Berlin", "rrule": "FREQ=DAILY;COUNT=5" });
        let made = meeting(app, &ada, 60, more).await;
        let id = made.text("/id");
        invite(app, &ada, &id, &bob, "participant").await;
        invite(app, &ada, &id, &eve, "co_organizer").await;
        let list = occurrences(app, &ada, &id).await;
        let name = |n: usize| list[n]["original_start_at"].as_str().unwrap().to_owned();
        let path = |n: usize| format!("/meetings/{id}/occurrences/{}", name(n));
        app.patch(&path(1), Some(&ada.access), json!({ "status": "cancelled" })).await.expect(200);
        app.patch(&path(2), Some(&ada.access), json!({ "title": "Anders" })).await.expect(200);
        let text = app.get(&format!("/meetings/{id}.ics"), Some(&ada.access)).await.expect(200);
        let read = calendar(&text);
        let events: Vec<_> = read.events().collect();
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].get_summary(), Some("Täglich, immer"));
        assert_eq!(events[0].get_uid(), Some(made.text("/ical_uid").as_str()));
        assert_eq!(events[0].get_sequence(), Some(2));
        assert_eq!(events[0].property_value("RRULE"), Some("FREQ=DAILY;COUNT=5"));
        assert_eq!(events[0].multi_properties()["EXDATE"].len(), 1);
        assert_eq!(events[0].get_attendees().len(), 2);
        assert_eq!(events[1].get_summary(), Some("Anders"));
        assert!(events[1].get_recurrence_id().is_some());
        // Invitees see themselves alone.
        let theirs = calendar(&app.get(&format!("/meetings/{id}/calendar.ics"), Some(&bob.access)).await.expect(200));
        let attendees = theirs.events().next().unwrap().get_attendees();
        assert_eq!(attendees.iter().map(|one| one.cal_address.as_str()).collect::<Vec<_>>(), ["mailto:bob@example.org"]);
        let dan = app.person("Dan").await;
        app.get(&format!("/meetings/{id}.ics"), Some(&dan.access)).await.problem(404, "meeting_not_found");
        app.get(&format!("/meetings/{id}/calendar.ics"), Some(&dan.access)).await.problem(404, "meeting_not_found");
        app.get(&format!("/meetings/{id}.ics"), None).await.problem(401, "sign_in_required");
        app.get("/meetings/nonsense.ics", Some(&ada.access)).await.problem(404, "meeting_not_found");
    }

    async fn a_feed_opens_with_its_address_alone_until_it_is_replaced(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        assert_eq!(app.get("/me/calendar", Some(&ada.access)).await.expect(200).json["created_at"], Value::Null);
        app.delete("/me/calendar", Some(&ada.access)).await.problem(404, "calendar_not_found");
        meeting(app, &ada, 60, json!({ "title": "Hers" })).await;
        let theirs = meeting(app, &bob, 90, json!({ "title": "His" })).await.text("/id");
        let invited = invite(app, &bob, &theirs, &ada, "participant").await;
        meeting(app, &bob, 90, json!({ "title": "Not hers" })).await;
        let make = async || {
            let url = app.post("/me/calendar", Some(&ada.access), json!({})).await.expect(201).text("/url");
            url.strip_prefix("http://meet.test/api/v1").unwrap().to_owned()
        };
        let first = make().await;
        assert!(first.starts_with("/me/calendar/pf_") && first.ends_with(".ics"), "{first}");
        let titles = async |path: &str| {
            let read = calendar(&app.get(path, None).await.expect(200));
            let mut titles: Vec<_> = read.events().map(|event| event.get_summary().unwrap().to_owned()).collect();
            titles.sort();
            titles
        };
        assert_eq!(titles(&first).await, ["Hers", "His"]);
        app.post(&format!("/invites/{invited}/decline"), Some(&ada.access), json!({})).await.expect(200);
        assert_eq!(titles(&first).await, ["Hers"]);
        let second = make().await;
        app.get(&first, None).await.problem(404, "calendar_not_found");
        assert_eq!(titles(&second).await, ["Hers"]);
        assert!(app.get("/me/calendar", Some(&ada.access)).await.json["created_at"].is_string());
        app.delete("/me/calendar", Some(&ada.access)).await.expect(204);
        for path in [second.as_str(), "/me/calendar/x.ics", "/me/calendar/pf_.ics", "/me/calendar/%00.ics"] {
            app.get(path, None).await.problem(404, "calendar_not_found");
        }
        for (method, path) in [("GET", "/me/calendar"), ("POST", "/me/calendar"), ("DELETE", "/me/calendar")] {
            app.call(method.parse().unwrap(), path, None, None).await.problem(401, "sign_in_required");
        }
    }

    async fn a_feed_takes_the_same_statements_for_many_meetings(app) {
        let ada = app.person("Ada").await;
        let url = app.post("/me/calendar", Some(&ada.access), json!({})).await.expect(201).text("/url");
        let path = url.strip_prefix("http://meet.test/api/v1").unwrap();
        let mut counts = Vec::new();
        for _ in 0..2 {
            for n in 0..5 {
                meeting(app, &ada, 60 + n, json!({ "rrule": "FREQ=DAILY;COUNT=2" })).await;
            }
            let mut least = u64::MAX;
            for _ in 0..5 {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                let before = app.control.statements();
                app.get(path, None).await.expect(200);
                least = least.min(app.control.statements() - before);
            }
            counts.push(least);
        }
        assert_eq!(counts[0], counts[1]);
    }
}
