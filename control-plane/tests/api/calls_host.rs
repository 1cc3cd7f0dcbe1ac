//! `/calls/{call_id}` and the verbs of hosts, each seen on the media node.

use std::time::Duration;

use serde_json::{Value, json};
use signaling_proto::proto::ParticipantInfo;

use crate::support::{Answer, Person, TestApp, both};

/// A public room with Ada (host), Eve (participant) and Grace (guest) in its call.
struct Scene {
    ada: Person,
    eve: Person,
    guest: String,
    room: String,
    code: String,
    call: String,
    adas: ParticipantInfo,
    eves: ParticipantInfo,
    graces: ParticipantInfo,
}

impl Scene {
    async fn new(app: &TestApp) -> Self {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let room = app.room(&ada, "public").await;
        let (id, code) = (room.text("/id"), room.text("/code"));
        app.node.beat(app).await.expect(200);
        let (_, adas) = enter(app, &code, &id, Some(&ada.access)).await;
        let (_, eves) = enter(app, &code, &id, Some(&eve.access)).await;
        let (join, graces) = enter(app, &code, &id, None).await;
        let call = app.get(&format!("/rooms/{id}/call"), Some(&ada.access)).await.expect(200).text("/id");
        let guest = join.text("/guest/access_token");
        Self { ada, eve, guest, room: id, code, call, adas, eves, graces }
    }

    async fn act(&self, app: &TestApp, who: &str, verb: &str, body: Value) -> Answer {
        app.post(&format!("/calls/{}{verb}", self.call), Some(who), body).await
    }

    fn on(&self, person: &ParticipantInfo, verb: &str) -> String {
        format!("/participants/{}{verb}", person.identity)
    }
}

async fn enter(app: &TestApp, code: &str, id: &str, token: Option<&str>) -> (Answer, ParticipantInfo) {
    let body = json!({ "display_name": "Grace" });
    let join = app.post(&format!("/rooms/{code}/join"), token, body).await.expect(200);
    let inside = app.node.join(app, &join.text("/token"), id).await;
    (join, inside)
}

both! {
    async fn a_call_is_started_once_and_ended_for_all(app) {
        let ada = app.person("Ada").await;
        let id = app.room(&ada, "trusted").await.text("/id");
        app.node.beat(app).await.expect(200);
        let body = json!({ "room_id": id });
        let one = app.post("/calls", Some(&ada.access), body.clone()).await.expect(201);
        let two = app.post("/calls", Some(&ada.access), body.clone()).await.expect(200);
        assert_eq!((one.text("/id"), one.text("/state")), (two.text("/id"), "starting".into()));
        let call = one.text("/id");
        let (_, _) = enter(app, &id, &id, Some(&ada.access)).await;
        let open = app.get(&format!("/calls/{call}"), Some(&ada.access)).await.expect(200);
        assert_eq!((open.text("/state"), &open.json["locked_at"]), ("active".into(), &Value::Null));
        let ended = app.post(&format!("/calls/{call}/end"), Some(&ada.access), json!({})).await.expect(200);
        assert_eq!((ended.text("/state"), ended.text("/end_reason")), ("ended".into(), "ended_by_host".into()));
        assert_eq!(app.node.called(&format!("DeleteRoom {id}")), 1);
        app.post(&format!("/calls/{call}/end"), Some(&ada.access), json!({})).await.expect(200);
        app.post(&format!("/calls/{call}/lock"), Some(&ada.access), json!({})).await.problem(409, "call_ended");
        assert_eq!(app.node.called(&format!("DeleteRoom {id}")), 1);
        app.post("/calls", None, body.clone()).await.problem(401, "sign_in_required");
        app.post("/calls", Some(&ada.access), json!({})).await.expect(422);
        let secret = app.room(&app.person("Zoe").await, "restricted").await.text("/id");
        app.post("/calls", Some(&ada.access), json!({ "room_id": secret })).await.problem(404, "room_not_found");
        let starts = (0..5).map(|_| app.post("/calls", Some(&ada.access), body.clone()));
        let made = futures_util::future::join_all(starts).await;
        assert!(made.iter().all(|answer| answer.text("/id") == made[0].text("/id")), "one call");
    }

    async fn people_see_the_calls_they_may(app) {
        let scene = Scene::new(app).await;
        let path = format!("/calls/{}", scene.call);
        for token in [&scene.ada.access, &scene.eve.access, &scene.guest] {
            app.get(&path, Some(token)).await.expect(200);
            let stays = app.get(&format!("{path}/participants?present=true"), Some(token)).await.expect(200);
            assert_eq!(stays.json["items"].as_array().unwrap().len(), 3);
        }
        app.get(&path, None).await.problem(401, "sign_in_required");
        app.get("/calls/x", Some(&scene.ada.access)).await.problem(404, "call_not_found");
        app.clock.advance(Duration::from_secs(30));
        app.node.part(app, &scene.eves, &scene.room).await;
        let stays = app.get(&format!("{path}/participants?limit=2"), Some(&scene.ada.access)).await.expect(200);
        assert_eq!(stays.text("/items/0/role"), "host");
        assert!(stays.json["items"][0]["duration_s"].as_i64().unwrap() >= 29, "she is still in");
        assert_ne!(stays.json["items"][1]["left_at"], Value::Null);
        let rest = format!("{path}/participants?limit=2&cursor={}", stays.text("/next_cursor"));
        let rest = app.get(&rest, Some(&scene.ada.access)).await.expect(200);
        assert_eq!((rest.text("/items/0/name"), &rest.json["next_cursor"]), ("Grace".into(), &Value::Null));
        let body = json!({ "access_level": "restricted" });
        app.patch(&format!("/rooms/{}", scene.room), Some(&scene.ada.access), body).await.expect(200);
        let zoe = app.person("Zoe").await;
        app.get(&path, Some(&zoe.access)).await.problem(404, "call_not_found");
        app.get(&path, Some(&scene.eve.access)).await.expect(200);
    }

    async fn hosts_mute_one_and_all(app) {
        let scene = Scene::new(app).await;
        let ada = scene.ada.access.clone();
        for person in [&scene.adas, &scene.eves, &scene.graces] {
            app.node.publish(&person.identity, 2);
        }
        app.node.publish(&scene.eves.identity, 1);
        let one = scene.act(app, &ada, &scene.on(&scene.eves, "/mute"), json!({})).await.expect(200);
        assert_eq!(one.json["muted"], 1);
        assert_eq!(app.node.muted(&scene.eves.identity), [2]);
        assert_eq!(scene.act(app, &ada, &scene.on(&scene.eves, "/mute"), json!({})).await.json["muted"], 0);
        let camera = json!({ "source": "camera" });
        assert_eq!(scene.act(app, &ada, &scene.on(&scene.eves, "/mute"), camera).await.json["muted"], 1);
        assert_eq!(scene.act(app, &ada, "/mute-all", json!({})).await.expect(200).json["muted"], 1);
        assert_eq!(app.node.muted(&scene.graces.identity), [2]);
        assert!(app.node.muted(&scene.adas.identity).is_empty(), "hosts stay as they are");
        for token in [&scene.eve.access, &scene.guest] {
            scene.act(app, token, "/mute-all", json!({})).await.problem(403, "forbidden");
            scene.act(app, token, &scene.on(&scene.adas, "/mute"), json!({})).await.problem(403, "forbidden");
        }
        scene.act(app, &ada, "/participants/nobody/mute", json!({})).await.problem(404, "participant_not_found");
        scene.act(app, &ada, &scene.on(&scene.eves, "/mute"), json!({ "source": "nose" })).await.blames(&["source"]);
        *app.node.mood.lock().unwrap() = crate::support::Mood::Refusing;
        scene.act(app, &ada, "/mute-all", json!({})).await.problem(503, "media_unavailable");
    }

    async fn hosts_remove_and_ban(app) {
        let scene = Scene::new(app).await;
        let ada = scene.ada.access.clone();
        let verb = scene.on(&scene.eves, "/remove");
        scene.act(app, &scene.guest, &verb, json!({})).await.problem(403, "forbidden");
        scene.act(app, &ada, &verb, json!({})).await.expect(204);
        assert_eq!(app.node.called(&format!("RemoveParticipant {} {}", scene.room, scene.eves.identity)), 1);
        app.node.part(app, &scene.eves, &scene.room).await;
        scene.act(app, &ada, &verb, json!({})).await.problem(404, "participant_not_found");
        // Without a ban they may come again, but not into a locked call.
        app.post(&format!("/rooms/{}/join", scene.code), Some(&scene.eve.access), json!({})).await.expect(200);
        scene.act(app, &ada, "/lock", json!({})).await.expect(200);
        let again = app.post(&format!("/rooms/{}/join", scene.code), Some(&scene.eve.access), json!({})).await;
        again.problem(403, "call_locked");
        let verb = scene.on(&scene.graces, "/remove");
        scene.act(app, &ada, &verb, json!({ "ban": true })).await.expect(204);
        let bans = app.get(&format!("/rooms/{}/bans", scene.room), Some(&ada)).await.expect(200);
        assert_eq!(bans.text("/items/0/name"), "Grace");
    }

    async fn a_lock_keeps_newcomers_out(app) {
        let scene = Scene::new(app).await;
        let (ada, join) = (scene.ada.access.clone(), format!("/rooms/{}/join", scene.code));
        scene.act(app, &scene.eve.access, "/lock", json!({})).await.problem(403, "forbidden");
        let locked = scene.act(app, &ada, "/lock", json!({})).await.expect(200);
        assert_ne!(locked.json["locked_at"], Value::Null);
        app.post(&join, None, json!({ "display_name": "Late" })).await.problem(403, "call_locked");
        app.node.part(app, &scene.eves, &scene.room).await;
        app.post(&join, Some(&scene.eve.access), json!({})).await.expect(200);
        app.clock.advance(Duration::from_secs(121));
        app.node.beat(app).await.expect(200);
        app.post(&join, Some(&scene.eve.access), json!({})).await.problem(403, "call_locked");
        app.post(&join, Some(&ada), json!({})).await.expect(200);
        let open = scene.act(app, &ada, "/unlock", json!({})).await.expect(200);
        assert_eq!(open.json["locked_at"], Value::Null);
        app.post(&join, Some(&scene.eve.access), json!({})).await.expect(200);
    }

    async fn cohosts_lead_but_do_not_own(app) {
        let scene = Scene::new(app).await;
        let (ada, eve) = (scene.ada.access.clone(), scene.eve.access.clone());
        let role = scene.on(&scene.eves, "/role");
        scene.act(app, &eve, &role, json!({ "role": "cohost" })).await.problem(403, "forbidden");
        let given = scene.act(app, &ada, &role, json!({ "role": "cohost" })).await.expect(200);
        assert_eq!(given.text("/role"), "cohost");
        app.eventually("the node is told", async || {
            app.node.attribute(&scene.eves.identity, "role").as_deref() == Some("cohost")
        }).await;
        scene.act(app, &eve, "/lock", json!({})).await.expect(200);
        scene.act(app, &eve, "/end", json!({})).await.problem(403, "forbidden");
        scene.act(app, &eve, &scene.on(&scene.adas, "/remove"), json!({})).await.problem(403, "forbidden");
        scene.act(app, &eve, &scene.on(&scene.graces, "/role"), json!({ "role": "cohost" })).await.problem(403, "forbidden");
        for target in [&scene.adas, &scene.graces] {
            let refused = scene.act(app, &ada, &scene.on(target, "/role"), json!({ "role": "cohost" })).await;
            refused.problem(409, "role_not_possible");
        }
        scene.act(app, &ada, &role, json!({ "role": "host" })).await.blames(&["role"]);
        // The role is there when they come again, and gone when it was taken.
        let (_, again) = enter(app, &scene.code, &scene.room, Some(&eve)).await;
        assert_eq!(again.attributes["role"], "cohost");
        scene.act(app, &ada, &role, json!({ "role": "participant" })).await.expect(200);
        scene.act(app, &eve, "/unlock", json!({})).await.problem(403, "forbidden");
    }

    async fn a_banned_cohost_leads_no_more(app) {
        let scene = Scene::new(app).await;
        let (ada, eve) = (scene.ada.access.clone(), scene.eve.access.clone());
        let bans = format!("/rooms/{}/bans", scene.room);
        let mut eves = scene.eves.clone();
        for by_removing in [true, false] {
            let role = json!({ "role": "cohost" });
            scene.act(app, &ada, &scene.on(&eves, "/role"), role).await.expect(200);
            scene.act(app, &eve, "/lock", json!({})).await.expect(200);
            scene.act(app, &eve, "/unlock", json!({})).await.expect(200);
            if by_removing {
                scene.act(app, &ada, &scene.on(&eves, "/remove"), json!({ "ban": true })).await.expect(204);
            } else {
                app.post(&bans, Some(&ada), json!({ "user_id": scene.eve.id })).await.expect(201);
            }
            let verbs = ["/lock", "/unlock", "/mute-all", "/lower-hands", "/end", "/breakouts/open", "/breakouts/close"];
            for verb in verbs.map(str::to_owned).into_iter().chain([
                scene.on(&scene.graces, "/mute"),
                scene.on(&scene.graces, "/remove"),
                scene.on(&scene.graces, "/permissions"),
            ]) {
                scene.act(app, &eve, &verb, json!({})).await.problem(404, "call_not_found");
            }
            app.get(&format!("/rooms/{}/lobby", scene.room), Some(&eve)).await.problem(404, "room_not_found");
            app.get(&format!("/rooms/{}/lobby", scene.code), Some(&eve)).await.problem(403, "forbidden");
            // Who is let back in begins as anybody does.
            let ban = app.get(&bans, Some(&ada)).await.expect(200).text("/items/0/id");
            app.delete(&format!("{bans}/{ban}"), Some(&ada)).await.expect(204);
            app.node.part(app, &eves, &scene.room).await;
            let (_, again) = enter(app, &scene.code, &scene.room, Some(&eve)).await;
            assert_eq!(again.attributes["role"], "participant");
            scene.act(app, &eve, "/lock", json!({})).await.problem(403, "forbidden");
            eves = again;
        }
    }

    async fn roles_in_the_call_follow_those_in_the_room(app) {
        let scene = Scene::new(app).await;
        let ada = scene.ada.access.clone();
        let members = format!("/rooms/{}/members", scene.room);
        let member = format!("{members}/{}", scene.eve.id);
        let stays = format!("/calls/{}/participants?present=true", scene.call);
        let becomes = async |role: &str| {
            app.eventually(&format!("eve is {role}"), async || {
                let page = app.get(&stays, Some(&ada)).await.expect(200);
                let items = page.json["items"].as_array().unwrap().clone();
                let listed = items.iter().any(|stay| stay["name"] == "Eve" && stay["role"] == role);
                listed && app.node.attribute(&scene.eves.identity, "role").as_deref() == Some(role)
            }).await;
        };
        app.post(&members, Some(&ada), json!({ "user_id": scene.eve.id, "role": "admin" })).await.expect(201);
        becomes("host").await;
        app.patch(&member, Some(&ada), json!({ "role": "member" })).await.expect(200);
        becomes("participant").await;
        scene.act(app, &scene.eve.access, "/lock", json!({})).await.problem(403, "forbidden");
        app.patch(&member, Some(&ada), json!({ "role": "admin" })).await.expect(200);
        becomes("host").await;
        app.delete(&member, Some(&ada)).await.expect(204);
        becomes("participant").await;
    }

    async fn blocked_sources_stay_blocked(app) {
        let scene = Scene::new(app).await;
        let ada = scene.ada.access.clone();
        let verb = scene.on(&scene.eves, "/permissions");
        let set = scene.act(app, &ada, &verb, json!({ "microphone": false })).await.expect(200);
        assert_eq!(set.json["blocked"], json!(["microphone"]));
        app.eventually("the node is told", async || app.node.sources(&scene.eves.identity) == [1, 3, 4]).await;
        let join = app.post(&format!("/rooms/{}/join", scene.code), Some(&scene.eve.access), json!({})).await.expect(200);
        assert!(!crate::support::sources(&join.text("/token")).contains(&"microphone".to_owned()));
        let set = scene.act(app, &ada, &verb, json!({ "microphone": true })).await.expect(200);
        assert_eq!(set.json["blocked"], json!([]));
        scene.act(app, &scene.eve.access, &verb, json!({})).await.problem(403, "forbidden");
        scene.act(app, &ada, &verb, json!({ "camera": "no" })).await.blames(&["camera"]);
    }

    async fn hands_go_up_and_down(app) {
        let scene = Scene::new(app).await;
        let (up, down) = (json!({ "raised": true }), json!({ "raised": false }));
        let hand = |person: &ParticipantInfo| app.node.attribute(&person.identity, "hand").is_some();
        scene.act(app, &scene.guest, &scene.on(&scene.graces, "/hand"), up.clone()).await.expect(204);
        scene.act(app, &scene.eve.access, &scene.on(&scene.eves, "/hand"), up.clone()).await.expect(204);
        assert!(hand(&scene.graces) && hand(&scene.eves));
        scene.act(app, &scene.eve.access, &scene.on(&scene.graces, "/hand"), down.clone()).await.problem(403, "forbidden");
        scene.act(app, &scene.ada.access, &scene.on(&scene.eves, "/hand"), up).await.problem(403, "forbidden");
        scene.act(app, &scene.ada.access, &scene.on(&scene.graces, "/hand"), down).await.expect(204);
        assert!(!hand(&scene.graces));
        scene.act(app, &scene.eve.access, "/lower-hands", json!({})).await.problem(403, "forbidden");
        assert_eq!(scene.act(app, &scene.ada.access, "/lower-hands", json!({})).await.expect(200).json["lowered"], 1);
        assert!(!hand(&scene.eves));
    }

    async fn ice_servers_are_for_people_we_know(app) {
        let ada = app.person("Ada").await;
        assert_eq!(app.get("/ice-servers", Some(&ada.access)).await.expect(200).json["ice_servers"], json!([]));
        app.get("/ice-servers", None).await.problem(401, "sign_in_required");
    }
}
