//! The occurrences of a series: listed, edited one by one, split off, made ahead by a job.

use serde_json::{Value, json};

use crate::support::meeting::{again, invite, meeting, occurrences, texts, told};
use crate::support::time::{monday_in_march, pass, wall};
use crate::support::{Answer, Person, TestApp, both};

async fn weekly(app: &TestApp, who: &Person, count: u32) -> String {
    let rule = format!("FREQ=WEEKLY;COUNT={count}");
    meeting(app, who, 60, json!({ "rrule": rule })).await.text("/id")
}

async fn edit(app: &TestApp, who: &Person, meeting: &str, start: &str, body: Value) -> Answer {
    app.patch(&format!("/meetings/{meeting}/occurrences/{start}"), Some(&who.access), body).await
}

both! {
    async fn one_is_edited_alone_and_survives_changes_of_the_series(app) {
        let ada = app.person("Ada").await;
        let id = weekly(app, &ada, 4).await;
        let starts = occurrences(app, &ada, &id).await;
        let starts = texts(&starts, "original_start_at");
        let body = json!({ "title": "Special", "duration_min": 90 });
        let changed = edit(app, &ada, &id, starts[1], body).await.expect(200);
        assert_eq!(changed.text("/occurrence/title"), "Special");
        assert_eq!(changed.json["occurrence"]["edited"], true);
        assert_eq!(changed.json["meeting"]["ical_seq"], 1);
        edit(app, &ada, &id, starts[2], json!({ "status": "cancelled" })).await.expect(200);
        // The series gets another title and lasts longer; what was edited stays.
        let body = json!({ "title": "All", "duration_min": 60 });
        app.patch(&format!("/meetings/{id}"), Some(&ada.access), body).await.expect(200);
        let list = occurrences(app, &ada, &id).await;
        assert_eq!(texts(&list, "title"), ["All", "Special", "All", "All"]);
        assert_eq!(texts(&list, "status"), ["scheduled", "scheduled", "cancelled", "scheduled"]);
        let minutes = |item: &Value| {
            let moment = |field: &str| item[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
            moment("ends_at").duration_since(moment("starts_at")).as_mins()
        };
        assert_eq!(list.iter().map(minutes).collect::<Vec<_>>(), [60, 90, 60, 60]);
        edit(app, &ada, &id, starts[2], json!({ "title": "No" })).await.problem(409, "occurrence_over");
    }

    async fn one_moves_and_keeps_its_name(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let id = weekly(app, &ada, 3).await;
        invite(app, &ada, &id, &bob, "participant").await;
        let list = occurrences(app, &ada, &id).await;
        let name = list[1]["original_start_at"].as_str().unwrap();
        let later = (wall(name, "UTC") + jiff::ToSpan::days(1)).to_string();
        let changed = edit(app, &ada, &id, name, json!({ "local_start": later })).await.expect(200);
        assert_eq!(changed.text("/occurrence/original_start_at"), name);
        assert_eq!(changed.text("/occurrence/starts_at"), format!("{later}Z"));
        assert_eq!(told(app, &bob).await, ["meeting.updated", "meeting.invited"]);
        edit(app, &ada, &id, name, json!({ "status": "cancelled" })).await.expect(200);
        assert_eq!(told(app, &bob).await, ["meeting.cancelled", "meeting.updated", "meeting.invited"]);
        edit(app, &bob, &id, name, json!({ "title": "x" })).await.problem(403, "forbidden");
        let eve = app.person("Eve").await;
        edit(app, &eve, &id, name, json!({ "title": "x" })).await.problem(404, "meeting_not_found");
    }

    async fn this_and_following_become_a_meeting_of_their_own(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let id = weekly(app, &ada, 6).await;
        let invited = invite(app, &ada, &id, &bob, "participant").await;
        app.post(&format!("/invites/{invited}/accept"), Some(&bob.access), json!({})).await.expect(200);
        let list = occurrences(app, &ada, &id).await;
        let starts = texts(&list, "original_start_at");
        edit(app, &ada, &id, starts[4], json!({ "title": "Edited before" })).await.expect(200);
        let body = json!({ "scope": "this_and_following", "title": "Second half", "duration_min": 15 });
        let split = edit(app, &ada, &id, starts[2], body).await.expect(200);
        let new = split.text("/meeting/id");
        assert_ne!(new, id);
        assert_eq!((split.text("/meeting/split_from"), split.text("/meeting/rrule")), (id.clone(), "FREQ=WEEKLY;COUNT=4".into()));
        assert_ne!(split.text("/meeting/ical_uid"), "");
        let old = occurrences(app, &ada, &id).await;
        assert_eq!(texts(&old, "original_start_at"), starts[..2]);
        let tail = occurrences(app, &ada, &new).await;
        assert_eq!(texts(&tail, "original_start_at"), starts[2..]);
        assert_eq!(texts(&tail, "title"), ["Second half", "Second half", "Edited before", "Second half"]);
        // The people and their answers came along.
        let theirs = app.get(&format!("/meetings/{new}"), Some(&bob.access)).await.expect(200);
        assert_eq!((theirs.text("/my_answer"), theirs.json["invite_count"].clone()), ("accepted".into(), json!(1)));
        let before = app.get(&format!("/meetings/{id}"), Some(&bob.access)).await.expect(200);
        assert!(before.text("/rrule").contains("UNTIL="), "{}", before.json);
        // The room is there for both; it goes with the last of them.
        assert_eq!(before.text("/room_id"), theirs.text("/room_id"));
        app.delete(&format!("/meetings/{id}"), Some(&ada.access)).await.expect(204);
        app.get(&format!("/rooms/{}", theirs.text("/room_id")), Some(&ada.access)).await.expect(200);
        app.delete(&format!("/meetings/{new}"), Some(&ada.access)).await.expect(204);
        app.get(&format!("/rooms/{}", theirs.text("/room_id")), Some(&ada.access)).await.problem(404, "room_not_found");
    }

    async fn the_rest_of_a_series_is_called_off_or_moved(app) {
        let ada = app.person("Ada").await;
        let id = weekly(app, &ada, 5).await;
        let list = occurrences(app, &ada, &id).await;
        let starts = texts(&list, "original_start_at");
        let body = json!({ "scope": "this_and_following", "status": "cancelled" });
        edit(app, &ada, &id, starts[3], body).await.expect(200);
        assert_eq!(texts(&occurrences(app, &ada, &id).await, "original_start_at"), starts[..3]);
        // From the first on, the series itself changes.
        let later = (wall(starts[0], "UTC") + jiff::ToSpan::hours(1)).to_string();
        let body = json!({ "scope": "this_and_following", "local_start": later });
        let moved = edit(app, &ada, &id, starts[0], body).await.expect(200);
        assert_eq!(moved.text("/meeting/id"), id);
        assert_eq!(occurrences(app, &ada, &id).await.len(), 3);
        let body = json!({ "scope": "this_and_following", "status": "cancelled" });
        let name = moved.text("/occurrence/original_start_at");
        edit(app, &ada, &id, &name, body).await.expect(200);
        let seen = app.get(&format!("/meetings/{id}"), Some(&ada.access)).await.expect(200);
        assert_eq!(seen.text("/status"), "cancelled");
    }

    async fn are_made_ninety_days_ahead_by_a_job_that_keeps_edits(app) {
        let ada = app.person("Ada").await;
        let id = meeting(app, &ada, 60, json!({ "rrule": "FREQ=DAILY" })).await.text("/id");
        let first = occurrences(app, &ada, &id).await;
        assert_eq!(first.len(), 90);
        let edited = first[40]["original_start_at"].as_str().unwrap();
        edit(app, &ada, &id, edited, json!({ "title": "Edited" })).await.expect(200);
        pass(app, 30 * 24 * 60);
        let ada = again(app, &ada).await;
        for _ in 0..2 {
            app.control.look_after_meetings().await.unwrap();
        }
        app.eventually("the series reaches further", async || occurrences(app, &ada, &id).await.len() == 90).await;
        let list = occurrences(app, &ada, &id).await;
        let again = list.iter().find(|item| item["original_start_at"] == edited).unwrap();
        assert_eq!(again["title"], "Edited");
        let mut names = texts(&list, "original_start_at");
        names.dedup();
        assert_eq!(names.len(), 90, "none twice");
    }

    async fn are_listed_within_bounds(app) {
        let ada = app.person("Ada").await;
        let monday = monday_in_march(app);
        let more = json!({ "local_start": monday.to_string(), "rrule": "FREQ=DAILY" });
        let made = meeting(app, &ada, 0, more).await;
        let path = format!("/meetings/{}/occurrences", made.text("/id"));
        let from = made.text("/starts_at");
        let to = (wall(&from, "UTC") + jiff::ToSpan::days(7)).to_string();
        let week = app.get(&format!("{path}?from={from}&to={to}Z"), Some(&ada.access)).await.expect(200);
        assert_eq!(week.json["items"].as_array().unwrap().len(), 7);
        app.get(&format!("{path}?from={to}Z&to={from}"), Some(&ada.access)).await.blames(&["to"]);
        app.get(&format!("{path}?from=2026-01-01T00:00:00Z&to=2028-01-01T00:00:00Z"), Some(&ada.access)).await.blames(&["to"]);
        app.get(&format!("{path}?from=yesterday"), Some(&ada.access)).await.blames(&["from"]);
        app.get(&path, None).await.problem(401, "sign_in_required");
        let one = |start: &str| format!("{path}/{start}");
        for odd in ["2020-01-01T00:00:00Z", "nonsense", "%00"] {
            app.patch(&one(odd), Some(&ada.access), json!({ "title": "x" })).await.problem(404, "occurrence_not_found");
        }
        app.patch(&one(&from), Some(&ada.access), json!({ "scope": "all" })).await.blames(&["scope"]);
        app.patch(&one(&from), Some(&ada.access), json!({ "status": "completed" })).await.blames(&["status"]);
        app.patch(&one(&from), Some(&ada.access), json!({ "rrule": "FREQ=DAILY" })).await.blames(&["scope"]);
        app.patch(&one(&from), None, json!({ "title": "x" })).await.problem(401, "sign_in_required");
    }
}
