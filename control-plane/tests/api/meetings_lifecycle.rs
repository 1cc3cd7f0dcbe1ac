//! Where meetings stand: by hand, by what the media node reports, and what history shows of it.

use serde_json::{Value, json};

use crate::support::meeting::{again, arrive, depart, invite, meeting, occurrences, texts, told};
use crate::support::time::pass;
use crate::support::{Answer, Person, TestApp, both};

async fn act(app: &TestApp, who: &Person, id: &str, verb: &str) -> Answer {
    app.post(&format!("/meetings/{id}/{verb}"), Some(&who.access), json!({})).await
}

async fn status(app: &TestApp, who: &Person, id: &str) -> String {
    app.get(&format!("/meetings/{id}"), Some(&who.access)).await.expect(200).text("/status")
}

async fn join(app: &TestApp, who: &Person, room: &str) -> String {
    app.post(&format!("/rooms/{room}/join"), Some(&who.access), json!({})).await.expect(200).text("/token")
}

both! {
    async fn starts_and_ends_by_hand(app) {
        let ada = app.person("Ada").await;
        let id = meeting(app, &ada, 60, json!({})).await.text("/id");
        act(app, &ada, &id, "end").await.problem(409, "meeting_not_ongoing");
        for _ in 0..2 {
            assert_eq!(act(app, &ada, &id, "start").await.expect(200).text("/status"), "ongoing");
        }
        act(app, &ada, &id, "cancel").await.problem(409, "meeting_ongoing");
        for _ in 0..2 {
            assert_eq!(act(app, &ada, &id, "end").await.expect(200).text("/status"), "completed");
        }
        act(app, &ada, &id, "start").await.problem(409, "meeting_over");
        act(app, &ada, &id, "cancel").await.problem(409, "meeting_over");
        let off = meeting(app, &ada, 60, json!({})).await.text("/id");
        for _ in 0..2 {
            assert_eq!(act(app, &ada, &off, "cancel").await.expect(200).text("/status"), "cancelled");
        }
        act(app, &ada, &off, "start").await.problem(409, "meeting_over");
        act(app, &ada, &off, "end").await.problem(409, "meeting_not_ongoing");
        for verb in ["start", "end", "cancel"] {
            app.post(&format!("/meetings/{id}/{verb}"), None, json!({})).await.problem(401, "sign_in_required");
        }
    }

    async fn a_series_goes_on_after_one_of_its_times(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let id = meeting(app, &ada, 10, json!({ "rrule": "FREQ=WEEKLY;COUNT=2" })).await.text("/id");
        invite(app, &ada, &id, &bob, "participant").await;
        act(app, &ada, &id, "start").await.expect(200);
        assert_eq!(status(app, &ada, &id).await, "ongoing");
        act(app, &ada, &id, "end").await.expect(200);
        assert_eq!(status(app, &ada, &id).await, "scheduled");
        act(app, &ada, &id, "start").await.problem(409, "meeting_not_due");
        pass(app, 7 * 24 * 60);
        let ada = again(app, &ada).await;
        act(app, &ada, &id, "start").await.expect(200);
        assert_eq!(act(app, &ada, &id, "end").await.expect(200).text("/status"), "completed");
    }

    async fn calls_off_all_that_is_to_come_and_tells_everybody(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let id = meeting(app, &ada, 60, json!({ "rrule": "FREQ=DAILY" })).await.text("/id");
        invite(app, &ada, &id, &bob, "participant").await;
        let off = act(app, &ada, &id, "cancel").await.expect(200);
        assert_eq!((off.text("/status"), &off.json["ical_seq"]), ("cancelled".into(), &json!(1)));
        let list = occurrences(app, &ada, &id).await;
        assert!(texts(&list, "status").iter().all(|status| *status == "cancelled"));
        assert_eq!(told(app, &bob).await, ["meeting.cancelled", "meeting.invited"]);
    }

    async fn follows_what_the_media_node_reports(app) {
        app.node.beat(app).await.expect(200);
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let made = meeting(app, &ada, 20, json!({})).await;
        let (id, room) = (made.text("/id"), made.text("/room_id"));
        invite(app, &ada, &id, &bob, "participant").await;
        // Twenty minutes early is early enough.
        let (a, b) = (join(app, &ada, &room).await, join(app, &bob, &room).await);
        let a = arrive(app, &a, &room).await;
        assert_eq!(status(app, &ada, &id).await, "ongoing");
        let b = arrive(app, &b, &room).await;
        pass(app, 5);
        app.node.beat(app).await.expect(200);
        depart(app, &a, &room).await;
        depart(app, &b, &room).await;
        assert_eq!(status(app, &ada, &id).await, "completed");
        let history = app.get("/meetings?view=history", Some(&bob.access)).await.expect(200);
        let entry = &history.json["items"][0];
        assert_eq!((entry["id"].as_str(), &entry["peak_participants"]), (Some(id.as_str()), &json!(2)));
        let seconds = entry["duration_s"].as_i64().unwrap();
        assert!((299..=330).contains(&seconds), "{seconds}");
        assert!(entry["started_at"].is_string() && entry["ended_at"].is_string(), "{entry}");
        assert_eq!(entry["occurrence"]["status"], "completed");
        // Whoever comes back within its time goes on with it.
        let again = join(app, &ada, &room).await;
        let again = arrive(app, &again, &room).await;
        assert_eq!(status(app, &ada, &id).await, "ongoing");
        pass(app, 2);
        app.node.beat(app).await.expect(200);
        depart(app, &again, &room).await;
        let history = app.get("/meetings?view=history", Some(&ada.access)).await.expect(200);
        let longer = history.json["items"][0]["duration_s"].as_i64().unwrap();
        assert!(longer >= seconds + 119, "{longer}");
    }

    async fn a_host_ends_the_call_with_the_meeting(app) {
        app.node.beat(app).await.expect(200);
        let ada = app.person("Ada").await;
        let made = meeting(app, &ada, 0, json!({})).await;
        let (id, room) = (made.text("/id"), made.text("/room_id"));
        let token = join(app, &ada, &room).await;
        arrive(app, &token, &room).await;
        act(app, &ada, &id, "end").await.expect(200);
        app.eventually("the room is closed", async || app.node.called("DeleteRoom") == 1).await;
        let path = format!("/rooms/{room}/call");
        app.eventually("the call is over", async || app.get(&path, Some(&ada.access)).await.status == 404).await;
        // What a host ended is over for good, although people may still meet in the room.
        let token = join(app, &ada, &room).await;
        arrive(app, &token, &room).await;
        assert_eq!(status(app, &ada, &id).await, "completed");
    }

    async fn a_call_at_another_time_is_another_call(app) {
        app.node.beat(app).await.expect(200);
        let ada = app.person("Ada").await;
        let made = meeting(app, &ada, 300, json!({})).await;
        let (id, room) = (made.text("/id"), made.text("/room_id"));
        let token = join(app, &ada, &room).await;
        let person = arrive(app, &token, &room).await;
        assert_eq!(status(app, &ada, &id).await, "scheduled");
        // Started by hand, the call that runs is the meeting.
        act(app, &ada, &id, "start").await.expect(200);
        pass(app, 3);
        app.node.beat(app).await.expect(200);
        depart(app, &person, &room).await;
        assert_eq!(status(app, &ada, &id).await, "completed");
        let history = app.get("/meetings?view=history", Some(&ada.access)).await.expect(200);
        assert!(history.json["items"][0]["duration_s"].as_i64().unwrap() >= 179, "{}", history.json);
    }

    async fn what_nobody_ended_is_closed_in_the_end(app) {
        let ada = app.person("Ada").await;
        let id = meeting(app, &ada, 0, json!({})).await.text("/id");
        act(app, &ada, &id, "start").await.expect(200);
        pass(app, 80);
        app.control.look_after_meetings().await.unwrap();
        let ada = again(app, &ada).await;
        assert_eq!(status(app, &ada, &id).await, "ongoing");
        pass(app, 15);
        app.control.look_after_meetings().await.unwrap();
        let ada = again(app, &ada).await;
        assert_eq!(status(app, &ada, &id).await, "completed");
        let history = app.get("/meetings?view=history", Some(&ada.access)).await.expect(200);
        assert_eq!((&history.json["items"][0]["duration_s"], &history.json["items"][0]["started_at"]), (&json!(0), &Value::Null));
    }

    async fn reminds_each_person_once_and_follows_what_changes(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let id = meeting(app, &ada, 60, json!({})).await.text("/id");
        invite(app, &ada, &id, &bob, "participant").await;
        let eves = invite(app, &ada, &id, &eve, "participant").await;
        app.post(&format!("/invites/{eves}/decline"), Some(&eve.access), json!({})).await.expect(200);
        let later = crate::support::time::in_minutes(app, 120);
        app.patch(&format!("/meetings/{id}"), Some(&ada.access), json!({ "starts_at": later })).await.expect(200);
        let reminded = async |who: &Person| {
            told(app, who).await.iter().filter(|kind| *kind == "meeting.reminder").count()
        };
        pass(app, 55);
        let (ada, bob, eve) = (again(app, &ada).await, again(app, &bob).await, again(app, &eve).await);
        app.control.look_after_meetings().await.unwrap();
        app.work_done().await;
        assert_eq!(reminded(&bob).await, 0, "it was moved");
        pass(app, 56);
        let (ada, bob, eve) = (again(app, &ada).await, again(app, &bob).await, again(app, &eve).await);
        app.control.look_after_meetings().await.unwrap();
        app.eventually("Bob is reminded", async || reminded(&bob).await == 1).await;
        app.eventually("Ada is reminded", async || reminded(&ada).await == 1).await;
        app.control.look_after_meetings().await.unwrap();
        app.work_done().await;
        assert_eq!((reminded(&ada).await, reminded(&bob).await, reminded(&eve).await), (1, 1, 0));
    }
}
