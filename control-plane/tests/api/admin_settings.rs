//! `GET` and `PATCH /admin/settings`: typed, checked, in force at once and everywhere.

use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp, both};

async fn register(app: &TestApp, name: &str) -> u16 {
    let body = json!({ "email": format!("{name}@example.org"), "password": PASSWORD, "display_name": name });
    app.post("/auth/register", None, body).await.status.as_u16()
}

fn setting(page: &Value, key: &str) -> Value {
    let items = page["items"].as_array().unwrap();
    items.iter().find(|item| item["key"] == key).unwrap_or_else(|| panic!("no {key}: {page}")).clone()
}

both! {
    async fn are_in_force_at_once(app) {
        let root = app.admin().await;
        let root = Some(root.access.as_str());
        let shown = app.get("/admin/settings", root).await.expect(200).json;
        let registration = setting(&shown, "registration");
        assert_eq!((&registration["value"], &registration["updated_at"]), (&json!("open"), &Value::Null));
        assert_eq!(register(app, "before").await, 201);
        let body = json!({ "registration": "closed", "rooms.max_owned": 1 });
        let changed = app.patch("/admin/settings", root, body).await.expect(200).json;
        let registration = setting(&changed, "registration");
        assert_eq!((&registration["value"], &registration["configured"]), (&json!("closed"), &json!("open")));
        assert!(registration["updated_by"].is_string());
        assert_eq!(register(app, "during").await, 403);
        assert_eq!(app.get("/config", None).await.text("/registration"), "closed");
        app.post("/rooms", root, json!({ "name": "One" })).await.expect(201);
        app.post("/rooms", root, json!({ "name": "Two" })).await.problem(409, "too_many_rooms");
        let back = app.patch("/admin/settings", root, json!({ "registration": null })).await.expect(200).json;
        assert_eq!(setting(&back, "registration")["value"], "open");
        assert_eq!(register(app, "after").await, 201);
        let audit = app.get("/admin/audit-log?action=settings.changed", root).await.expect(200);
        assert_eq!(audit.json["items"].as_array().unwrap().len(), 2);
        assert_eq!(audit.json["items"][1]["diff"], json!({ "registration": "closed", "rooms.max_owned": 1 }));
    }

    async fn reach_every_replica_and_survive_a_restart(app) {
        let root = app.admin().await;
        let second = app.second().await;
        app.patch("/admin/settings", Some(&root.access), json!({ "registration": "closed" })).await.expect(200);
        app.eventually("the other replica refuses", async || {
            second.get("/config").await.text("/registration") == "closed"
        })
        .await;
        let body = json!({ "email": "x@example.org", "password": PASSWORD, "display_name": "X" });
        second.post("/auth/register", None, body).await.problem(403, "registration_closed");
        second.control.stop().await;
        let third = app.second().await;
        assert_eq!(third.get("/config").await.text("/registration"), "closed");
        third.control.stop().await;
    }

    async fn refuse_what_makes_no_sense_as_a_whole(app) {
        let root = app.admin().await;
        let root = Some(root.access.as_str());
        let body = json!({ "registration": "maybe", "rooms.max_owned": 0, "nothing": 1, "files.max_bytes": "7",
            "retention.audit_days": 1.5, "rooms.max_participants": 5 });
        let wrong = ["files.max_bytes", "nothing", "registration", "retention.audit_days", "rooms.max_owned"];
        app.patch("/admin/settings", root, body).await.blames(&wrong);
        let shown = app.get("/admin/settings", root).await.expect(200).json;
        assert_eq!(setting(&shown, "rooms.max_participants")["value"], 1_000);
        app.patch("/admin/settings", root, json!({})).await.expect(200);
        app.patch("/admin/settings", root, json!([])).await.expect(422);
        app.patch("/admin/settings", root, json!({ "\u{0}": 1 })).await.expect(422);
        let ada = app.person("Ada").await;
        app.patch("/admin/settings", Some(&ada.access), json!({})).await.problem(403, "forbidden");
        app.patch("/admin/settings", None, json!({})).await.problem(401, "sign_in_required");
    }
}
