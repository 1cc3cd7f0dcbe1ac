//! `/rooms/{room}/bans`: kept out at the door, taken out of the call.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::files::{Part, form};
use crate::support::{Answer, TestApp, both, talk};

/// Brings a guest into the call of a public room.
async fn guest(app: &TestApp, code: &str, id: &str, name: &str) -> (Answer, String) {
    let body = json!({ "display_name": name });
    let join = app.post(&format!("/rooms/{code}/join"), None, body).await.expect(200);
    let identity = app.node.join(app, &join.text("/token"), id).await.identity;
    (join, identity)
}

both! {
    async fn keep_a_person_out_and_take_them_out(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let id = app.room(&ada, "public").await.text("/id");
        let (bans, path) = (format!("/rooms/{id}/bans"), format!("/rooms/{id}/join"));
        app.node.beat(app).await.expect(200);
        let join = app.post(&path, Some(&eve.access), json!({})).await.expect(200);
        let inside = app.node.join(app, &join.text("/token"), &id).await;
        let body = json!({ "user_id": eve.id, "reason": " shouting " });
        let ban = app.post(&bans, Some(&ada.access), body.clone()).await.expect(201);
        assert_eq!((ban.text("/name"), ban.text("/reason"), ban.text("/user_id")), ("Eve".into(), "shouting".into(), eve.id.clone()));
        let again = app.post(&bans, Some(&ada.access), body).await.expect(200);
        assert_eq!(again.text("/id"), ban.text("/id"));
        let removed = format!("RemoveParticipant {id} {}", inside.identity);
        app.eventually("who is banned is removed", async || app.node.called(&removed) >= 1).await;
        app.post(&path, Some(&eve.access), json!({})).await.problem(403, "banned");
        let member = json!({ "user_id": eve.id });
        app.post(&format!("/rooms/{id}/members"), Some(&ada.access), member).await.problem(409, "banned");
        let page = app.get(&bans, Some(&ada.access)).await.expect(200);
        assert_eq!(page.json["items"].as_array().unwrap().len(), 1);
        let one = format!("{bans}/{}", ban.text("/id"));
        app.delete(&one, Some(&ada.access)).await.expect(204);
        app.delete(&one, Some(&ada.access)).await.problem(404, "ban_not_found");
        app.post(&path, Some(&eve.access), json!({})).await.expect(200);
    }

    async fn reach_who_only_wrote(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let room = app.room(&ada, "public").await;
        let (bans, messages) = (format!("/rooms/{}/bans", room.text("/id")), talk::of_room(&room));
        let body = json!({ "user_id": eve.id });
        talk::say(app, &eve.access, &messages, "Buy now!").await;
        assert_eq!(app.post(&bans, Some(&ada.access), body).await.expect(201).text("/name"), "Eve");
        app.post(&messages, Some(&eve.access), json!({ "body": "Again" })).await.problem(404, "conversation_not_found");
    }

    async fn reach_who_only_gave_a_file(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let room = app.room(&ada, "public").await;
        let part = Part::new("a.txt", "text/plain", b"hello");
        app.send(form(&room.text("/conversation_id"), Some(&eve.access), &[part])).await.expect(201);
        let body = json!({ "user_id": eve.id });
        app.post(&format!("/rooms/{}/bans", room.text("/id")), Some(&ada.access), body).await.expect(201);
    }

    async fn reach_who_only_types_or_listens(app) {
        let wire = app.wire().await;
        let (ada, eve, mia) = (app.person("Ada").await, app.person("Eve").await, app.person("Mia").await);
        let room = app.room(&ada, "public").await;
        let (id, conversation) = (room.text("/id"), room.text("/conversation_id"));
        let (bans, topic) = (format!("/rooms/{id}/bans"), format!("conversation:{conversation}"));
        let mut sockets = [wire.open(&ada.access).await, wire.open(&eve.access).await, wire.open(&mia.access).await];
        for socket in &mut sockets {
            socket.subscribe(&[&topic], None).await;
        }
        let [mut adas, mut eves, mut mias] = sockets;
        let types = json!({ "type": "typing", "conversation_id": conversation, "active": true });
        assert_eq!(eves.ask(types.clone()).await["type"], "ack");
        let seen = adas.until("conversation.typing").await["payload"]["sender"]["id"].clone();
        assert_eq!(seen, eve.id.as_str());
        app.post(&bans, Some(&ada.access), json!({ "user_id": seen })).await.expect(201);
        app.post(&bans, Some(&ada.access), json!({ "user_id": mia.id })).await.expect(201);
        for socket in [&mut eves, &mut mias] {
            assert_eq!(socket.until("unsubscribed").await["topics"], json!([topic]));
        }
        assert_eq!(eves.ask(types).await["code"], "conversation_not_found");
        app.post(&format!("/rooms/{id}/join"), Some(&mia.access), json!({})).await.problem(403, "banned");
        app.post(&bans, Some(&ada.access), json!({ "user_id": mia.id })).await.expect(200);
    }

    async fn tell_nothing_about_strangers(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        app.verify_email(&eve).await;
        let id = app.room(&ada, "restricted").await.text("/id");
        let (bans, members) = (format!("/rooms/{id}/bans"), format!("/rooms/{id}/members"));
        let token = Some(ada.access.as_str());
        app.post(&members, token, json!({ "email": eve.email })).await.expect(202);
        let nobody = uuid::Uuid::now_v7().to_string();
        let mut answers = Vec::new();
        for subject in [&eve.id, &nobody] {
            let body = json!({ "user_id": subject, "reason": "spam" });
            let ban = app.post(&bans, token, body.clone()).await.expect(201);
            assert_eq!((ban.text("/name"), &ban.text("/user_id")), (String::new(), subject));
            let again = app.post(&bans, token, body).await.expect(200);
            assert_eq!(again.json, ban.json);
            let mut answer = ban.json.clone();
            for own in ["id", "user_id", "created_at"] {
                answer.as_object_mut().unwrap().remove(own).unwrap();
            }
            answers.push(answer);
            app.post(&members, token, json!({ "user_id": subject })).await.problem(404, "user_not_found");
        }
        assert_eq!(answers[0], answers[1]);
        // Nor which address the account has, or that it was deleted.
        let invitations = format!("/rooms/{id}/invitations");
        let waiting = async || app.get(&invitations, token).await.expect(200).json["items"].as_array().unwrap().len();
        assert_eq!(waiting().await, 1);
        app.post(&members, token, json!({ "email": eve.email })).await.expect(202);
        app.delete_me(&eve.access).await.expect(204);
        app.work_done().await;
        let list = app.get(&bans, token).await.expect(200);
        assert_eq!((list.text("/items/0/name"), list.text("/items/1/name")), (String::new(), String::new()));
    }

    async fn keep_the_roles_an_organization_gives(app) {
        let (ada, ben) = (app.person("Ada").await, app.person("Ben").await);
        let (cem, dan) = (app.person("Cem").await, app.person("Dan").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &cem, "admin").await;
        talk::member(app, &ada, &org, &ben, "member").await;
        let new = json!({ "name": "Lab", "type": "video", "org_id": org.json["id"] });
        let id = app.post("/rooms", Some(&ada.access), new).await.expect(201).text("/id");
        let bans = format!("/rooms/{id}/bans");
        let admin = json!({ "user_id": ben.id, "role": "admin" });
        app.post(&format!("/rooms/{id}/members"), Some(&ada.access), admin).await.expect(201);
        for above in [&ada, &cem] {
            app.post(&bans, Some(&ben.access), json!({ "user_id": above.id })).await.problem(403, "forbidden");
        }
        app.post(&bans, Some(&ben.access), json!({ "user_id": dan.id })).await.expect(201);
        app.post(&bans, Some(&ada.access), json!({ "user_id": cem.id })).await.expect(201);
    }

    async fn hide_the_room_from_lists(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let org = talk::organization(app, &ada, "Org").await;
        talk::member(app, &ada, &org, &bob, "member").await;
        let new = json!({ "name": "Lab", "type": "video", "org_id": org.json["id"] });
        let id = app.post("/rooms", Some(&ada.access), new).await.expect(201).text("/id");
        let rooms = async |person: &crate::support::Person| {
            app.get("/rooms?order=asc", Some(&person.access)).await.expect(200).json["items"].as_array().unwrap().len()
        };
        assert_eq!((rooms(&ada).await, rooms(&bob).await), (1, 1));
        let until = json!({ "user_id": bob.id, "expires_at": crate::support::time::in_minutes(app, 1) });
        app.post(&format!("/rooms/{id}/bans"), Some(&ada.access), until).await.expect(201);
        assert_eq!((rooms(&ada).await, rooms(&bob).await), (1, 0));
        app.get(&format!("/rooms/{id}"), Some(&bob.access)).await.problem(404, "room_not_found");
        app.clock.advance(Duration::from_secs(61));
        assert_eq!(rooms(&bob).await, 1);
    }

    async fn keep_guests_out_by_token_and_by_address(app) {
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await;
        let (id, code) = (room.text("/id"), room.text("/code"));
        let bans = format!("/rooms/{id}/bans");
        app.node.beat(app).await.expect(200);
        let (first, identity) = guest(app, &code, &id, "Mallory").await;
        let token = first.text("/guest/access_token");
        let body = json!({ "guest_id": first.text("/guest/id") });
        let ban = app.post(&bans, Some(&ada.access), body.clone()).await.expect(201);
        assert_eq!((ban.text("/name"), &ban.json["by_address"]), ("Mallory".into(), &json!(false)));
        let removed = format!("RemoveParticipant {id} {identity}");
        app.eventually("the guest is removed", async || app.node.called(&removed) >= 1).await;
        app.post(&format!("/rooms/{code}/join"), Some(&token), json!({})).await.problem(401, "invalid_token");
        let (second, _) = guest(app, &code, &id, "Mallory again").await;
        let body = json!({ "guest_id": second.text("/guest/id"), "address": true });
        assert_eq!(app.post(&bans, Some(&ada.access), body).await.expect(201).json["by_address"], true);
        let third = app.post(&format!("/rooms/{code}/join"), None, json!({ "display_name": "Trent" })).await;
        third.problem(403, "banned");
        // Somebody with an account is not taken for the guest from the same address.
        let eve = app.person("Eve").await;
        app.post(&format!("/rooms/{code}/join"), Some(&eve.access), json!({})).await.expect(200);
    }

    async fn end_when_they_expire(app) {
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await;
        let (id, code) = (room.text("/id"), room.text("/code"));
        app.node.beat(app).await.expect(200);
        let eve = app.person("Eve").await;
        let join = app.post(&format!("/rooms/{code}/join"), Some(&eve.access), json!({})).await.expect(200);
        app.node.join(app, &join.text("/token"), &id).await;
        let soon = jiff::Timestamp::now() + Duration::from_secs(60);
        let body = json!({ "user_id": eve.id, "expires_at": soon.to_string() });
        app.post(&format!("/rooms/{id}/bans"), Some(&ada.access), body).await.expect(201);
        app.post(&format!("/rooms/{code}/join"), Some(&eve.access), json!({})).await.problem(403, "banned");
        app.clock.advance(Duration::from_secs(61));
        app.node.beat(app).await.expect(200);
        app.post(&format!("/rooms/{code}/join"), Some(&eve.access), json!({})).await.expect(200);
        assert_eq!(app.get(&format!("/rooms/{id}/bans"), Some(&ada.access)).await.json["items"], json!([]));
    }

    async fn follow_the_roles(app) {
        let (ada, ben, cem) = (app.person("Ada").await, app.person("Ben").await, app.person("Cem").await);
        let id = app.room(&ada, "public").await.text("/id");
        let (bans, members) = (format!("/rooms/{id}/bans"), format!("/rooms/{id}/members"));
        app.node.beat(app).await.expect(200);
        for person in [&ben, &cem] {
            let join = app.post(&format!("/rooms/{id}/join"), Some(&person.access), json!({})).await.expect(200);
            app.node.join(app, &join.text("/token"), &id).await;
            let body = json!({ "user_id": person.id, "role": "admin" });
            app.post(&members, Some(&ada.access), body).await.expect(201);
        }
        for target in [&ada, &cem, &ben] {
            app.post(&bans, Some(&ben.access), json!({ "user_id": target.id })).await.problem(403, "forbidden");
        }
        app.post(&bans, Some(&ada.access), json!({ "user_id": cem.id })).await.expect(201);
        app.get(&members, Some(&cem.access)).await.problem(404, "room_not_found");
        app.get(&bans, Some(&cem.access)).await.problem(404, "room_not_found");
        app.get(&bans, None).await.problem(401, "sign_in_required");
        app.post(&bans, None, json!({ "user_id": cem.id })).await.problem(401, "sign_in_required");
        let secret = format!("/rooms/{}/bans", app.room(&ada, "restricted").await.text("/id"));
        for (method, body) in [(Method::GET, None), (Method::POST, Some(json!({ "user_id": ben.id })))] {
            app.call(method, &secret, Some(&cem.access), body).await.problem(404, "room_not_found");
        }
        app.delete(&format!("{secret}/{}", cem.id), Some(&cem.access)).await.problem(404, "room_not_found");
    }

    async fn refuse_nonsense_and_stay_single(app) {
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await;
        let (id, code) = (room.text("/id"), room.text("/code"));
        let bans = format!("/rooms/{id}/bans");
        let token = Some(ada.access.as_str());
        app.post(&bans, token, json!({})).await.blames(&["user_id"]);
        app.post(&bans, token, json!({ "user_id": ada.id, "guest_id": ada.id })).await.blames(&["user_id"]);
        app.post(&bans, token, json!({ "user_id": ada.id, "address": true })).await.blames(&["address"]);
        app.post(&bans, token, json!({ "guest_id": ada.id })).await.problem(404, "guest_not_found");
        let long = json!({ "user_id": ada.id, "reason": "x".repeat(501) });
        app.post(&bans, token, long).await.blames(&["reason"]);
        app.post(&bans, token, json!({ "user_id": ada.id, "reason": "\u{0}" })).await.blames(&["reason"]);
        app.delete(&format!("{bans}/x"), token).await.problem(404, "ban_not_found");
        app.node.beat(app).await.expect(200);
        let (join, _) = guest(app, &code, &id, "Mallory").await;
        app.post(&bans, token, json!({ "user_id": join.text("/guest/id") })).await.problem(404, "user_not_found");
        let body = json!({ "guest_id": join.text("/guest/id") });
        let attempts = (0..6).map(|_| app.post(&bans, token, body.clone()));
        let answers = futures_util::future::join_all(attempts).await;
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!((made, answers.iter().all(|answer| answer.status.is_success())), (1, true));
        let page = app.get(&bans, token).await.expect(200);
        assert_eq!(page.json["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(page.json["next_cursor"], Value::Null);
    }
}
