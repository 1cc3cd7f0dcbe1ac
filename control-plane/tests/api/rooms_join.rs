//! `POST /rooms/{room}/join`: who gets in, as whom, where.

use axum::body::Body;
use http::Request;
use http::uri::Scheme;
use serde_json::{Value, json};
use signaling_proto::heartbeat::{Heartbeat, NodeState};
use signaling_proto::token::{Claims, KeyStore, verify};
use signaling_proto::unix_now;

use crate::support::{Answer, KEY, Mood, SILENT, both};

fn claims(answer: &Answer) -> Claims {
    verify(&answer.text("/token"), &KeyStore::with_key(KEY.0, KEY.1), unix_now()).unwrap()
}

both! {
    async fn gives_the_owner_a_token_the_node_understands(app) {
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "trusted").await;
        let id = room.text("/id");
        app.node.beat(app).await.expect(200);
        let body = json!({ "client_id": "tab00001", "display_name": "Somebody else" });
        let join = app.post(&format!("/rooms/{id}/join"), Some(&ada.access), body).await.expect(200);
        assert_eq!(join.json["ice_servers"], json!([]));
        assert_eq!(join.text("/url"), "ws://meet.test");
        assert!(join.json.get("guest").is_none());
        assert_eq!(join.text("/room/name"), "Stand-up");

        let claims = claims(&join);
        assert_eq!(claims.sub, format!("u_{}_tab00001", ada.id));
        assert_eq!(join.text("/identity"), claims.sub);
        assert_eq!(claims.name, "Ada");
        assert_eq!(claims.exp.unwrap() - claims.iat.or(claims.nbf).unwrap(), 60);
        assert_eq!(claims.attributes.get("role").map(String::as_str), Some("host"));
        let grant = claims.video.unwrap();
        assert_eq!((grant.room.as_str(), grant.room_join, grant.room_admin), (id.as_str(), true, false));
        assert_eq!((grant.can_publish, grant.can_subscribe, grant.can_publish_data), (Some(true), Some(true), Some(true)));
        assert_eq!((grant.can_update_own_metadata, grant.room_create, grant.room_list), (Some(false), false, false));

        let created = app.node.created.lock().unwrap().clone().unwrap();
        assert_eq!((created.name, created.departure_timeout), (id, 20));
    }

    async fn tells_where_the_chat_is_to_whom_it_lets_in(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let room = app.room(&ada, "public").await;
        app.node.beat(app).await.expect(200);
        let path = format!("/rooms/{}/join", room.text("/code"));
        let guest = app.post(&path, None, json!({ "display_name": "Grace" })).await.expect(200);
        let stranger = app.post(&path, Some(&eve.access), json!({})).await.expect(200);
        for (join, token) in [(&guest, guest.text("/guest/access_token")), (&stranger, eve.access.clone())] {
            assert_eq!(join.json["room"]["conversation_id"], room.json["conversation_id"]);
            let messages = format!("/conversations/{}/messages", join.text("/room/conversation_id"));
            app.post(&messages, Some(&token), json!({ "body": "Hello" })).await.expect(201);
        }
    }

    async fn works_without_a_body(app) {
        let ada = app.person("Ada").await;
        let id = app.room(&ada, "trusted").await.text("/id");
        app.node.beat(app).await.expect(200);
        let path = format!("/rooms/{id}/join");
        let one = app.call(http::Method::POST, &path, Some(&ada.access), None).await.expect(200);
        let two = app.call(http::Method::POST, &path, Some(&ada.access), None).await.expect(200);
        assert_ne!(claims(&one).sub, claims(&two).sub, "two tabs are two participants");
    }

    async fn follows_the_access_level(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        app.node.beat(app).await.expect(200);
        let guest = json!({ "display_name": "Guest" });
        for (level, by, who, wanted) in [
            ("public", "/code", None, Ok("guest")),
            ("public", "/id", None, Err((401, "sign_in_required"))),
            ("public", "/id", Some(&eve), Ok("participant")),
            ("trusted", "/code", None, Err((403, "lobby_required"))),
            ("trusted", "/code", Some(&eve), Ok("participant")),
            ("trusted", "/id", Some(&eve), Ok("participant")),
            ("restricted", "/code", None, Err((401, "sign_in_required"))),
            ("restricted", "/code", Some(&eve), Err((403, "lobby_required"))),
            ("restricted", "/id", Some(&eve), Err((404, "room_not_found"))),
            ("restricted", "/id", Some(&ada), Ok("host")),
        ] {
            let room = app.room(&ada, level).await;
            let path = format!("/rooms/{}/join", room.text(by));
            let answer = app.post(&path, who.map(|who| who.access.as_str()), guest.clone()).await;
            match wanted {
                Ok(role) => {
                    let answer = answer.expect(200);
                    assert_eq!(claims(&answer).attributes["role"], role, "{level} {by}");
                }
                Err((status, code)) => drop(answer.problem(status, code)),
            }
        }
        app.post("/rooms/bcdfghjklm/join", None, guest).await.problem(404, "room_not_found");
    }

    async fn keeps_a_guest_who_comes_back(app) {
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await;
        app.node.beat(app).await.expect(200);
        let path = format!("/rooms/{}/join", room.text("/code"));
        app.post(&path, None, json!({})).await.blames(&["display_name"]);
        let first = app.post(&path, None, json!({ "display_name": " Grace " })).await.expect(200);
        let (id, token) = (first.text("/guest/id"), first.text("/guest/access_token"));
        assert_eq!(claims(&first).name, "Grace");
        assert!(claims(&first).sub.starts_with(&format!("g_{id}_")));

        let again = app.post(&path, Some(&token), json!({})).await.expect(200);
        assert_eq!((claims(&again).sub, again.text("/guest/id")), (claims(&first).sub, id.clone()));
        assert!(again.json["guest"].get("access_token").is_none());
        let renamed = app.post(&path, Some(&token), json!({ "display_name": "Grace H." })).await.expect(200);
        assert_eq!((claims(&renamed).name.as_str(), claims(&renamed).sub), ("Grace H.", claims(&first).sub));

        let other = app.room(&ada, "public").await;
        let path = format!("/rooms/{}/join", other.text("/code"));
        app.post(&path, Some(&token), json!({})).await.blames(&["display_name"]);
        let elsewhere = app.post(&path, Some(&token), json!({ "display_name": "Grace" })).await.expect(200);
        assert_ne!(elsewhere.text("/guest/id"), id);
        app.get("/me", Some(&token)).await.problem(401, "sign_in_required");

        app.clock.advance(std::time::Duration::from_secs(25 * 3_600));
        app.post(&path, Some(&token), json!({})).await.problem(401, "invalid_token");
    }

    async fn says_where_to_connect(app) {
        let ada = app.person("Ada").await;
        let id = app.room(&ada, "trusted").await.text("/id");
        app.node.beat(app).await.expect(200);
        let request = |host: &str, forwarded: bool| {
            let mut request = Request::post(format!("/api/v1/rooms/{id}/join")).header("host", host)
                .header("authorization", format!("Bearer {}", ada.access));
            if forwarded {
                request = request.header("x-forwarded-host", "evil.test").header("x-forwarded-proto", "https");
            }
            request.body(Body::empty()).unwrap()
        };
        let mut secure = request("meet.test:7843", false);
        secure.extensions_mut().insert(Scheme::HTTPS);
        assert_eq!(app.send(secure).await.expect(200).text("/url"), "wss://meet.test:7843");
        let forged = app.send(request("localhost:7880", true)).await.expect(200);
        assert_eq!(forged.text("/url"), "ws://localhost:7880");
        app.send(request("a b", false)).await.problem(400, "unknown_host");

        let beat = Heartbeat { url: "https://media.test/".into(), ..Heartbeat::default() };
        app.node.beat_as(app, "ND_test", &beat).await.expect(200);
        let join = app.post(&format!("/rooms/{id}/join"), Some(&ada.access), json!({})).await.expect(200);
        assert_eq!(join.text("/url"), "wss://media.test");
    }

    async fn believes_trusted_proxies(app, |config| config.trusted_proxies = vec!["127.0.0.0/8".into()]) {
        let ada = app.person("Ada").await;
        let id = app.room(&ada, "trusted").await.text("/id");
        app.node.beat(app).await.expect(200);
        let request = Request::post(format!("/api/v1/rooms/{id}/join"))
            .header("host", "inner:80")
            .header("x-forwarded-host", "meet.example")
            .header("x-forwarded-proto", "https")
            .header("authorization", format!("Bearer {}", ada.access));
        let join = app.send(request.body(Body::empty()).unwrap()).await.expect(200);
        assert_eq!(join.text("/url"), "wss://meet.example");
    }

    async fn prefers_the_public_url_to_the_host(app, |config| {
        config.public_url = Some("https://plenum.example/".parse().unwrap());
    }) {
        let ada = app.person("Ada").await;
        let id = app.room(&ada, "trusted").await.text("/id");
        app.node.beat(app).await.expect(200);
        let join = app.post(&format!("/rooms/{id}/join"), Some(&ada.access), json!({})).await.expect(200);
        assert_eq!(join.text("/url"), "wss://plenum.example");
    }

    async fn is_refused_while_no_node_answers(app, |config| config.calls.create_room_timeout_ms = 100) {
        let ada = app.person("Ada").await;
        let id = app.room(&ada, "trusted").await.text("/id");
        let path = format!("/rooms/{id}/join");
        let join = async || app.post(&path, Some(&ada.access), json!({})).await;
        let refused = join().await.problem(503, "media_unavailable");
        assert!(refused.headers.contains_key("retry-after"));

        app.node.beat(app).await.expect(200);
        for mood in [Mood::Refusing, Mood::Silent] {
            *app.node.mood.lock().unwrap() = mood;
            join().await.problem(503, "media_unavailable");
            *app.node.mood.lock().unwrap() = Mood::Well;
            // Under suspicion until it is heard of again.
            join().await.problem(503, "media_unavailable");
            app.node.beat(app).await.expect(200);
            join().await.expect(200);
        }
        app.clock.advance(SILENT);
        join().await.problem(503, "media_unavailable");
    }

    async fn goes_to_the_least_loaded_node_and_stays_there(app) {
        let ada = app.person("Ada").await;
        let beat = async |id: &str, load: f32, state: NodeState| {
            let beat = Heartbeat { url: format!("ws://{id}.test"), load, state, ..Heartbeat::default() };
            app.node.beat_as(app, id, &beat).await.expect(200)
        };
        beat("ND_busy", 0.9, NodeState::Up).await;
        beat("ND_idle", 0.1, NodeState::Up).await;
        beat("ND_leaving", 0.0, NodeState::Draining).await;
        let id = app.room(&ada, "trusted").await.text("/id");
        let join = async || app.post(&format!("/rooms/{id}/join"), Some(&ada.access), json!({})).await.expect(200);
        assert_eq!(join().await.text("/url"), "ws://ND_idle.test");
        beat("ND_idle", 1.0, NodeState::Draining).await;
        assert_eq!(join().await.text("/url"), "ws://ND_idle.test");
        let other = app.room(&ada, "trusted").await.text("/id");
        let join = app.post(&format!("/rooms/{other}/join"), Some(&ada.access), json!({})).await.expect(200);
        assert_eq!(join.text("/url"), "ws://ND_busy.test");
    }

    async fn stops_when_the_room_is_full(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let body = json!({ "name": "Small", "access_level": "public", "capacity": 1 });
        let room = app.post("/rooms", Some(&ada.access), body).await.expect(201);
        let (id, path) = (room.text("/id"), format!("/rooms/{}/join", room.text("/id")));
        app.node.beat(app).await.expect(200);
        let mine = json!({ "client_id": "tab00001" });
        let join = app.post(&path, Some(&ada.access), mine.clone()).await.expect(200);
        app.node.join(app, &join.text("/token"), &id).await;
        app.post(&path, Some(&eve.access), json!({})).await.problem(409, "room_full");
        app.post(&path, Some(&ada.access), mine).await.expect(200);
    }

    async fn refuses_what_makes_no_sense(app) {
        let ada = app.person("Ada").await;
        app.node.beat(app).await.expect(200);
        let id = app.room(&ada, "public").await.text("/id");
        let path = format!("/rooms/{id}/join");
        let bad = json!({ "client_id": "NO", "display_name": "\u{0}" });
        app.post(&path, Some(&ada.access), bad).await.blames(&["client_id", "display_name"]);
        app.post(&path, Some(&ada.access), Value::Null).await.expect(422);
        let chat = app.post("/rooms", Some(&ada.access), json!({ "name": "Talk", "type": "chat" })).await.text("/id");
        app.post(&format!("/rooms/{chat}/join"), Some(&ada.access), json!({})).await.problem(409, "room_has_no_calls");
        for room in ["..%2f", "%00", "x", "0190d2a6", "\u{1F600}"] {
            let room = url::form_urlencoded::byte_serialize(room.as_bytes()).collect::<String>();
            app.post(&format!("/rooms/{room}/join"), Some(&ada.access), json!({})).await.problem(404, "room_not_found");
        }
        let stale = "pa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        app.post(&path, Some(stale), json!({})).await.problem(401, "invalid_token");
    }

    async fn at_once_opens_one_call(app) {
        let ada = app.person("Ada").await;
        let id = app.room(&ada, "public").await.text("/id");
        app.node.beat(app).await.expect(200);
        let path = format!("/rooms/{id}/join");
        let joins = (0..8).map(|_| app.post(&path, Some(&ada.access), json!({})));
        for join in futures_util::future::join_all(joins).await {
            let join = join.expect(200);
            app.node.join(app, &join.text("/token"), &id).await;
        }
        let call = app.get(&format!("/rooms/{id}/call"), Some(&ada.access)).await.expect(200);
        assert_eq!(call.json["participants"].as_array().unwrap().len(), 8);
        let calls = app.get(&format!("/rooms/{id}/calls"), Some(&ada.access)).await.expect(200);
        assert_eq!(calls.json["items"].as_array().unwrap().len(), 1);
    }
}
