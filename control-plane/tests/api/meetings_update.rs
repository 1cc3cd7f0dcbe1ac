//! `PATCH` and `PUT /meetings/{id}`: what changes, what follows from it, and who may.

use http::Method;
use serde_json::{Value, json};

use crate::support::both;
use crate::support::meeting::{invite, meeting, occurrences, texts, told};
use crate::support::time::{in_minutes, later, monday_in_march, wall};

both! {
    async fn changes_what_is_given_and_raises_the_sequence(app) {
        let ada = app.person("Ada").await;
        let made = meeting(app, &ada, 60, json!({})).await;
        let path = format!("/meetings/{}", made.text("/id"));
        let start = in_minutes(app, 120);
        let body = json!({ "title": " New ", "starts_at": start, "duration_min": 45 });
        let changed = app.patch(&path, Some(&ada.access), body).await.expect(200);
        assert_eq!((changed.text("/title"), &changed.json["ical_seq"]), ("New".into(), &json!(1)));
        assert_eq!(changed.text("/ends_at"), later(&start, 45));
        assert_eq!(texts(&occurrences(app, &ada, &made.text("/id")).await, "starts_at"), [start]);
        // Nothing different is no change.
        let same = app.patch(&path, Some(&ada.access), json!({ "title": "New" })).await.expect(200);
        assert_eq!(same.json["ical_seq"], 1);
        let put = app.call(Method::PUT, &path, Some(&ada.access), Some(json!({ "description": "Bring cake" }))).await;
        let put = put.expect(200);
        assert_eq!((put.text("/title"), put.text("/description")), ("New".into(), "Bring cake".into()));
        assert_eq!(put.json["ical_seq"], 2);
        app.patch(&path, Some(&ada.access), json!({ "title": "\u{0}" })).await.blames(&["title"]);
        app.patch(&path, Some(&ada.access), json!({ "rrule": "FREQ=HOURLY" })).await.blames(&["rrule"]);
        app.patch(&path, Some(&ada.access), json!({ "timezone": 7 })).await.blames(&["timezone"]);
        app.patch(&path, None, json!({ "title": "x" })).await.problem(401, "sign_in_required");
    }

    async fn another_zone_keeps_the_wall_clock(app) {
        let ada = app.person("Ada").await;
        let monday = monday_in_march(app);
        let more = json!({ "local_start": monday.to_string(), "timezone": "Europe/Berlin", "rrule": "FREQ=WEEKLY;COUNT=4" });
        let made = meeting(app, &ada, 0, more).await;
        let path = format!("/meetings/{}", made.text("/id"));
        let moved = app.patch(&path, Some(&ada.access), json!({ "timezone": "America/New_York" })).await.expect(200);
        assert_eq!(moved.text("/local_start"), monday.to_string());
        let list = app.get(&format!("{path}/occurrences?from={}", made.text("/starts_at")), Some(&ada.access)).await;
        let items = list.json["items"].as_array().unwrap().clone();
        assert_eq!(items.len(), 4);
        for start in texts(&items, "starts_at") {
            assert_eq!(wall(start, "America/New_York").time(), monday.time());
        }
    }

    async fn becomes_a_series_and_one_meeting_again(app) {
        let ada = app.person("Ada").await;
        let made = meeting(app, &ada, 60, json!({})).await.text("/id");
        let path = format!("/meetings/{made}");
        app.patch(&path, Some(&ada.access), json!({ "rrule": "FREQ=DAILY;COUNT=7" })).await.expect(200);
        assert_eq!(occurrences(app, &ada, &made).await.len(), 7);
        app.patch(&path, Some(&ada.access), json!({ "rrule": "FREQ=DAILY;COUNT=3" })).await.expect(200);
        assert_eq!(occurrences(app, &ada, &made).await.len(), 3);
        let single = app.patch(&path, Some(&ada.access), json!({ "rrule": null })).await.expect(200);
        assert_eq!(single.json["rrule"], Value::Null);
        assert_eq!(occurrences(app, &ada, &made).await.len(), 1);
    }

    async fn co_organizers_may_and_the_others_hear_of_it(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let made = meeting(app, &ada, 60, json!({})).await.text("/id");
        invite(app, &ada, &made, &bob, "co_organizer").await;
        invite(app, &ada, &made, &eve, "participant").await;
        assert_eq!(told(app, &bob).await, ["meeting.invited"]);
        let path = format!("/meetings/{made}");
        app.patch(&path, Some(&bob.access), json!({ "title": "Later" })).await.expect(200);
        assert_eq!(told(app, &ada).await, ["meeting.updated"]);
        assert_eq!(told(app, &eve).await, ["meeting.updated", "meeting.invited"]);
        assert_eq!(told(app, &bob).await, ["meeting.invited"], "who did it knows");
        app.patch(&path, Some(&eve.access), json!({ "title": "Mine" })).await.problem(403, "forbidden");
        app.post(&format!("{path}/cancel"), Some(&ada.access), json!({})).await.expect(200);
        app.patch(&path, Some(&ada.access), json!({ "title": "No" })).await.problem(409, "meeting_over");
    }
}
