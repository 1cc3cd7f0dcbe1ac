//! What an organization gives on its rooms and meetings: roles, a region for their calls, calls that count in its figures.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::meeting::{arrive, depart, meeting};
use crate::support::time::pass;
use crate::support::{Answer, FakeNode, Person, TestApp, both, talk};

/// An organization with somebody of every role, and a stranger.
struct Scene {
    org: Answer,
    owner: Person,
    admin: Person,
    member: Person,
    viewer: Person,
    stranger: Person,
}

impl Scene {
    async fn new(app: &TestApp) -> Self {
        let owner = app.person("Olga").await;
        let org = talk::organization(app, &owner, "Engines").await;
        let (admin, member) = (app.person("Anna").await, app.person("Mia").await);
        let (viewer, stranger) = (app.person("Vera").await, app.person("Eve").await);
        for (person, role) in [(&admin, "admin"), (&member, "member"), (&viewer, "viewer")] {
            talk::member(app, &owner, &org, person, role).await;
        }
        Self { org, owner, admin, member, viewer, stranger }
    }

    /// A restricted room that the member made for the organization.
    async fn room(&self, app: &TestApp) -> Answer {
        self.try_room(app, &self.member).await.expect(201)
    }

    async fn try_room(&self, app: &TestApp, who: &Person) -> Answer {
        let form = json!({
            "name": "Lab", "type": "video", "access_level": "restricted", "org_id": self.org.json["id"]
        });
        app.post("/rooms", Some(&who.access), form).await
    }
}

async fn join(app: &TestApp, room: &str, who: &Person) -> Answer {
    app.post(&format!("/rooms/{room}/join"), Some(&who.access), json!({})).await
}

both! {
    async fn its_roles_are_roles_in_its_rooms(app) {
        let scene = Scene::new(app).await;
        scene.try_room(app, &scene.viewer).await.problem(403, "forbidden");
        scene.try_room(app, &scene.stranger).await.problem(404, "organization_not_found");
        let room = scene.room(app).await;
        assert_eq!(room.json["org_id"], scene.org.json["id"]);
        let path = format!("/rooms/{}", room.text("/id"));
        for (who, role) in [
            (&scene.owner, "owner"), (&scene.admin, "admin"), (&scene.member, "owner"), (&scene.viewer, "member"),
        ] {
            assert_eq!(app.get(&path, Some(&who.access)).await.expect(200).text("/role"), role);
            let list = app.get("/rooms", Some(&who.access)).await.expect(200);
            assert_eq!(list.text("/items/0/id"), room.text("/id"), "{role}");
            app.get(&format!("{path}/members"), Some(&who.access)).await.expect(200);
        }
        app.get(&path, Some(&scene.stranger.access)).await.problem(404, "room_not_found");
        assert_eq!(app.get("/rooms", Some(&scene.stranger.access)).await.json["items"], json!([]));
        // Admins change it and its people, viewers do not; only owners delete it.
        let change = json!({ "description": "Quiet" });
        app.patch(&path, Some(&scene.viewer.access), change.clone()).await.problem(403, "forbidden");
        app.patch(&path, Some(&scene.admin.access), change).await.expect(200);
        app.get(&format!("{path}/bans"), Some(&scene.viewer.access)).await.problem(403, "forbidden");
        app.get(&format!("{path}/bans"), Some(&scene.admin.access)).await.expect(200);
        app.get(&format!("{path}/lobby"), Some(&scene.viewer.access)).await.problem(403, "forbidden");
        app.get(&format!("{path}/lobby"), Some(&scene.admin.access)).await.expect(200);
        app.delete(&path, Some(&scene.admin.access)).await.problem(403, "forbidden");
        app.delete(&path, Some(&scene.owner.access)).await.expect(204);
        // The admins of the organization read in its audit log what was done to its rooms.
        let log = format!("/organizations/{}/audit-log", scene.org.text("/id"));
        for action in ["room.created", "room.updated", "room.deleted"] {
            let page = app.get(&format!("{log}?action={action}"), Some(&scene.admin.access)).await.expect(200);
            assert_eq!(page.text("/items/0/target_id"), room.text("/id"), "{action}");
        }
    }

    async fn its_roles_hold_in_calls_and_chat(app) {
        let scene = Scene::new(app).await;
        app.node.beat(app).await.expect(200);
        let room = scene.room(app).await;
        let id = room.text("/id");
        let mut inside = Vec::new();
        for (who, role) in [(&scene.admin, "host"), (&scene.viewer, "participant")] {
            let grant = join(app, &id, who).await.expect(200);
            let person = app.node.join(app, &grant.text("/token"), &id).await;
            assert_eq!(person.attributes["role"], role);
            inside.push(person);
        }
        let code = room.text("/code");
        join(app, &code, &scene.stranger).await.problem(403, "lobby_required");
        let call = app.get(&format!("/rooms/{id}/call"), Some(&scene.viewer.access)).await.expect(200).text("/id");
        let lock = format!("/calls/{call}/lock");
        app.post(&lock, Some(&scene.viewer.access), json!({})).await.problem(403, "forbidden");
        app.post(&lock, Some(&scene.admin.access), json!({})).await.expect(200);
        app.post(&format!("/calls/{call}/unlock"), Some(&scene.admin.access), json!({})).await.expect(200);
        let messages = talk::of_room(&room);
        let said = talk::say(app, &scene.viewer.access, &messages, "Hello").await.text("/id");
        app.get(&messages, Some(&scene.stranger.access)).await.problem(404, "conversation_not_found");
        app.delete(&format!("{messages}/{said}"), Some(&scene.admin.access)).await.expect(204);

        // Who leaves the organization is taken out of the call and finds the room no more.
        let member = format!("/organizations/{}/members/{}", scene.org.text("/id"), scene.viewer.id);
        app.delete(&member, Some(&scene.owner.access)).await.expect(204);
        let removal = format!("RemoveParticipant {id} {}", inside[1].identity);
        app.eventually("the viewer is taken out", async || app.node.called(&removal) > 0).await;
        assert_eq!(app.node.called(&format!("RemoveParticipant {id} {}", inside[0].identity)), 0);
        app.get(&format!("/rooms/{id}"), Some(&scene.viewer.access)).await.problem(404, "room_not_found");
        app.get(&messages, Some(&scene.viewer.access)).await.problem(404, "conversation_not_found");
        // An admin who becomes a member changes the room no more.
        let member = format!("/organizations/{}/members/{}", scene.org.text("/id"), scene.admin.id);
        app.patch(&member, Some(&scene.owner.access), json!({ "role": "member" })).await.expect(200);
        app.patch(&format!("/rooms/{id}"), Some(&scene.admin.access), json!({ "name": "x" })).await.problem(403, "forbidden");
        // With the organization go its roles; whose room it is keeps it.
        app.delete(&format!("/organizations/{}", scene.org.text("/id")), Some(&scene.owner.access)).await.expect(204);
        app.get(&format!("/rooms/{id}"), Some(&scene.admin.access)).await.problem(404, "room_not_found");
        assert_eq!(app.get(&format!("/rooms/{id}"), Some(&scene.member.access)).await.expect(200).text("/role"), "owner");
    }

    async fn who_runs_it_runs_its_meetings(app) {
        let scene = Scene::new(app).await;
        let made = meeting(app, &scene.member, 60, json!({ "org_id": scene.org.json["id"] })).await;
        let private = meeting(app, &scene.member, 60, json!({})).await.text("/id");
        let path = format!("/meetings/{}", made.text("/id"));
        for who in [&scene.viewer, &scene.stranger] {
            app.get(&path, Some(&who.access)).await.problem(404, "meeting_not_found");
        }
        for who in [&scene.owner, &scene.admin] {
            assert_eq!(app.get(&path, Some(&who.access)).await.expect(200).json["my_role"], Value::Null);
            app.get(&format!("/meetings/{private}"), Some(&who.access)).await.problem(404, "meeting_not_found");
        }
        app.patch(&path, Some(&scene.admin.access), json!({ "title": "Moved" })).await.expect(200);
        let guest = json!({ "invites": [{ "email": "grace@example.org" }] });
        app.post(&format!("{path}/invites"), Some(&scene.admin.access), guest).await.expect(200);
        // Their lists show their own meetings, not everybody's.
        assert_eq!(app.get("/meetings", Some(&scene.admin.access)).await.expect(200).json["items"], json!([]));
        app.delete(&path, Some(&scene.admin.access)).await.problem(403, "forbidden");
        let role = format!("/organizations/{}/members/{}", scene.org.text("/id"), scene.admin.id);
        app.patch(&role, Some(&scene.owner.access), json!({ "role": "member" })).await.expect(200);
        app.get(&path, Some(&scene.admin.access)).await.problem(404, "meeting_not_found");
        app.delete(&path, Some(&scene.owner.access)).await.expect(204);
        app.get(&path, Some(&scene.member.access)).await.problem(404, "meeting_not_found");
    }

    async fn its_region_is_where_its_calls_run(app) {
        let scene = Scene::new(app).await;
        for (name, region, load) in [("eu1", "eu", 0.9), ("us1", "us", 0.1)] {
            app.node.another(name);
            let mut beat = FakeNode::idle(name);
            (beat.region, beat.load) = (region.into(), load);
            app.node.beat_as(app, &format!("ND_{name}"), &beat).await.expect(200);
        }
        let url = async |room: &Answer| join(app, &room.text("/id"), &scene.member).await.expect(200).text("/url");
        assert_eq!(url(&scene.room(app).await).await, "ws://us1.test");
        let path = format!("/organizations/{}", scene.org.text("/id"));
        for wrong in [json!(""), json!(7), json!("x".repeat(65)), Value::Null] {
            let change = json!({ "settings": { "media_region": wrong } });
            app.patch(&path, Some(&scene.admin.access), change).await.blames(&["settings"]);
        }
        let eu = json!({ "settings": { "media_region": "eu" } });
        app.patch(&path, Some(&scene.member.access), eu.clone()).await.problem(403, "forbidden");
        app.patch(&path, Some(&scene.admin.access), eu).await.expect(200);
        let room = scene.room(app).await;
        assert_eq!(url(&room).await, "ws://eu1.test");
        let hint = json!({ "region": "us" });
        let path = format!("/rooms/{}/join", scene.room(app).await.text("/id"));
        let hinted = app.post(&path, Some(&scene.member.access), hint).await.expect(200);
        assert_eq!(hinted.text("/url"), "ws://eu1.test", "the organization's wish comes first");
        let own = json!({
            "name": "Own", "type": "video", "org_id": scene.org.json["id"], "config": { "media_region": "us" }
        });
        let own = app.post("/rooms", Some(&scene.member.access), own).await.expect(201);
        assert_eq!(url(&own).await, "ws://us1.test", "the room's own wish comes before");
    }

    async fn its_calls_count_in_its_figures(app) {
        let scene = Scene::new(app).await;
        app.node.beat(app).await.expect(200);
        let id = scene.room(app).await.text("/id");
        let elsewhere = app.room(&scene.member, "trusted").await.text("/id");
        let mut stays = Vec::new();
        for (room, who) in [(&id, &scene.member), (&id, &scene.viewer), (&elsewhere, &scene.member)] {
            let grant = join(app, room, who).await.expect(200);
            stays.push((room, arrive(app, &grant.text("/token"), room).await));
        }
        pass(app, 5);
        app.node.beat(app).await.expect(200);
        depart(app, &stays[1].1, &id).await;
        pass(app, 5);
        app.node.beat(app).await.expect(200);
        depart(app, &stays[0].1, &id).await;
        depart(app, &stays[2].1, &elsewhere).await;
        let path = format!("/organizations/{}/analytics/call-minutes?days=3", scene.org.text("/id"));
        let days = app.get(&path, Some(&scene.admin.access)).await.expect(200);
        let sum = |field: &str| {
            days.json["items"].as_array().unwrap().iter().map(|day| day[field].as_i64().unwrap()).sum::<i64>()
        };
        // Ten minutes and five, of one call; the other room is no business of the organization.
        assert_eq!((sum("calls"), sum("stays"), sum("minutes")), (1, 2, 15), "{}", days.json);
        let activities = format!("/organizations/{}/activities?type=call.ended", scene.org.text("/id"));
        let ended = app.get(&activities, Some(&scene.viewer.access)).await.expect(200);
        assert_eq!(ended.json["items"].as_array().unwrap().len(), 1);
    }

    async fn short_stays_count_together(app) {
        let scene = Scene::new(app).await;
        app.node.beat(app).await.expect(200);
        let id = scene.room(app).await.text("/id");
        let path = format!("/organizations/{}/analytics/call-minutes?days=3", scene.org.text("/id"));
        let minutes = async || {
            let days = app.get(&path, Some(&scene.admin.access)).await.expect(200);
            days.json["items"].as_array().unwrap().iter().map(|day| day["minutes"].as_i64().unwrap()).sum::<i64>()
        };
        // Neither of them is half a minute.
        for (seconds, wanted) in [(20, 0), (21, 1)] {
            let grant = join(app, &id, &scene.member).await.expect(200);
            let person = arrive(app, &grant.text("/token"), &id).await;
            app.clock.advance(Duration::from_secs(seconds));
            app.node.beat(app).await.expect(200);
            depart(app, &person, &id).await;
            assert_eq!(minutes().await, wanted);
        }
    }

    async fn what_is_done_there_stands_in_its_audit_log(app) {
        let scene = Scene::new(app).await;
        app.node.beat(app).await.expect(200);
        let room = scene.room(app).await.text("/id");
        let elsewhere = app.room(&scene.member, "trusted").await.text("/id");
        let by = Some(scene.member.access.as_str());
        for (room, address) in [(&room, "new@example.org"), (&elsewhere, "old@example.org")] {
            let form = json!({ "email": address, "role": "member" });
            let added = app.post(&format!("/rooms/{room}/members"), by, form).await;
            assert!(added.status.is_success(), "{}", added.json);
            let grant = join(app, room, &scene.member).await.expect(200);
            app.node.join(app, &grant.text("/token"), room).await;
            let call = app.get(&format!("/rooms/{room}/call"), by).await.expect(200).text("/id");
            app.post(&format!("/calls/{call}/lock"), by, json!({})).await.expect(200);
            app.post(&format!("/calls/{call}/breakouts"), by, json!({ "count": 1 })).await.expect(201);
            app.post(&format!("/calls/{call}/end"), by, json!({})).await.expect(200);
        }
        // In its room, for it in another room, and neither.
        let (org, mut ours) = (&scene.org.json["id"], Vec::new());
        for form in [json!({ "room_id": room }), json!({ "org_id": org }), json!({})] {
            let id = meeting(app, &scene.member, 60, form.clone()).await.text("/id");
            app.patch(&format!("/meetings/{id}"), by, json!({ "title": "Moved" })).await.expect(200);
            app.delete(&format!("/meetings/{id}"), by).await.expect(204);
            if form != json!({}) {
                ours.push(id);
            }
        }
        let log = format!("/organizations/{}/audit-log", scene.org.text("/id"));
        let targets = async |action: &str| {
            let page = app.get(&format!("{log}?action={action}"), Some(&scene.admin.access)).await.expect(200);
            let items = page.json["items"].as_array().unwrap().iter();
            let mut ids: Vec<_> = items.map(|item| item["target_id"].as_str().unwrap().to_owned()).collect();
            ids.sort_unstable();
            ids
        };
        assert_eq!(targets("room.invited").await, [room.clone()]);
        for action in ["call.locked", "call.breakouts_made", "call.ended"] {
            assert_eq!(targets(action).await.len(), 1, "{action}");
        }
        ours.sort_unstable();
        for action in ["meeting.created", "meeting.updated", "meeting.deleted"] {
            assert_eq!(targets(action).await, ours, "{action}");
        }
        // Also what follows from the end of a room.
        let id = meeting(app, &scene.member, 60, json!({ "room_id": room })).await.text("/id");
        app.delete(&format!("/rooms/{room}"), by).await.expect(204);
        assert_eq!(targets("meeting.cancelled").await, [id]);
    }
}
