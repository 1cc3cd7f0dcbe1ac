//! `POST /rooms`, `GET /rooms/{room}`.

use serde_json::json;
use uuid::Uuid;

use crate::support::both;

both! {
    async fn makes_a_room_its_owner_finds_by_id_and_code(app) {
        let ada = app.person("Ada").await;
        let body = json!({
            "name": " Stand-up ", "type": "video", "access_level": "trusted", "description": "Daily\nat nine",
            "capacity": 12, "config": { "lobby": true }, "expires_at": "2090-01-01T00:00:00Z"
        });
        let room = app.post("/rooms", Some(&ada.access), body).await.expect(201);
        let (id, code) = (room.text("/id"), room.text("/code"));
        assert_eq!(code.len(), 10);
        assert!(code.bytes().all(|b| b"bcdfghjklmnpqrstvwxz".contains(&b)), "{code}");
        Uuid::parse_str(&room.text("/conversation_id")).unwrap();
        assert_eq!((room.text("/name"), room.text("/role")), ("Stand-up".into(), "owner".into()));
        assert_eq!(room.text("/expires_at"), "2090-01-01T00:00:00Z");
        assert_eq!(room.json["config"], json!({ "lobby": true, "hosts_only_screen_share": false }));
        assert_eq!(room.json["call"], json!(null));
        for name in [id.as_str(), code.as_str(), &code.to_uppercase()] {
            let found = app.get(&format!("/rooms/{name}"), Some(&ada.access)).await.expect(200);
            assert_eq!(found.json, room.json);
        }
    }

    async fn reads_a_room_in_two_statements(app) {
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "trusted").await.text("/id");
        let before = app.control.statements();
        app.get(&format!("/rooms/{room}"), Some(&ada.access)).await.expect(200);
        // Background tasks poll the job table now and then; take the smallest of a few readings.
        let mut least = app.control.statements() - before;
        for _ in 0..10 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            let before = app.control.statements();
            app.get(&format!("/rooms/{room}"), Some(&ada.access)).await.expect(200);
            least = least.min(app.control.statements() - before);
        }
        assert_eq!(least, 2);
    }

    async fn shows_strangers_only_what_they_may_know(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let room = app.room(&ada, "trusted").await;
        let (id, code) = (room.text("/id"), room.text("/code"));
        let by_id = app.get(&format!("/rooms/{id}"), Some(&eve.access)).await.expect(200);
        assert_eq!((by_id.json.get("code"), by_id.json.get("conversation_id")), (None, None));
        assert_eq!(by_id.json["role"], json!(null));
        let by_code = app.get(&format!("/rooms/{code}"), None).await.expect(200);
        assert_eq!((by_code.text("/code"), by_code.json.get("conversation_id")), (code, None));
        app.get(&format!("/rooms/{id}"), None).await.problem(401, "sign_in_required");

        let secret = app.room(&ada, "restricted").await.text("/id");
        app.get(&format!("/rooms/{secret}"), Some(&eve.access)).await.problem(404, "room_not_found");
        let unknown = Uuid::now_v7();
        app.get(&format!("/rooms/{unknown}"), Some(&eve.access)).await.problem(404, "room_not_found");
        app.get(&format!("/rooms/{unknown}"), None).await.problem(401, "sign_in_required");
        app.get("/rooms/bcdfghjklm", None).await.problem(404, "room_not_found");
    }

    async fn blames_each_bad_field(app) {
        let ada = Some(app.person("Ada").await.access);
        let ada = ada.as_deref();
        app.post("/rooms", ada, json!({})).await.blames(&["name"]);
        app.post("/rooms", ada, json!({ "name": "x".repeat(81), "capacity": 0, "description": "\u{0}" }))
            .await
            .blames(&["capacity", "description", "name"]);
        app.post("/rooms", ada, json!({ "name": "A", "type": "party" })).await.blames(&["type"]);
        app.post("/rooms", ada, json!({ "name": "A", "access_level": 3 })).await.blames(&["access_level"]);
        app.post("/rooms", ada, json!({ "name": "A", "expires_at": "tomorrow" })).await.blames(&["expires_at"]);
        let past = json!({ "name": "A", "expires_at": "2020-01-01T00:00:00Z" });
        app.post("/rooms", ada, past).await.blames(&["expires_at"]);
        app.post("/rooms", ada, json!({ "name": "A", "config": { "lobby": "yes" } })).await.blames(&["config.lobby"]);
        app.post("/rooms", ada, json!(["A"])).await.expect(422);
        app.post("/rooms", None, json!({ "name": "A" })).await.problem(401, "sign_in_required");
    }

    async fn stops_at_the_limit(app, |config| config.rooms.max_owned = 2) {
        let ada = app.person("Ada").await;
        app.room(&ada, "public").await;
        let second = app.room(&ada, "public").await.text("/id");
        let third = json!({ "name": "Third" });
        app.post("/rooms", Some(&ada.access), third.clone()).await.problem(409, "too_many_rooms");
        app.delete(&format!("/rooms/{second}"), Some(&ada.access)).await.expect(204);
        app.post("/rooms", Some(&ada.access), third).await.expect(201);
    }
}
