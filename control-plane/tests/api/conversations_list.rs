//! `GET /conversations`, `GET /conversations/{id}`, read markers and typing.

use http::Method;
use serde_json::json;

use crate::support::{Answer, both, talk};

fn ids(page: &Answer) -> Vec<&str> {
    page.json["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

both! {
    async fn the_most_lively_comes_first(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let mut rooms = Vec::new();
        for _ in 0..3 {
            rooms.push(app.room(&ada, "trusted").await.text("/conversation_id"));
        }
        app.room(&eve, "public").await;
        let page = app.get("/conversations", Some(&ada.access)).await.expect(200);
        assert_eq!(ids(&page), [&rooms[2], &rooms[1], &rooms[0]]);
        assert_eq!(page.json["items"][0].get("last_message"), None);
        talk::say(app, &eve.access, &format!("/conversations/{}/messages", rooms[1]), "Hello").await;
        let page = app.get("/conversations?limit=2", Some(&ada.access)).await.expect(200);
        assert_eq!(ids(&page), [&rooms[1], &rooms[2]]);
        let first = &page.json["items"][0];
        assert_eq!((&first["unread"], &first["last_message"]["body"]), (&json!(1), &json!("Hello")));
        assert_eq!((&first["kind"], &first["title"]), (&json!("room"), &json!("Stand-up")));
        assert_eq!(first["last_message"]["sender"]["name"], "Eve");
        let next = app.get(&format!("/conversations?limit=2&cursor={}", page.text("/next_cursor")), Some(&ada.access)).await;
        assert_eq!((ids(&next), &next.json["next_cursor"]), (vec![rooms[0].as_str()], &json!(null)));
        let none = app.get("/conversations?kind=direct", Some(&ada.access)).await.expect(200);
        assert_eq!(ids(&none), [""; 0]);
        app.get("/conversations", None).await.problem(401, "sign_in_required");
        app.get("/conversations?kind=other", Some(&ada.access)).await.blames(&["kind"]);
        app.get("/conversations?cursor=x", Some(&ada.access)).await.blames(&["cursor"]);
        app.get("/conversations?limit=0", Some(&ada.access)).await.blames(&["limit"]);
    }

    async fn a_page_takes_three_statements(app) {
        let ada = app.person("Ada").await;
        for _ in 0..20 {
            let messages = talk::of_room(&app.room(&ada, "public").await);
            talk::say(app, &ada.access, &messages, "Hello").await;
        }
        assert_eq!(talk::statements(app, &ada.access, "/conversations").await, 3);
    }

    async fn one_is_for_who_may_read_it(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let room = app.room(&ada, "restricted").await;
        let path = format!("/conversations/{}", room.text("/conversation_id"));
        let found = app.get(&path, Some(&ada.access)).await.expect(200);
        assert_eq!((found.text("/owner_id"), found.text("/title")), (room.text("/id"), room.text("/name")));
        for suffix in ["", "/reads"] {
            app.get(&format!("{path}{suffix}"), Some(&eve.access)).await.problem(404, "conversation_not_found");
            app.get(&format!("{path}{suffix}"), None).await.problem(401, "sign_in_required");
        }
        app.delete(&format!("/rooms/{}", room.text("/id")), Some(&ada.access)).await.expect(204);
        app.get(&path, Some(&ada.access)).await.problem(404, "conversation_not_found");
    }

    async fn markers_only_move_forward(app) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let room = app.room(&ada, "trusted").await;
        let path = format!("/conversations/{}", room.text("/conversation_id"));
        for n in 0..4 {
            talk::say(app, &bob.access, &format!("{path}/messages"), &format!("Message {n}")).await;
        }
        let marker = format!("{path}/read");
        let read = |token, body| app.call(Method::PUT, &marker, token, Some(body));
        let ada_s = Some(ada.access.as_str());
        assert_eq!(app.get(&path, ada_s).await.expect(200).json["unread"], 4);
        let answer = read(ada_s, json!({ "seq": 3 })).await.expect(200);
        assert_eq!(answer.json, json!({ "last_read_seq": 3, "unread": 1 }));
        let answer = read(ada_s, json!({ "seq": 2 })).await.expect(200);
        assert_eq!(answer.json, json!({ "last_read_seq": 3, "unread": 1 }));
        read(ada_s, json!({ "seq": 5 })).await.blames(&["seq"]);
        read(ada_s, json!({ "seq": -1 })).await.blames(&["seq"]);
        read(ada_s, json!({ "seq": "1" })).await.blames(&["seq"]);
        read(None, json!({ "seq": 1 })).await.problem(401, "sign_in_required");
        // Bob wrote the last message, so he has read it.
        let reads = app.get(&format!("{path}/reads"), ada_s).await.expect(200);
        let wanted = json!([{ "user_id": bob.id, "last_read_seq": 4 }, { "user_id": ada.id, "last_read_seq": 3 }]);
        assert_eq!(reads.json["items"], wanted);
    }

    async fn typing_needs_the_right_to_write(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let path = format!("/conversations/{}/typing", app.room(&ada, "restricted").await.text("/conversation_id"));
        app.call(Method::POST, &path, Some(&ada.access), None).await.expect(204);
        app.post(&path, Some(&ada.access), json!({ "active": false })).await.expect(204);
        app.post(&path, Some(&ada.access), json!({ "active": 1 })).await.blames(&["active"]);
        app.post(&path, Some(&eve.access), json!({})).await.problem(404, "conversation_not_found");
        app.post(&path, None, json!({})).await.problem(401, "sign_in_required");
    }

    async fn a_guest_talks_from_the_moment_of_joining(app) {
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await;
        app.node.beat(app).await.expect(200);
        let messages = talk::of_room(&room);
        let before = talk::say(app, &ada.access, &messages, "Before").await.text("/id");
        let join = json!({ "display_name": "Gus" });
        let code = room.text("/code");
        let guest = app.post(&format!("/rooms/{code}/join"), None, join).await.expect(200).text("/guest/access_token");
        let guest = Some(guest.as_str());
        talk::say(app, &ada.access, &messages, "After").await;
        let sent = app.post(&messages, guest, json!({ "body": "Hi", "client_id": "g1" })).await.expect(201);
        assert_eq!((&sent.json["sender"]["kind"], &sent.json["sender"]["name"]), (&json!("guest"), &json!("Gus")));
        app.post(&messages, guest, json!({ "body": "Hi", "client_id": "g1" })).await.expect(200);
        let page = app.get(&format!("{messages}?order=asc"), guest).await.expect(200);
        let bodies: Vec<_> = page.json["items"].as_array().unwrap().iter().map(|item| &item["body"]).collect();
        assert_eq!(bodies, ["After", "Hi"]);
        let found = app.get(&format!("{messages}?q=e&order=asc"), guest).await.expect(200);
        assert_eq!(found.json["items"].as_array().unwrap().len(), 1);
        app.get(&format!("{messages}/{before}"), guest).await.problem(404, "message_not_found");
        app.post(&messages, guest, json!({ "body": "?", "reply_to": before })).await.blames(&["reply_to"]);
        let path = messages.trim_end_matches("/messages").to_owned();
        app.post(&format!("{path}/typing"), guest, json!({})).await.expect(204);
        app.call(Method::PUT, &format!("{path}/read"), guest, Some(json!({ "seq": 1 }))).await.problem(401, "sign_in_required");
        app.get("/conversations", guest).await.problem(401, "sign_in_required");
        let own = format!("{messages}/{}", sent.text("/id"));
        app.patch(&own, guest, json!({ "body": "Hi all" })).await.expect(200);
        app.delete(&own, guest).await.expect(204);
        let elsewhere = talk::of_room(&app.room(&ada, "public").await);
        app.get(&elsewhere, guest).await.problem(404, "conversation_not_found");
        app.post(&elsewhere, guest, json!({ "body": "Hi" })).await.problem(404, "conversation_not_found");
    }
}
