//! `POST /meetings`, `GET` and `DELETE /meetings/{id}`: planned, seen by those concerned, gone with its room.

use serde_json::{Value, json};

use crate::support::both;
use crate::support::meeting::{invite, meeting, occurrences, texts};
use crate::support::talk::organization;
use crate::support::time::{in_minutes, later, monday_in_march, now, wall};

both! {
    async fn makes_a_meeting_with_a_room_of_its_own(app) {
        let ada = app.person("Ada").await;
        let start = in_minutes(app, 60);
        let more = json!({ "starts_at": start, "description": "What\nnext?", "language": "de", "timezone": "Europe/Berlin",
            "access_level": "restricted" });
        let made = meeting(app, &ada, 60, more).await;
        for (field, value) in [("title", json!("Planning")), ("description", json!("What\nnext?")),
            ("language", json!("de")), ("timezone", json!("Europe/Berlin")), ("duration_min", json!(30)),
            ("rrule", Value::Null), ("status", json!("scheduled")), ("my_role", json!("organizer")),
            ("ical_seq", json!(0)), ("invite_count", json!(0)), ("split_from", Value::Null)] {
            assert_eq!(made.json[field], value, "{field}");
        }
        assert_eq!(made.text("/starts_at"), start);
        assert_eq!(made.text("/ends_at"), later(&start, 30));
        assert_eq!(made.text("/local_start"), wall(&start, "Europe/Berlin").to_string());
        let room = app.get(&format!("/rooms/{}", made.text("/room_code")), Some(&ada.access)).await.expect(200);
        assert_eq!((room.text("/id"), room.text("/name")), (made.text("/room_id"), "Planning".into()));
        assert_eq!((room.text("/role"), room.text("/access_level")), ("owner".into(), "restricted".into()));
        assert_eq!(room.text("/conversation_id"), made.text("/conversation_id"));
        let seen = app.get(&format!("/meetings/{}", made.text("/id")), Some(&ada.access)).await.expect(200);
        assert_eq!(seen.text("/next_occurrence/starts_at"), start);
        assert_eq!(seen.text("/ical_uid"), made.text("/ical_uid"));
    }

    async fn begins_now_in_the_callers_zone_unless_told(app) {
        let ada = app.person("Ada").await;
        app.patch("/me", Some(&ada.access), json!({ "timezone": "Asia/Kolkata", "locale": "hi" })).await.expect(200);
        let made = app.post("/meetings", Some(&ada.access), json!({ "title": "Now" })).await.expect(201);
        assert_eq!((made.text("/timezone"), made.text("/language")), ("Asia/Kolkata".into(), "hi".into()));
        let started: jiff::Timestamp = made.text("/starts_at").parse().unwrap();
        assert!((now(app).duration_since(started)).as_secs() <= 5);
        assert_eq!(made.json["duration_min"], 60);
    }

    async fn keeps_the_wall_clock_of_a_series_over_the_change_of_clocks(app) {
        let ada = app.person("Ada").await;
        let monday = monday_in_march(app);
        let more = json!({ "local_start": monday.to_string(), "timezone": "Europe/Berlin",
            "rrule": "FREQ=WEEKLY;BYDAY=MO" });
        let made = meeting(app, &ada, 0, more).await;
        assert_eq!(made.json["ends_at"], Value::Null);
        let path = format!("/meetings/{}/occurrences?from={}", made.text("/id"), made.text("/starts_at"));
        let list = app.get(&path, Some(&ada.access)).await.expect(200);
        let list = list.json["items"].as_array().unwrap();
        assert_eq!(list.len(), 13, "ninety days of Mondays");
        let starts = texts(list, "starts_at");
        for start in &starts {
            assert_eq!(wall(start, "Europe/Berlin").time(), monday.time());
        }
        let hours: std::collections::BTreeSet<_> = starts.iter().map(|start| wall(start, "UTC").hour()).collect();
        assert_eq!(hours.into_iter().collect::<Vec<_>>(), [7, 8], "winter and summer");
    }

    async fn moves_the_start_of_a_series_to_its_first_instance(app) {
        let ada = app.person("Ada").await;
        let monday = monday_in_march(app);
        let more = json!({ "local_start": monday.to_string(), "timezone": "America/New_York",
            "rrule": "rrule:freq=weekly;byday=WE;count=3" });
        let made = meeting(app, &ada, 0, more).await;
        assert_eq!(made.text("/rrule"), "FREQ=WEEKLY;COUNT=3;BYDAY=WE");
        assert_eq!(made.text("/local_start"), (monday + jiff::ToSpan::days(2)).to_string());
        let last: jiff::civil::DateTime = wall(&made.text("/ends_at"), "America/New_York");
        assert_eq!(last, monday + jiff::ToSpan::days(16).minutes(30));
    }

    async fn takes_a_room_its_organizer_may_change(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let room = app.room(&ada, "restricted").await.text("/id");
        let body = json!({ "title": "Here", "room_id": room });
        let made = app.post("/meetings", Some(&ada.access), body.clone()).await.expect(201);
        assert_eq!(made.text("/room_id"), room);
        app.post("/meetings", Some(&eve.access), body).await.problem(404, "room_not_found");
        let open = app.room(&ada, "trusted").await.text("/id");
        let body = json!({ "title": "Here", "room_id": open });
        app.post("/meetings", Some(&eve.access), body).await.problem(403, "forbidden");
        let chat = json!({ "name": "Chat", "type": "chat" });
        let chat = app.post("/rooms", Some(&ada.access), chat).await.text("/id");
        let body = json!({ "title": "Here", "room_id": chat });
        app.post("/meetings", Some(&ada.access), body).await.blames(&["room_id"]);
        // The room outlives a meeting it was not made for.
        app.delete(&format!("/meetings/{}", made.text("/id")), Some(&ada.access)).await.expect(204);
        app.get(&format!("/rooms/{room}"), Some(&ada.access)).await.expect(200);
    }

    async fn belongs_to_an_organization_of_the_caller(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let engines = organization(app, &ada, "Analytical Engines").await.text("/id");
        let made = meeting(app, &ada, 60, json!({ "org_id": engines })).await;
        assert_eq!(made.text("/org_id"), engines);
        let body = json!({ "title": "x", "org_id": engines });
        app.post("/meetings", Some(&eve.access), body).await.problem(404, "organization_not_found");
        app.post("/meetings", Some(&eve.access), json!({ "title": "x", "org_id": "no" })).await.blames(&["org_id"]);
    }

    async fn refuses_nonsense(app) {
        let ada = app.person("Ada").await;
        let post = |more: Value| {
            let mut body = json!({ "title": "x" });
            for (key, value) in more.as_object().unwrap() {
                body[key] = value.clone();
            }
            let token = ada.access.clone();
            async move { app.post("/meetings", Some(&token), body).await }
        };
        for (more, field) in [
            (json!({ "title": "" }), "title"),
            (json!({ "title": "a\u{0}b" }), "title"),
            (json!({ "title": "x".repeat(201) }), "title"),
            (json!({ "title": 5 }), "title"),
            (json!({ "title": null }), "title"),
            (json!({ "description": "x".repeat(8001) }), "description"),
            (json!({ "description": "\u{1b}[31m" }), "description"),
            (json!({ "language": "not a language" }), "language"),
            (json!({ "timezone": "Mars/Olympus" }), "timezone"),
            (json!({ "timezone": "" }), "timezone"),
            (json!({ "local_start": "soon" }), "local_start"),
            (json!({ "local_start": "2026-02-30T10:00:00" }), "local_start"),
            (json!({ "local_start": "2026-03-01T10:00:00Z" }), "local_start"),
            (json!({ "starts_at": "2026-03-01" }), "starts_at"),
            (json!({ "starts_at": "9999-01-01T00:00:00Z" }), "starts_at"),
            (json!({ "local_start": "2027-03-01T10:00:00", "starts_at": "2027-03-01T10:00:00Z" }), "starts_at"),
            (json!({ "duration_min": 0 }), "duration_min"),
            (json!({ "duration_min": 1441 }), "duration_min"),
            (json!({ "duration_min": "long" }), "duration_min"),
            (json!({ "rrule": "FREQ=SECONDLY" }), "rrule"),
            (json!({ "rrule": "" }), "rrule"),
            (json!({ "rrule": "FREQ=DAILY\u{0}" }), "rrule"),
            (json!({ "rrule": "FREQ=DAILY;".repeat(100) }), "rrule"),
            (json!({ "room_id": "none" }), "room_id"),
            (json!({ "access_level": "secret" }), "access_level"),
        ] {
            post(more).await.blames(&[field]);
        }
        app.post("/meetings", None, json!({ "title": "x" })).await.problem(401, "sign_in_required");
        let nobody = json!({ "room_id": "0190d2a6-0000-7000-8000-000000000000" });
        post(nobody).await.problem(404, "room_not_found");
    }

    async fn refuses_a_rule_that_never_comes_true_at_once(app) {
        let ada = app.person("Ada").await;
        for rule in ["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYMONTH=4;BYMONTHDAY=31",
            "FREQ=MONTHLY;BYMONTHDAY=1,2;BYDAY=MO;BYSETPOS=2", "FREQ=DAILY;UNTIL=20200101T000000Z"] {
            let began = std::time::Instant::now();
            let body = json!({ "title": "Never", "rrule": rule });
            app.post("/meetings", Some(&ada.access), body).await.blames(&["rrule"]);
            assert!(began.elapsed() < std::time::Duration::from_millis(400), "{rule} {:?}", began.elapsed());
        }
    }

    async fn is_seen_by_those_concerned_alone(app) {
        let (ada, eve, bob) = (app.person("Ada").await, app.person("Eve").await, app.person("Bob").await);
        let made = meeting(app, &ada, 60, json!({})).await.text("/id");
        invite(app, &ada, &made, &bob, "participant").await;
        let path = format!("/meetings/{made}");
        assert_eq!(app.get(&path, Some(&bob.access)).await.expect(200).text("/my_role"), "participant");
        app.get(&path, Some(&eve.access)).await.problem(404, "meeting_not_found");
        app.get(&path, None).await.problem(401, "sign_in_required");
        for (method, path) in [("patch", path.clone()), ("post", format!("{path}/start")), ("post", format!("{path}/end")),
            ("post", format!("{path}/cancel")), ("delete", path.clone())] {
            let call = |token: String| {
                let (method, path) = (method.to_uppercase(), path.clone());
                async move {
                    let body = (method == "PATCH").then(|| json!({ "title": "Mine" }));
                    app.call(method.parse().unwrap(), &path, Some(&token), body).await
                }
            };
            call(eve.access.clone()).await.problem(404, "meeting_not_found");
            call(bob.access.clone()).await.problem(403, "forbidden");
        }
        for odd in ["nothing", "%00", "0190d2a6-0000-7000-8000-000000000000", "..", "%F0%9F%98%80"] {
            app.get(&format!("/meetings/{odd}"), Some(&ada.access)).await.expect(404);
        }
    }

    async fn goes_with_its_room(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let made = meeting(app, &ada, 60, json!({})).await;
        let (id, room) = (made.text("/id"), made.text("/room_id"));
        invite(app, &ada, &id, &bob, "co_organizer").await;
        let path = format!("/meetings/{id}");
        app.delete(&path, Some(&bob.access)).await.problem(403, "forbidden");
        app.delete(&path, Some(&ada.access)).await.expect(204);
        app.delete(&path, Some(&ada.access)).await.problem(404, "meeting_not_found");
        app.get(&path, Some(&ada.access)).await.problem(404, "meeting_not_found");
        app.get(&format!("/rooms/{room}"), Some(&ada.access)).await.problem(404, "room_not_found");
        let list = app.get("/meetings", Some(&ada.access)).await.expect(200);
        assert_eq!(list.json["items"], json!([]));
        assert!(occurrences_gone(app, &ada.access, &id).await);
    }
}

async fn occurrences_gone(app: &crate::support::TestApp, token: &str, id: &str) -> bool {
    let path = format!("/meetings/{id}/occurrences");
    app.get(&path, Some(token)).await.status == 404
}

both! {
    async fn many_at_once_do_not_disturb_each_other(app) {
        let ada = app.person("Ada").await;
        let make = |n: usize| {
            let body = json!({ "title": format!("No. {n}"), "rrule": "FREQ=DAILY;COUNT=5" });
            let token = ada.access.clone();
            async move { app.post("/meetings", Some(&token), body).await.expect(201).text("/id") }
        };
        let made = futures_util::future::join_all((0..8).map(make)).await;
        for id in made {
            assert_eq!(occurrences(app, &ada, &id).await.len(), 5);
        }
    }

    async fn a_title_is_what_it_looks_like(app) {
        let ada = app.person("Ada").await;
        let by = Some(ada.access.as_str());
        let org = organization(app, &ada, "Org").await.text("/id");
        let made = meeting(app, &ada, 60, json!({ "rrule": "FREQ=DAILY" })).await;
        let path = format!("/meetings/{}", made.text("/id"));
        let start = occurrences(app, &ada, &made.text("/id")).await[0]["original_start_at"].clone();
        let one = format!("{path}/occurrences/{}", start.as_str().unwrap());
        for bad in ["exe.\u{202e}fdp", "\u{2066}Plan", "Pl\u{200b}an", "\u{2069}", "\u{feff}Plan", "Plan\u{7}A"] {
            app.post("/meetings", by, json!({ "title": bad })).await.blames(&["title"]);
            app.patch(&path, by, json!({ "title": bad })).await.blames(&["title"]);
            app.patch(&one, by, json!({ "title": bad })).await.blames(&["title"]);
            // As names are.
            app.post("/rooms", by, json!({ "name": bad, "type": "video" })).await.blames(&["name"]);
            app.post("/organizations", by, json!({ "name": bad })).await.blames(&["name"]);
            let channels = format!("/organizations/{org}/channels");
            app.post(&channels, by, json!({ "name": bad, "visibility": "public" })).await.blames(&["name"]);
        }
        for good in ["Größe 👩\u{200d}💻", "اجتماع", "会議"] {
            let changed = app.patch(&path, by, json!({ "title": good })).await.expect(200);
            assert_eq!(changed.text("/title"), good);
        }
    }
}
