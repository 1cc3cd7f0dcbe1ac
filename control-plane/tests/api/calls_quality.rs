//! How good connections were: from a node's heartbeat to a call's record and the figures of organizations.

use std::time::Duration;

use serde_json::{Value, json};
use signaling_proto::heartbeat::{Heartbeat, QualitySamples, RoomQuality};

use crate::support::{Answer, Person, TestApp, both, talk};

const STEP: Duration = Duration::from_secs(300);

/// A node that judged somebody in the rooms with these sids.
fn beat(found: &[(&str, [u32; 4])]) -> Heartbeat {
    let quality = found.iter().map(|(sid, [excellent, good, poor, lost])| RoomQuality {
        sid: (*sid).to_owned(),
        samples: QualitySamples { excellent: *excellent, good: *good, poor: *poor, lost: *lost },
    });
    Heartbeat { quality: quality.collect(), ..Heartbeat::default() }
}

async fn judge(app: &TestApp, found: &[(&str, [u32; 4])]) -> Answer {
    app.node.beat_as(app, "ND_test", &beat(found)).await.expect(200)
}

/// A call with one person in a room; its id and the sid of its media room.
async fn call(app: &TestApp, who: &Person, room: &str) -> (String, String) {
    app.node.beat(app).await.expect(200);
    let join = app.post(&format!("/rooms/{room}/join"), Some(&who.access), json!({})).await.expect(200);
    app.node.join(app, &join.text("/token"), room).await;
    let id = app.get(&format!("/rooms/{room}/call"), Some(&who.access)).await.expect(200).text("/id");
    (id, app.node.room(room).sid)
}

fn counts(value: &Value) -> [i64; 5] {
    ["excellent", "good", "poor", "lost", "samples"].map(|name| value[name].as_i64().unwrap())
}

both! {
    async fn a_call_tells_how_good_it_was(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let body = json!({ "name": "Room", "type": "video", "access_level": "restricted" });
        let room = app.post("/rooms", Some(&ada.access), body).await.expect(201).text("/id");
        let (id, sid) = call(app, &ada, &room).await;
        let (path, steps) = (format!("/calls/{id}"), format!("/calls/{id}/quality"));
        assert_eq!(app.get(&path, Some(&ada.access)).await.expect(200).json["quality"], Value::Null);
        assert_eq!(app.get(&steps, Some(&ada.access)).await.expect(200).json, json!({ "items": [] }));
        // To the beginning of a step, so that what follows is in one.
        let past = app.clock.now().0.rem_euclid(300_000_000);
        app.clock.advance(Duration::from_micros(300_000_000 - past.unsigned_abs()));
        judge(app, &[(&sid, [3, 1, 0, 0])]).await;
        judge(app, &[(&sid, [1, 0, 0, 2]), ("RM_nobodys", [9, 9, 9, 9])]).await;
        judge(app, &[]).await;
        app.clock.advance(STEP);
        // Named twice in one heartbeat it counts as what both say.
        judge(app, &[(&sid, [0, 0, 1, 0]), (&sid, [0, 0, 4, 0])]).await;
        let total = app.get(&path, Some(&ada.access)).await.expect(200);
        assert_eq!(counts(&total.json["quality"]), [4, 1, 5, 2, 12]);
        let over_time = app.get(&steps, Some(&ada.access)).await.expect(200);
        let items = over_time.json["items"].as_array().unwrap();
        assert_eq!(items.iter().map(counts).collect::<Vec<_>>(), [[4, 1, 0, 2, 7], [0, 0, 5, 0, 5]]);
        let times = [over_time.text("/items/0/at"), over_time.text("/items/1/at")];
        let times = times.map(|text| text.parse::<jiff::Timestamp>().unwrap().as_second());
        assert_eq!((times[0] % 300, times[1] - times[0]), (0, 300));
        app.get(&steps, Some(&eve.access)).await.problem(404, "call_not_found");
        app.get(&steps, None).await.problem(401, "sign_in_required");
        app.get("/calls/nonsense/quality", Some(&ada.access)).await.problem(404, "call_not_found");
    }

    async fn organizations_see_their_calls_and_admins_all(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let root = app.admin().await;
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "member").await;
        let body = json!({ "name": "Ours", "type": "video", "org_id": org.text("/id") });
        let ours = app.post("/rooms", Some(&ada.access), body).await.expect(201).text("/id");
        let elsewhere = app.room(&ada, "public").await.text("/id");
        let (_, first) = call(app, &ada, &ours).await;
        let (_, second) = call(app, &ada, &elsewhere).await;
        judge(app, &[(&first, [7, 2, 1, 0]), (&second, [0, 0, 0, 5])]).await;
        app.clock.advance(Duration::from_secs(86_400));
        judge(app, &[(&first, [1, 0, 0, 0])]).await;
        let path = format!("/organizations/{}/analytics/quality", org.text("/id"));
        let figures = async |path: &str, token: &str| {
            let page = app.get(path, Some(token)).await.expect(200);
            let items = page.json["items"].as_array().unwrap().clone();
            assert!(items.iter().all(|item| item["date"].as_str().unwrap().len() == "2030-01-31".len()));
            items.iter().map(counts).collect::<Vec<_>>()
        };
        let ada_signs_in = app.sign_in("ada@example.org").await;
        assert_eq!(figures(&format!("{path}?days=3"), &ada_signs_in).await, [[0; 5], [7, 2, 1, 0, 10], [1, 0, 0, 0, 1]]);
        assert_eq!(figures(&path, &ada_signs_in).await.len(), 14);
        let root_signs_in = app.sign_in(&root.email).await;
        let all = figures("/admin/analytics/quality?days=2", &root_signs_in).await;
        assert_eq!(all, [[7, 2, 1, 5, 15], [1, 0, 0, 0, 1]]);
        let bob_signs_in = app.sign_in("bob@example.org").await;
        app.get(&path, Some(&bob_signs_in)).await.problem(403, "forbidden");
        app.get(&path, Some(&app.sign_in(&eve.email).await)).await.problem(404, "organization_not_found");
        app.get(&path, None).await.problem(401, "sign_in_required");
        app.get(&format!("{path}?days=91"), Some(&ada_signs_in)).await.blames(&["days"]);
        app.get("/admin/analytics/quality", Some(&bob_signs_in)).await.problem(403, "forbidden");
        app.get("/admin/analytics/quality", None).await.problem(401, "sign_in_required");
        app.get("/admin/analytics/quality?days=0", Some(&root_signs_in)).await.blames(&["days"]);
    }

    async fn of_no_call_of_ours_is_nothing(app) {
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await.text("/id");
        let (id, sid) = call(app, &ada, &room).await;
        // Another node's word about this room does not count, and one that says too much is not heard at all.
        app.node.beat_as(app, "ND_other", &beat(&[(&sid, [1, 1, 1, 1])])).await.expect(200);
        for bad in ["", "RM_\0", &"x".repeat(65)] {
            let answer = app.node.beat_as(app, "ND_test", &beat(&[(bad, [1, 1, 1, 1])])).await;
            answer.problem(400, "internal_request_refused");
        }
        let many: Vec<_> = (0..257).map(|_| (sid.as_str(), [1, 0, 0, 0])).collect();
        app.node.beat_as(app, "ND_test", &beat(&many)).await.problem(400, "internal_request_refused");
        let details = app.get(&format!("/calls/{id}"), Some(&ada.access)).await.expect(200);
        assert_eq!(details.json["quality"], Value::Null);
    }

    async fn is_kept_as_long_as_the_setting_says(app) {
        let ada = app.person("Ada").await;
        let root = app.admin().await;
        let room = app.room(&ada, "public").await.text("/id");
        let (id, sid) = call(app, &ada, &room).await;
        judge(app, &[(&sid, [5, 0, 0, 0])]).await;
        app.patch("/admin/settings", Some(&root.access), json!({ "retention.call_quality_days": 2 })).await.expect(200);
        app.clock.advance(Duration::from_secs(86_400));
        app.control.forget().await.unwrap();
        let shown = async || {
            let token = app.sign_in("ada@example.org").await;
            app.get(&format!("/calls/{id}"), Some(&token)).await.expect(200).json["quality"].clone()
        };
        assert_eq!(counts(&shown().await), [5, 0, 0, 0, 5]);
        app.clock.advance(Duration::from_secs(2 * 86_400));
        app.control.forget().await.unwrap();
        assert_eq!(shown().await, Value::Null);
    }
}
