//! Presence: who is there, by the sockets they hold, and who is told.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Person, TestApp, both, talk};

async fn statuses(app: &TestApp, org: uuid::Uuid, person: &Person) -> Vec<(String, String)> {
    let page = app.get(&format!("/organizations/{org}/presence"), Some(&person.access)).await.expect(200);
    let text = |item: &Value, field: &str| item[field].as_str().unwrap().to_owned();
    page.json["items"].as_array().unwrap().iter().map(|item| (text(item, "user_id"), text(item, "status"))).collect()
}

both! {
    async fn follows_the_sockets_of_people(app, |config| config.realtime.presence_linger_ms = 200) {
        let wire = app.wire().await;
        let (ada, eve, bob) = (app.person("Ada").await, app.person("Eve").await, app.person("Bob").await);
        let org = app.organization(&[&ada, &eve]).await;
        let topic = format!("presence:{org}");
        let mut eves = wire.open(&eve.access).await;
        eves.subscribe(&[&topic], None).await;
        let mut told = async |wanted: &str| loop {
            let event = eves.until("presence.changed").await;
            assert_eq!(event["topic"], topic.as_str());
            assert!(event.get("id").is_none(), "it is in no log");
            if event["payload"]["user_id"] == ada.id.as_str() {
                assert_eq!(event["payload"]["status"], wanted);
                return;
            }
        };
        let mut desk = wire.open(&ada.access).await;
        told("online").await;
        assert_eq!(statuses(app, org, &eve).await, [
            (ada.id.clone(), "online".to_owned()), (eve.id.clone(), "online".to_owned())]);
        assert_eq!(desk.ask(json!({ "type": "presence.set", "status": "idle" })).await["type"], "ack");
        told("idle").await;
        let phone = wire.open(&ada.access).await;
        told("online").await;
        phone.drop_connection().await;
        told("idle").await;
        // A reload is no absence.
        desk.drop_connection().await;
        let desk = wire.open(&ada.access).await;
        told("online").await;
        desk.drop_connection().await;
        told("offline").await;
        let page = app.get(&format!("/organizations/{org}/presence"), Some(&eve.access)).await.expect(200);
        assert_eq!(page.json["items"][0]["status"], "offline");
        app.eventually("her last visit is noted", async || {
            let page = app.get(&format!("/organizations/{org}/presence"), Some(&eve.access)).await.expect(200);
            page.json["items"][0]["last_seen_at"].is_string()
        }).await;

        // A stranger learns nothing.
        app.get(&format!("/organizations/{org}/presence"), Some(&bob.access)).await.problem(404, "organization_not_found");
        app.get(&format!("/organizations/{}/presence", uuid::Uuid::now_v7()), Some(&bob.access)).await
            .problem(404, "organization_not_found");
        app.get(&format!("/organizations/{org}/presence"), None).await.problem(401, "sign_in_required");
        app.get("/organizations/x/presence", Some(&ada.access)).await.expect(404);
        let mut bobs = wire.open(&bob.access).await;
        for topic in [topic.clone(), format!("activity:{org}")] {
            let answer = bobs.ask(json!({ "type": "subscribe", "topic": topic })).await;
            assert_eq!(answer["refused"][0]["code"], "topic_not_found");
        }
    }

    async fn comes_in_pages_whose_cost_does_not_grow(app) {
        let mut people = Vec::new();
        for n in 0..7 {
            people.push(app.person(&format!("P{n}")).await);
        }
        let org = app.organization(&people.iter().collect::<Vec<_>>()).await;
        let token = Some(people[0].access.as_str());
        let (mut seen, mut path) = (Vec::new(), format!("/organizations/{org}/presence?limit=3"));
        loop {
            let page = app.get(&path, token).await.expect(200);
            seen.extend(page.json["items"].as_array().unwrap().iter().map(|item| item["user_id"].as_str().unwrap().to_owned()));
            match page.json["next_cursor"].as_str() {
                Some(cursor) => path = format!("/organizations/{org}/presence?limit=3&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(seen, people.iter().map(|person| person.id.clone()).collect::<Vec<_>>());
        let path = format!("/organizations/{org}/presence");
        assert_eq!(talk::statements(app, &people[0].access, &format!("{path}?limit=1")).await, 3);
        assert_eq!(talk::statements(app, &people[0].access, &path).await, 3);
        app.get(&format!("{path}?limit=0"), token).await.blames(&["limit"]);
        app.get(&format!("{path}?limit=101"), token).await.blames(&["limit"]);
        app.get(&format!("{path}?cursor=nonsense"), token).await.blames(&["cursor"]);
    }

    async fn lets_people_talk_over_their_sockets(app) {
        let wire = app.wire().await;
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let room = app.room(&ada, "trusted").await;
        let conversation = room.text("/conversation_id");
        let (mut adas, mut eves) = (wire.open(&ada.access).await, wire.open(&eve.access).await);
        let topic = format!("conversation:{conversation}");
        eves.subscribe(&[&topic], None).await;
        let message = json!({ "type": "message.send", "conversation_id": conversation, "body": "Hello 👋",
            "client_id": "one" });
        let ack = adas.ask(message.clone()).await;
        assert_eq!((&ack["type"], &ack["message"]["body"]), (&json!("ack"), &json!("Hello 👋")));
        let event = eves.until("message.created").await;
        assert_eq!((&event["payload"]["id"], &event["topic"]), (&ack["message"]["id"], &json!(topic)));
        // Sent again it is the same message, and nobody hears it twice.
        assert_eq!(adas.ask(message).await["message"]["id"], ack["message"]["id"]);
        assert!(eves.is_quiet(Duration::from_millis(300)).await);
        let other = json!({ "type": "message.send", "conversation_id": conversation, "body": "x", "client_id": "one" });
        assert_eq!(adas.ask(other).await["code"], "client_id_reused");

        assert_eq!(adas.ask(json!({ "type": "typing", "conversation_id": conversation })).await["type"], "ack");
        let typing = eves.until("conversation.typing").await;
        assert_eq!((&typing["payload"]["active"], &typing["payload"]["sender"]["name"]), (&json!(true), &json!("Ada")));
        assert!(typing.get("id").is_none());

        let secret = app.room(&ada, "restricted").await.text("/conversation_id");
        for (frame, code) in [
            (json!({ "type": "message.send", "conversation_id": secret, "body": "x", "client_id": "a" }), "conversation_not_found"),
            (json!({ "type": "typing", "conversation_id": secret }), "conversation_not_found"),
            (json!({ "type": "message.send", "conversation_id": conversation, "client_id": "a" }), "validation_failed"),
            (json!({ "type": "message.send", "conversation_id": conversation, "body": "x" }), "validation_failed"),
            (json!({ "type": "message.send", "conversation_id": conversation, "body": "a\0b", "client_id": "a" }), "validation_failed"),
            (json!({ "type": "message.send", "conversation_id": "x", "body": "x", "client_id": "a" }), "validation_failed"),
            (json!({ "type": "message.send", "conversation_id": conversation, "body": "x".repeat(8_193), "client_id": "a" }), "validation_failed"),
        ] {
            let answer = eves.ask(frame.clone()).await;
            assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!(code)), "{frame}");
        }
        let longest = json!({ "type": "message.send", "conversation_id": conversation, "body": "ö".repeat(4_096), "client_id": "l" });
        assert_eq!(eves.ask(longest).await["type"], "ack");
    }
}
