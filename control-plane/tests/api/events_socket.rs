//! `GET /api/v1/events`: who may listen to what, what they hear, and how a socket ends.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Person, TestApp, both, talk};

const SHORT: Duration = Duration::from_millis(300);

/// Makes something happen in a room.
async fn rename(app: &TestApp, owner: &Person, room: &str, name: &str) {
    app.patch(&format!("/rooms/{room}"), Some(&owner.access), json!({ "name": name })).await.expect(200);
}

both! {
    async fn tells_what_happens_to_those_who_listen(app) {
        let wire = app.wire().await;
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let room = app.room(&ada, "trusted").await.text("/id");
        let topic = format!("room:{room}");
        let mut adas = wire.open(&ada.access).await;
        let mut eves = wire.open(&eve.access).await;
        assert!(adas.hello["session_id"].is_string());
        let answer = adas.subscribe(&[&topic, "notifications"], None).await;
        assert_eq!(answer["topics"], json!([topic, "notifications"]));
        eves.subscribe(&["notifications"], None).await;
        rename(app, &ada, &room, "Retro").await;
        let event = adas.until("room.updated").await;
        assert_eq!(event["topic"], topic.as_str());
        assert_eq!(event["payload"]["room_id"], room.as_str());
        assert!(event["id"].as_i64().unwrap() > answer["last_event_id"].as_i64().unwrap());
        assert!(event["at"].as_str().unwrap().ends_with('Z'));
        assert!(eves.is_quiet(SHORT).await);
        let answer = adas.ask(json!({ "type": "unsubscribe", "topic": topic })).await;
        assert_eq!((&answer["type"], &answer["code"]), (&json!("unsubscribed"), &json!("requested")));
        rename(app, &ada, &room, "Stand-up").await;
        assert!(adas.is_quiet(SHORT).await);
    }

    async fn refuses_topics_as_if_they_did_not_exist(app) {
        let wire = app.wire().await;
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let room = app.room(&ada, "restricted").await;
        let (id, conversation) = (room.text("/id"), room.text("/conversation_id"));
        let mut socket = wire.open(&eve.access).await;
        let nothing = uuid::Uuid::now_v7();
        let names = [
            format!("room:{id}"), format!("conversation:{conversation}"), format!("room:{nothing}"),
            format!("notifications:{}", ada.id), "rights".to_owned(), "room:\0".to_owned(), "🎈".to_owned(),
            format!("presence:{nothing}"), format!("activity:{nothing}"), "x".repeat(5_000),
        ];
        let answer = socket.ask(json!({ "type": "subscribe", "topics": names })).await;
        assert_eq!(answer["topics"], json!([]));
        let refused = answer["refused"].as_array().unwrap();
        assert_eq!(refused.len(), names.len());
        for (entry, name) in refused.iter().zip(&names) {
            assert_eq!((entry["topic"].as_str(), entry["code"].as_str()), (Some(name.as_str()), Some("topic_not_found")));
            assert_eq!(entry["detail"], refused[0]["detail"]);
        }
        rename(app, &ada, &id, "Secret").await;
        assert!(socket.is_quiet(SHORT).await);
    }

    async fn answers_nonsense_and_stays_open(app) {
        let wire = app.wire().await;
        let ada = app.person("Ada").await;
        let mut socket = wire.open(&ada.access).await;
        for (text, code) in [
            ("", "malformed_frame"),
            ("[]", "malformed_frame"),
            ("{}", "malformed_frame"),
            ("{\"type\":7}", "malformed_frame"),
            ("{\"type\":\"subscribe\"", "malformed_frame"),
            ("{\"type\":\"dance\"}", "unknown_type"),
            ("{\"type\":\"subscribe\"}", "validation_failed"),
            ("{\"type\":\"subscribe\",\"topics\":\"notifications\"}", "validation_failed"),
            ("{\"type\":\"subscribe\",\"topics\":[1]}", "validation_failed"),
            ("{\"type\":\"subscribe\",\"topic\":\"notifications\",\"last_event_id\":\"x\"}", "validation_failed"),
            ("{\"type\":\"subscribe\",\"topic\":\"notifications\",\"last_event_id\":1.5}", "validation_failed"),
            ("{\"type\":\"presence.set\"}", "validation_failed"),
            ("{\"type\":\"presence.set\",\"status\":\"offline\"}", "validation_failed"),
            ("{\"type\":\"presence.set\",\"status\":\"dancing\"}", "validation_failed"),
            ("{\"type\":\"ping\",\"ref\":{}}", "validation_failed"),
        ] {
            socket.send_text(text).await;
            let answer = socket.next().await;
            assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!(code)), "{text}: {answer}");
            assert!(answer["detail"].as_str().unwrap().len() > 5);
        }
        let many: Vec<String> = (0..101).map(|n| format!("room:{n}")).collect();
        let answer = socket.ask(json!({ "type": "subscribe", "topics": many })).await;
        assert!(answer["errors"]["topics"].is_array(), "{answer}");
        assert_eq!(socket.ask(json!({ "type": "ping" })).await["type"], "pong");
    }

    async fn lets_in_who_proves_who_they_are(app) {
        let wire = app.wire().await;
        let code = |refused: Result<crate::support::Socket, (u16, Value)>| {
            let (status, problem) = refused.err().expect("refused");
            (status, problem["code"].as_str().unwrap_or_default().to_owned())
        };
        assert_eq!(code(wire.try_open("", &[]).await), (401, "sign_in_required".into()));
        let stale = [("authorization", "Bearer pa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")];
        assert_eq!(code(wire.try_open("", &stale).await), (401, "invalid_token".into()));
        let ada = app.person("Ada").await;
        let query = format!("?access_token={}&token={}", ada.access, ada.access);
        assert_eq!(code(wire.try_open(&query, &[]).await), (401, "sign_in_required".into()));
        app.get("/events", Some(&ada.access)).await.problem(426, "upgrade_required");
        app.get("/events", None).await.problem(401, "sign_in_required");

        let body = json!({ "identifier": ada.email, "password": crate::support::PASSWORD, "transport": "cookie" });
        let host = wire.address.to_string();
        let request = http::Request::post("/api/v1/auth/login").header("host", &host)
            .header("content-type", "application/json").body(body.to_string().into()).unwrap();
        let cookies = app.send(request).await.expect(200).cookies();
        let own = format!("http://{host}");
        assert!(wire.try_open("", &[("cookie", &cookies), ("origin", &own)]).await.is_ok());
        for foreign in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("origin", "null")] {
            let refused = wire.try_open("", &[("cookie", &cookies), foreign]).await;
            assert_eq!(code(refused), (403, "cross_site_request".into()), "{foreign:?}");
        }
        // A token in a header cannot be forged by a page.
        let bearer = format!("Bearer {}", ada.access);
        assert!(wire.try_open("", &[("authorization", &bearer), ("origin", "https://app.example")]).await.is_ok());
    }

    async fn ends_with_its_session_at_once(app) {
        let wire = app.wire().await;
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let (mut adas, mut eves) = (wire.open(&ada.access).await, wire.open(&eve.access).await);
        app.call(http::Method::POST, "/auth/logout", Some(&ada.access), None).await.expect(204);
        assert_eq!(adas.closed().await, 4001);
        assert_eq!(eves.ask(json!({ "type": "ping" })).await["type"], "pong");
        let again = wire.try_open("", &[("authorization", &format!("Bearer {}", ada.access))]).await;
        assert_eq!(again.err().unwrap().0, 401);
    }

    async fn ends_the_moment_its_session_or_pass_does(app, |config| {
        config.realtime.recheck_every_s = 3_600;
        config.sessions.guest_ttl_h = 48;
        config.sessions.refresh_ttl_s = 86_400;
    }) {
        let wire = app.wire().await;
        app.node.beat(app).await.expect(200);
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let code = app.room(&ada, "public").await.text("/code");
        let begun = app.clock.now();
        let (mut adas, mut eves) = (wire.open(&ada.access).await, wire.open(&eve.access).await);
        let grace = app.post(&format!("/rooms/{code}/join"), None, json!({ "display_name": "Grace" })).await.expect(200);
        let mut graces = wire.open(&grace.text("/guest/access_token")).await;
        app.clock.advance(Duration::from_secs(80_000));
        app.post("/auth/refresh", None, json!({ "refresh_token": eve.refresh })).await.expect(200);
        assert_eq!(adas.ask(json!({ "type": "ping" })).await["type"], "pong");
        app.clock.advance(Duration::from_secs(6_400));
        assert_eq!(adas.closed().await, 4001);
        // Who refreshed meanwhile stays, until that session ends too.
        assert_eq!(eves.ask(json!({ "type": "ping" })).await["type"], "pong");
        app.clock.advance(Duration::from_secs(80_000));
        assert_eq!(eves.closed().await, 4001);
        assert_eq!(graces.ask(json!({ "type": "ping" })).await["type"], "pong");
        // Nobody moves the clock: the last seconds pass by themselves.
        let passed = u64::try_from(app.clock.now().since(begun)).unwrap();
        app.clock.advance(Duration::from_secs(2 * 86_400 - 4) - Duration::from_micros(passed));
        assert_eq!(graces.ask(json!({ "type": "ping" })).await["type"], "pong");
        assert_eq!(graces.closed().await, 4001);
    }

    async fn takes_a_topic_away_with_the_right_to_it(app) {
        let wire = app.wire().await;
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let room = app.room(&ada, "trusted").await.text("/id");
        let topic = format!("room:{room}");
        let (mut adas, mut eves) = (wire.open(&ada.access).await, wire.open(&eve.access).await);
        adas.subscribe(&[&topic], None).await;
        eves.subscribe(&[&topic], None).await;
        let path = format!("/rooms/{room}");
        app.patch(&path, Some(&ada.access), json!({ "access_level": "restricted" })).await.expect(200);
        let lost = eves.until("unsubscribed").await;
        assert_eq!((&lost["topics"], &lost["code"]), (&json!([topic]), &json!("rights_changed")));
        rename(app, &ada, &room, "Only us").await;
        let changed = |event: &Value| event["payload"]["changed"].clone();
        assert_eq!(changed(&adas.until("room.updated").await), json!(["access_level"]));
        assert_eq!(changed(&adas.until("room.updated").await), json!(["name"]));
        assert!(eves.is_quiet(SHORT).await);
    }

    async fn lets_guests_hear_their_own_room(app) {
        let wire = app.wire().await;
        app.node.beat(app).await.expect(200);
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await;
        let (id, code) = (room.text("/id"), room.text("/code"));
        let conversation = room.text("/conversation_id");
        let other = app.room(&ada, "public").await.text("/id");
        let joined = app.post(&format!("/rooms/{code}/join"), None, json!({ "display_name": "Grace" })).await.expect(200);
        let mut socket = wire.open(&joined.text("/guest/access_token")).await;
        assert_eq!(socket.hello["session_id"], Value::Null);
        let topics = [format!("room:{id}"), format!("conversation:{conversation}")];
        socket.subscribe(&[&topics[0], &topics[1]], None).await;
        let answer = socket.ask(json!({ "type": "subscribe", "topics": [format!("room:{other}"), "notifications"] })).await;
        assert_eq!(answer["refused"].as_array().unwrap().len(), 2);
        let answer = socket.ask(json!({ "type": "presence.set", "status": "idle" })).await;
        assert_eq!(answer["code"], "sign_in_required");
        rename(app, &ada, &id, "With Grace").await;
        assert_eq!(socket.until("room.updated").await["payload"]["room_id"], id.as_str());
    }

    async fn tells_guests_nothing_of_what_was_said_before_them(app) {
        let wire = app.wire().await;
        app.node.beat(app).await.expect(200);
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await;
        let messages = talk::of_room(&room);
        let before = talk::say(app, &ada.access, &messages, "Before").await.text("/id");
        let rewrite = async |id: &str, body: &str| {
            app.patch(&format!("{messages}/{id}"), Some(&ada.access), json!({ "body": body })).await.expect(200);
        };
        rewrite(&before, "Still before").await;
        let (code, topic) = (room.text("/code"), format!("conversation:{}", room.text("/conversation_id")));
        app.clock.advance(Duration::from_secs(1));
        let joined = app.post(&format!("/rooms/{code}/join"), None, json!({ "display_name": "Grace" })).await.expect(200);
        let guest = joined.text("/guest/access_token");
        let first = talk::say(app, &ada.access, &messages, "One").await.text("/id");
        let bodies = |event: &Value| event["payload"]["body"].clone();
        // Told again from the beginning of the log: what came after the guest, nothing else.
        let mut socket = wire.open(&guest).await;
        socket.subscribe(&[&topic], Some(0)).await;
        assert_eq!(bodies(&socket.next().await), "One");
        rewrite(&before, "About you").await;
        app.delete(&format!("{messages}/{before}"), Some(&ada.access)).await.expect(204);
        rewrite(&first, "Two").await;
        let event = socket.next().await;
        assert_eq!((&event["type"], bodies(&event)), (&json!("message.updated"), json!("Two")));
        // Members are told of all of it, in the words it has now.
        let mut adas = wire.open(&ada.access).await;
        adas.subscribe(&[&topic], Some(0)).await;
        let mut heard = Vec::new();
        for _ in 0..6 {
            let event = adas.next().await;
            heard.push((event["type"].as_str().unwrap().to_owned(), bodies(&event)));
        }
        let (created, updated) = ("message.created".to_owned(), "message.updated".to_owned());
        let deleted = ("message.deleted".to_owned(), Value::Null);
        let now = [
            (created.clone(), json!("")), (updated.clone(), json!("")), (created, json!("Two")),
            (updated.clone(), json!("")), deleted, (updated, json!("Two")),
        ];
        assert_eq!(heard, now);
    }

    async fn is_closed_for_what_no_client_of_ours_does(app, |config| config.realtime.frames_per_minute = 20) {
        let wire = app.wire().await;
        let ada = app.person("Ada").await;
        let mut socket = wire.open(&ada.access).await;
        socket.send_raw(Message::binary(vec![0_u8; 10])).await;
        assert_eq!(socket.closed().await, 1003);
        let mut socket = wire.open(&ada.access).await;
        socket.send_text(&format!("{{\"type\":\"ping\",\"x\":\"{}\"}}", "x".repeat(17_000))).await;
        assert_eq!(socket.closed().await, 1009);
        let mut socket = wire.open(&ada.access).await;
        for _ in 0..40 {
            socket.send(&json!({ "type": "ping" })).await;
        }
        for _ in 0..10 {
            assert_eq!(socket.next().await["type"], "pong");
        }
        assert_eq!(socket.next().await["code"], "rate_limited");
        assert_eq!(socket.closed().await, 4004);
    }

    async fn is_closed_when_nobody_is_there(app, |config| {
        config.realtime.ping_every_s = 1;
        config.realtime.idle_timeout_s = 2;
    }) {
        let wire = app.wire().await;
        let ada = app.person("Ada").await;
        let mut socket = wire.open(&ada.access).await;
        // A client that reads answers pings and stays.
        assert!(socket.is_quiet(Duration::from_secs(4)).await);
        assert_eq!(socket.ask(json!({ "type": "ping" })).await["type"], "pong");
        // One that does not read answers nothing.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let mut code = socket.closed().await;
        if code == 1006 { code = 4003; } // the close came behind pings whose answers no longer got through
        assert_eq!(code, 4003);
    }

    async fn bounds_how_many_there_are(app, |config| {
        config.realtime.max_sockets_per_user = 2;
        config.realtime.max_sockets = 3;
    }) {
        let wire = app.wire().await;
        let (ada, eve, bob) = (app.person("Ada").await, app.person("Eve").await, app.person("Bob").await);
        let first = wire.open(&ada.access).await;
        let _second = wire.open(&ada.access).await;
        let bearer = |person: &Person| format!("Bearer {}", person.access);
        let (status, problem) = wire.try_open("", &[("authorization", &bearer(&ada))]).await.err().unwrap();
        assert_eq!((status, &problem["code"]), (429, &json!("too_many_sockets")));
        assert!(problem["retry_after_s"].as_u64().unwrap() > 0);
        let _third = wire.open(&eve.access).await;
        let (status, problem) = wire.try_open("", &[("authorization", &bearer(&bob))]).await.err().unwrap();
        assert_eq!((status, &problem["code"]), (503, &json!("server_full")));
        first.drop_connection().await;
        app.eventually("the place is free again", async || {
            wire.try_open("", &[("authorization", &bearer(&bob))]).await.is_ok()
        }).await;
    }

    async fn says_goodbye_when_the_server_ends(app) {
        let wire = app.wire().await;
        let ada = app.person("Ada").await;
        let mut socket = wire.open(&ada.access).await;
        let (code, ()) = tokio::join!(socket.closed(), app.control.say_goodbye(Duration::from_secs(5)));
        assert_eq!(code, 1012);
    }
}
