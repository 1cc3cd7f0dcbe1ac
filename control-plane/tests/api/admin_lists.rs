//! `GET /admin/{resource}`: for admins of the platform alone, by pages, with filters, one statement each.

use serde_json::{Value, json};

use crate::support::{Answer, both};

/// Every list of the administration.
const LISTS: &[&str] = &[
    "users",
    "organizations",
    "rooms",
    "calls",
    "meetings",
    "messages",
    "notifications",
    "files",
    "jobs",
    "audit-log",
];

fn texts(page: &Answer, field: &str) -> Vec<String> {
    let items = page.json["items"].as_array().unwrap();
    items.iter().map(|item| item[field].as_str().unwrap_or_default().to_owned()).collect()
}

both! {
    async fn are_for_admins_only(app) {
        let ada = app.person("Ada").await;
        let root = app.admin().await;
        for list in LISTS.iter().chain(&["stats", "settings"]) {
            let path = format!("/admin/{list}");
            app.get(&path, None).await.problem(401, "sign_in_required");
            app.get(&path, Some(&ada.access)).await.problem(403, "forbidden");
            app.get(&path, Some("pa_wrong")).await.problem(401, "invalid_token");
            let page = app.get(&path, Some(&root.access)).await.expect(200);
            assert!(*list == "stats" || page.json["items"].is_array(), "{list}: {}", page.json);
        }
        app.get("/admin/secrets", Some(&root.access)).await.problem(404, "not_found");
    }

    async fn page_and_filter(app) {
        let root = app.admin().await;
        let root = Some(root.access.as_str());
        let eve = app.person("Eve").await;
        for n in 0..3 {
            app.person(&format!("Person{n}")).await;
            app.post("/rooms", Some(&eve.access), json!({ "name": format!("Room {n}%") })).await.expect(201);
        }
        let first = app.get("/admin/users?limit=2", root).await.expect(200);
        assert_eq!(texts(&first, "display_name"), ["Person2", "Person1"]);
        let next = app.get(&format!("/admin/users?limit=2&cursor={}", first.text("/next_cursor")), root).await;
        assert_eq!(texts(&next, "display_name"), ["Person0", "Eve"]);
        let last = app.get(&format!("/admin/users?limit=2&cursor={}", next.text("/next_cursor")), root).await;
        assert_eq!((texts(&last, "display_name"), &last.json["next_cursor"]), (vec!["Root".to_owned()], &Value::Null));
        for (query, wanted) in [
            ("q=EVE", vec!["Eve"]),
            ("q=root@", vec!["Root"]),
            ("q=%25", vec![]),
            ("platform_role=admin", vec!["Root"]),
            ("status=suspended", vec![]),
        ] {
            let page = app.get(&format!("/admin/users?{query}"), root).await.expect(200);
            assert_eq!(texts(&page, "display_name"), wanted, "{query}");
        }
        for (query, wanted) in [("q=1%25", vec!["Room 1%"]), ("type=chat", vec![]), ("deleted=true", vec![])] {
            let page = app.get(&format!("/admin/rooms?{query}"), root).await.expect(200);
            assert_eq!(texts(&page, "name"), wanted, "{query}");
        }
        let room = app.get("/admin/rooms?q=room%202", root).await.text("/items/0/id");
        app.delete(&format!("/rooms/{room}"), Some(&eve.access)).await.expect(204);
        let gone = app.get("/admin/rooms?deleted=true", root).await.expect(200);
        assert_eq!(texts(&gone, "id"), [room]);
    }

    async fn show_no_secret(app) {
        let root = app.admin().await;
        for list in LISTS {
            let page = app.get(&format!("/admin/{list}"), Some(&root.access)).await.expect(200).json.to_string();
            for word in ["phc", "argon2", "hash", "payload", "pa_", "pr_", "correct horse"] {
                assert!(!page.contains(word), "{list} shows {word}: {page}");
            }
        }
    }

    async fn read_a_page_in_two_statements(app) {
        let root = app.admin().await;
        for n in 0..5 {
            let person = app.person(&format!("Person{n}")).await;
            app.room(&person, "public").await;
        }
        for list in LISTS {
            let mut least = u64::MAX;
            for _ in 0..8 {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                let before = app.control.statements();
                app.get(&format!("/admin/{list}?limit=100"), Some(&root.access)).await.expect(200);
                least = least.min(app.control.statements() - before);
            }
            assert_eq!(least, 2, "{list}");
        }
    }

    async fn refuse_nonsense(app) {
        let root = app.admin().await;
        let root = Some(root.access.as_str());
        for list in LISTS {
            app.get(&format!("/admin/{list}?limit=0"), root).await.blames(&["limit"]);
            app.get(&format!("/admin/{list}?limit=101"), root).await.blames(&["limit"]);
            app.get(&format!("/admin/{list}?cursor=abc"), root).await.blames(&["cursor"]);
            app.get(&format!("/admin/{list}?q=%00"), root).await.blames(&["q"]);
            app.get(&format!("/admin/{list}?q={}", "x".repeat(101)), root).await.blames(&["q"]);
        }
        app.get("/admin/users?status=dead", root).await.blames(&["status"]);
        app.get("/admin/calls?room_id=7", root).await.blames(&["room_id"]);
        app.get("/admin/audit-log?from=yesterday", root).await.blames(&["from"]);
        app.get("/admin/audit-log?action=%00", root).await.blames(&["action"]);
    }

    async fn tell_who_did_what(app) {
        let root = app.admin().await;
        let root = Some(root.access.as_str());
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await.text("/id");
        app.patch(&format!("/rooms/{room}"), Some(&ada.access), json!({ "name": "New" })).await.expect(200);
        app.patch("/me", Some(&ada.access), json!({ "display_name": "Ada L." })).await.expect(200);
        app.delete(&format!("/rooms/{room}"), Some(&ada.access)).await.expect(204);
        let mine = app.get(&format!("/admin/audit-log?actor_id={}", ada.id), root).await.expect(200);
        // Registering is the act of somebody who has no session yet.
        assert_eq!(texts(&mine, "action"), ["room.deleted", "user.updated", "room.updated", "room.created"]);
        assert_eq!(mine.text("/items/0/actor_name"), "Ada L.");
        assert_eq!(mine.json["items"][2]["diff"], json!({ "changed": ["name"] }));
        let about = app.get(&format!("/admin/audit-log?target_kind=room&target_id={room}"), root).await.expect(200);
        assert_eq!(texts(&about, "action"), ["room.deleted", "room.updated", "room.created"]);
        let one = app.get("/admin/audit-log?action=room.updated", root).await.expect(200);
        assert_eq!(texts(&one, "target_id"), [room]);
        let after = mine.text("/items/0/created_at").replace('+', "%2B");
        let later = app.get(&format!("/admin/audit-log?from={after}"), root).await.expect(200);
        assert_eq!(texts(&later, "action"), ["room.deleted"]);
        let earlier = app.get(&format!("/admin/audit-log?to={after}&actor_id={}", ada.id), root).await.expect(200);
        assert_eq!(texts(&earlier, "action").len(), 3);
    }

    async fn show_what_people_brought(app) {
        let root = app.admin().await;
        let root = Some(root.access.as_str());
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let (_, conversation) = crate::support::files::conversation(app, &ada).await;
        let png = crate::support::files::Part::new("Ünique.png", "", crate::support::files::PNG);
        app.send(crate::support::files::form(&conversation, Some(&ada.access), &[png])).await.expect(201);
        let files = app.get(&format!("/admin/files?q=nique&state=ready&uploader_id={}", ada.id), root).await.expect(200);
        assert_eq!(texts(&files, "name"), ["Ünique.png"]);
        let none = app.get(&format!("/admin/files?uploader_id={}", eve.id), root).await.expect(200);
        assert_eq!(texts(&none, "name"), Vec::<String>::new());
        let path = format!("/conversations/{conversation}/messages");
        app.post(&path, Some(&ada.access), json!({ "body": "Hello 100% you" })).await.expect(201);
        let said = app.get("/admin/messages?q=HELLO%20100%25", root).await.expect(200);
        assert_eq!(texts(&said, "body"), ["Hello 100% you"]);
        let here = app.get(&format!("/admin/messages?conversation_id={conversation}"), root).await.expect(200);
        assert_eq!(texts(&here, "sender_id"), [ada.id]);
    }

    async fn count_everything(app) {
        let root = app.admin().await;
        let ada = app.person("Ada").await;
        app.room(&ada, "public").await;
        let stats = app.get("/admin/stats", Some(&root.access)).await.expect(200);
        assert_eq!((&stats.json["users_active"], &stats.json["rooms"]), (&json!(2), &json!(1)));
        assert_eq!(stats.json["calls_open"], 0);
    }
}
