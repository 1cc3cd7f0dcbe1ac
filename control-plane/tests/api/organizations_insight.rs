//! Activities, figures and the audit log of an organization.

use std::time::Duration;

use serde_json::{Value, json};
use signaling_proto::heartbeat::{Heartbeat, QualitySamples, RoomQuality};

use crate::support::meeting::{arrive, depart, invite, meeting};
use crate::support::time::pass;
use crate::support::{Answer, Person, TestApp, both, talk};

fn types(page: &Answer) -> Vec<&str> {
    page.json["items"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect()
}

fn last(answer: &Answer) -> &Value {
    answer.json["items"].as_array().unwrap().last().unwrap()
}

async fn join(app: &TestApp, who: &Person, room: &str) -> String {
    app.post(&format!("/rooms/{room}/join"), Some(&who.access), json!({})).await.expect(200).text("/token")
}

/// Two minutes pass, and the node says that it lives and what it found in a room.
async fn two_minutes(app: &TestApp, room: &str) {
    pass(app, 2);
    let samples = QualitySamples { excellent: 1, good: 0, poor: 0, lost: 0 };
    let quality = vec![RoomQuality { sid: app.node.room(room).sid, samples }];
    app.node.beat_as(app, "ND_test", &Heartbeat { quality, ..Heartbeat::default() }).await.expect(200);
}

/// Somebody is alone in a call for two minutes.
async fn call(app: &TestApp, who: &Person, room: &str) {
    app.node.beat(app).await.expect(200);
    let inside = arrive(app, &join(app, who, room).await, room).await;
    two_minutes(app, room).await;
    depart(app, &inside, room).await;
}

/// Calls, stays, minutes and samples of quality of an organization.
async fn figures(app: &TestApp, who: &Person, org: &Answer) -> [i64; 4] {
    let read = async |what: &str| {
        let path = format!("/organizations/{}/analytics/{what}?days=3", org.text("/id"));
        app.get(&path, Some(&who.access)).await.expect(200)
    };
    let sum = |page: &Answer, field: &str| {
        page.json["items"].as_array().unwrap().iter().map(|day| day[field].as_i64().unwrap()).sum::<i64>()
    };
    let (minutes, quality) = (read("call-minutes").await, read("quality").await);
    [sum(&minutes, "calls"), sum(&minutes, "stays"), sum(&minutes, "minutes"), sum(&quality, "samples")]
}

/// What an organization's activities say about calls, the newest first.
async fn of_calls(app: &TestApp, who: &Person, org: &Answer) -> Vec<Value> {
    let page = app.get(&format!("/organizations/{}/activities", org.text("/id")), Some(&who.access)).await.expect(200);
    let items = page.json["items"].as_array().unwrap().iter();
    items.filter(|item| item["type"].as_str().unwrap().starts_with("call.")).cloned().collect()
}

both! {
    async fn activities_show_what_one_may_see(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "viewer").await;
        talk::channel(app, &ada, &org, "General", "public").await;
        let secret = talk::channel(app, &ada, &org, "Secret", "private").await;
        let path = format!("/organizations/{}/activities", org.text("/id"));
        let mine = app.get(&path, Some(&ada.access)).await.expect(200);
        assert_eq!(types(&mine), ["channel.created", "channel.created", "member.joined", "organization.created"]);
        assert_eq!(mine.json["items"][0]["actor"], json!({ "id": ada.id, "display_name": "Ada" }));
        assert_eq!((mine.text("/items/0/ref_id"), mine.text("/items/0/data/name")), (secret.text("/id"), "Secret".into()));
        let theirs = app.get(&path, Some(&bob.access)).await.expect(200);
        assert_eq!(types(&theirs), ["channel.created", "member.joined", "organization.created"]);
        assert_eq!(theirs.text("/items/0/data/name"), "General");
        let first = app.get(&format!("{path}?limit=2"), Some(&bob.access)).await.expect(200);
        let next = app.get(&format!("{path}?limit=2&cursor={}", first.text("/next_cursor")), Some(&bob.access)).await;
        assert_eq!((types(&next), &next.json["next_cursor"]), (vec!["organization.created"], &json!(null)));
        let some = app.get(&format!("{path}?type=member.joined"), Some(&bob.access)).await.expect(200);
        assert_eq!(types(&some), ["member.joined"]);
        assert_eq!(talk::statements(app, &ada.access, &path).await, 3);
        app.delete(&format!("/channels/{}", secret.text("/id")), Some(&ada.access)).await.expect(204);
        assert_eq!(types(&app.get(&path, Some(&ada.access)).await).len(), 3);
        app.get(&path, Some(&eve.access)).await.problem(404, "organization_not_found");
        app.get(&path, None).await.problem(401, "sign_in_required");
        app.get(&format!("{path}?limit=0"), Some(&ada.access)).await.blames(&["limit"]);
        app.get(&format!("{path}?type=%00"), Some(&ada.access)).await.blames(&["type"]);
    }

    async fn messages_are_counted_by_day(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "member").await;
        let path = format!("/organizations/{}/analytics/messages-per-day", org.text("/id"));
        let empty = app.get(&path, Some(&ada.access)).await.expect(200);
        assert_eq!((empty.json["items"].as_array().unwrap().len(), &last(&empty)["messages"]), (14, &json!(0)));
        let channel = talk::channel(app, &ada, &org, "General", "public").await;
        for n in 0..3 {
            talk::say(app, &bob.access, &talk::of_room(&channel), &format!("Message {n}")).await;
        }
        // Not of the organization.
        talk::say(app, &ada.access, &talk::of_room(&app.room(&ada, "public").await), "Elsewhere").await;
        let counted = app.get(&format!("{path}?days=2"), Some(&ada.access)).await.expect(200);
        assert_eq!((counted.json["items"].as_array().unwrap().len(), &last(&counted)["messages"]), (2, &json!(3)));
        let today = last(&counted)["date"].clone();
        app.clock.advance(Duration::from_secs(600));
        app.get(&path, Some(&bob.access)).await.problem(403, "forbidden");
        app.get(&path, Some(&eve.access)).await.problem(404, "organization_not_found");
        app.get(&path, None).await.problem(401, "sign_in_required");
        app.get(&format!("{path}?days=0"), Some(&ada.access)).await.blames(&["days"]);
        app.get(&format!("{path}?days=91"), Some(&ada.access)).await.blames(&["days"]);
        app.get(&format!("{path}?days=x"), Some(&ada.access)).await.expect(422);
        assert_eq!(today.as_str().unwrap().len(), "2030-01-31".len());
    }

    async fn active_members_are_those_seen_lately(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "viewer").await;
        let path = format!("/organizations/{}/analytics/active-users", org.text("/id"));
        let both = app.get(&path, Some(&bob.access)).await.expect(200);
        assert_eq!(both.json, json!({ "minutes": 15, "active_users": 2, "members": 2 }));
        app.clock.advance(Duration::from_secs(600));
        app.get("/me", Some(&ada.access)).await.expect(200);
        let one = app.get(&format!("{path}?minutes=5"), Some(&ada.access)).await.expect(200);
        assert_eq!(one.json, json!({ "minutes": 5, "active_users": 1, "members": 2 }));
        app.get(&path, Some(&eve.access)).await.problem(404, "organization_not_found");
        app.get(&path, None).await.problem(401, "sign_in_required");
        app.get(&format!("{path}?minutes=0"), Some(&ada.access)).await.blames(&["minutes"]);
        app.get(&format!("{path}?minutes=1441"), Some(&ada.access)).await.blames(&["minutes"]);
    }

    async fn call_minutes_are_for_admins(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "member").await;
        let path = format!("/organizations/{}/analytics/call-minutes", org.text("/id"));
        let empty = app.get(&format!("{path}?days=3"), Some(&ada.access)).await.expect(200);
        assert_eq!(empty.json["items"].as_array().unwrap().len(), 3);
        assert_eq!((&last(&empty)["calls"], &last(&empty)["minutes"]), (&json!(0), &json!(0)));
        app.get(&path, Some(&bob.access)).await.problem(403, "forbidden");
        app.get(&path, Some(&eve.access)).await.problem(404, "organization_not_found");
        app.get(&path, None).await.problem(401, "sign_in_required");
        app.get(&format!("{path}?days=91"), Some(&ada.access)).await.blames(&["days"]);
    }

    async fn calls_of_its_meetings_are_its_own(app) {
        let (ada, adam, mia) = (app.person("Ada").await, app.person("Adam").await, app.person("Mia").await);
        let (bob, vera) = (app.person("Bob").await, app.person("Vera").await);
        let org = talk::organization(app, &ada, "Org").await;
        for (person, role) in [(&adam, "admin"), (&mia, "member"), (&bob, "member"), (&vera, "member")] {
            talk::member(app, &ada, &org, person, role).await;
        }
        let planned = meeting(app, &mia, 10, json!({ "org_id": org.text("/id") })).await;
        let (id, room) = (planned.text("/id"), planned.text("/room_id"));
        invite(app, &mia, &id, &bob, "participant").await;
        let private = meeting(app, &mia, 10, json!({})).await.text("/room_id");
        let told = format!(
            "SELECT COUNT(*) FROM event_log WHERE topic = 'activity:{}' AND kind = 'activity.created'",
            org.text("/id")
        );
        let before = app.count(&told).await;
        assert!(before > 0, "members are told that others joined");
        assert_eq!(figures(app, &ada, &org).await, [0; 4]);
        call(app, &mia, &room).await;
        call(app, &mia, &private).await;
        assert_eq!(figures(app, &ada, &org).await, [1, 1, 2, 1]);
        // Who may see the meeting reads of its call, who may not does not hear of it either.
        for person in [&ada, &adam, &mia, &bob] {
            let items = of_calls(app, person, &org).await;
            let kinds: Vec<&str> = items.iter().map(|item| item["type"].as_str().unwrap()).collect();
            assert_eq!(kinds, ["call.ended", "call.started"]);
            let first = &items[0];
            assert_eq!((&first["ref_kind"], &first["ref_id"]), (&json!("meeting"), &json!(id)));
            assert_eq!((&first["data"]["title"], &first["actor"]), (&json!("Planning"), &json!(null)));
        }
        assert_eq!(of_calls(app, &vera, &org).await, Vec::<Value>::new());
        assert_eq!(app.count(&told).await, before);
        // Another meeting of the organization in the same room makes no second call of it.
        meeting(app, &mia, 20, json!({ "org_id": org.text("/id"), "room_id": room })).await;
        assert_eq!(figures(app, &ada, &org).await, [1, 1, 2, 1]);
        let path = format!("/organizations/{}/activities", org.text("/id"));
        assert_eq!(talk::statements(app, &ada.access, &path).await, 3);
        app.delete(&format!("/meetings/{id}"), Some(&mia.access)).await.expect(204);
        assert_eq!(of_calls(app, &ada, &org).await, Vec::<Value>::new());
        assert_eq!(figures(app, &ada, &org).await, [0; 4]);
    }

    async fn a_room_of_several_meetings_calls_for_the_one_that_is_due(app) {
        let ada = app.person("Ada").await;
        let (one, two) = (talk::organization(app, &ada, "One").await, talk::organization(app, &ada, "Two").await);
        let plan = async |room: &str, org: Option<&Answer>, minutes: i64| {
            let more = match org {
                Some(org) => json!({ "room_id": room, "org_id": org.text("/id") }),
                None => json!({ "room_id": room }),
            };
            meeting(app, &ada, minutes, more).await
        };
        let both = async || (figures(app, &ada, &one).await, figures(app, &ada, &two).await);
        let room = app.room(&ada, "trusted").await.text("/id");
        plan(&room, Some(&one), 0).await;
        plan(&room, Some(&two), 120).await;
        call(app, &ada, &room).await;
        assert_eq!(both().await, ([1, 1, 2, 1], [0; 4]));
        assert_eq!((of_calls(app, &ada, &one).await.len(), of_calls(app, &ada, &two).await.len()), (2, 0));
        // None is due, and the room is no meeting's own: the call is nobody's but its owner's.
        let room = app.room(&ada, "trusted").await.text("/id");
        plan(&room, Some(&one), 120).await;
        plan(&room, Some(&two), 240).await;
        call(app, &ada, &room).await;
        // The one that is due is of no organization.
        let room = app.room(&ada, "trusted").await.text("/id");
        plan(&room, None, 0).await;
        plan(&room, Some(&one), 120).await;
        call(app, &ada, &room).await;
        assert_eq!(both().await, ([1, 1, 2, 1], [0; 4]));
        assert_eq!((of_calls(app, &ada, &one).await.len(), of_calls(app, &ada, &two).await.len()), (2, 0));
        // The room is of one organization, the meeting of another: it is a call of both.
        let form = json!({ "name": "Ours", "type": "video", "org_id": two.text("/id") });
        let room = app.post("/rooms", Some(&ada.access), form).await.expect(201).text("/id");
        plan(&room, Some(&one), 0).await;
        call(app, &ada, &room).await;
        assert_eq!(both().await, ([2, 2, 4, 2], [1, 1, 2, 1]));
        let (ours, theirs) = (of_calls(app, &ada, &one).await, of_calls(app, &ada, &two).await);
        assert_eq!((&ours[0]["ref_kind"], &theirs[0]["ref_kind"]), (&json!("meeting"), &json!("room")));
    }

    async fn breakouts_count_with_the_meeting_they_are_of(app) {
        let (ada, ben) = (app.person("Ada").await, app.person("Ben").await);
        let org = talk::organization(app, &ada, "Org").await;
        let planned = meeting(app, &ada, 0, json!({ "org_id": org.text("/id") })).await;
        let room = planned.text("/room_id");
        invite(app, &ada, &planned.text("/id"), &ben, "participant").await;
        app.node.beat(app).await.expect(200);
        for person in [&ada, &ben] {
            arrive(app, &join(app, person, &room).await, &room).await;
        }
        let id = app.get(&format!("/rooms/{room}/call"), Some(&ada.access)).await.expect(200).text("/id");
        let path = format!("/calls/{id}/breakouts");
        let made = app.post(&path, Some(&ada.access), json!({ "count": 1, "assign": "evenly" })).await.expect(201);
        let apart = made.text("/items/0/id");
        app.post(&format!("{path}/open"), Some(&ada.access), json!({})).await.expect(200);
        let ticket = app.post(&format!("{path}/{apart}/join"), Some(&ben.access), json!({})).await.expect(200);
        let inside = arrive(app, &ticket.text("/token"), &apart).await;
        two_minutes(app, &apart).await;
        depart(app, &inside, &apart).await;
        // Two people in the call, one of them in the breakout as well.
        assert_eq!(figures(app, &ada, &org).await, [2, 3, 6, 1]);
        assert_eq!(of_calls(app, &ada, &org).await.len(), 1, "the meeting's call has begun");
    }

    async fn the_audit_log_says_who_did_what(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "member").await;
        talk::organization(app, &ada, "Other").await;
        let path = format!("/organizations/{}/audit-log", org.text("/id"));
        let log = app.get(&path, Some(&ada.access)).await.expect(200);
        let entry = &log.json["items"][0];
        assert_eq!((&entry["action"], &entry["target_id"], &entry["diff"]), (&json!("member.joined"), &json!(bob.id), &json!({ "role": "member" })));
        assert_eq!((&entry["actor"]["id"], log.json["items"].as_array().unwrap().len()), (&json!(ada.id), 2));
        let first = app.get(&format!("{path}?limit=1"), Some(&ada.access)).await.expect(200);
        let next = app.get(&format!("{path}?limit=1&cursor={}", first.text("/next_cursor")), Some(&ada.access)).await;
        assert_eq!((next.text("/items/0/action"), &next.json["next_cursor"]), ("organization.created".into(), &json!(null)));
        for (query, wanted) in [
            ("action=member.joined".to_owned(), 1),
            (format!("actor_id={}", ada.id), 2),
            (format!("actor_id={}", bob.id), 0),
            ("to=2001-01-01T00:00:00Z".to_owned(), 0),
            ("from=2001-01-01T00:00:00Z".to_owned(), 2),
        ] {
            let page = app.get(&format!("{path}?{query}"), Some(&ada.access)).await.expect(200);
            assert_eq!(page.json["items"].as_array().unwrap().len(), wanted, "{query}");
        }
        assert_eq!(talk::statements(app, &ada.access, &path).await, 3);
        app.get(&path, Some(&bob.access)).await.problem(403, "forbidden");
        app.get(&path, Some(&eve.access)).await.problem(404, "organization_not_found");
        app.get(&path, None).await.problem(401, "sign_in_required");
        app.get(&format!("{path}?limit=0&action=%00"), Some(&ada.access)).await.blames(&["action", "limit"]);
        app.get(&format!("{path}?actor_id=x"), Some(&ada.access)).await.expect(422);
    }
}
