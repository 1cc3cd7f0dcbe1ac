//! `/notifications`: told once, listed, read, unread, deleted, forgotten.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, PASSWORD, TestApp, both};

/// The access token of the platform's first admin.
async fn admin(app: &TestApp) -> String {
    let token = app.control.setup_token().expect("there is no admin yet");
    let form = json!({ "token": token, "email": "root@example.org", "password": PASSWORD, "display_name": "Root" });
    app.post("/auth/setup", None, form).await.expect(201).text("/access_token")
}

/// Tells people something.
async fn tell(app: &TestApp, admin: &str, ids: &[&str], title: &str) -> Answer {
    let body = json!({ "audience": { "user_ids": ids }, "title": title, "text": "Hello", "link": "/rooms" });
    app.post("/notifications", Some(admin), body).await.expect(202)
}

fn titles(page: &Answer) -> Vec<&str> {
    page.json["items"].as_array().unwrap().iter().map(|item| item["payload"]["title"].as_str().unwrap()).collect()
}

both! {
    async fn shows_what_one_was_told_and_nobody_elses(app) {
        let (root, ada, eve) = (admin(app).await, app.person("Ada").await, app.person("Eve").await);
        let answer = tell(app, &root, &[&ada.id], "Maintenance tonight").await;
        assert_eq!(answer.json["recipients"], 1);
        let page = app.get("/notifications", Some(&ada.access)).await.expect(200);
        assert_eq!((titles(&page), &page.json["unread_count"]), (vec!["Maintenance tonight"], &json!(1)));
        let entry = &page.json["items"][0];
        assert_eq!((entry["kind"].as_str(), &entry["read_at"]), (Some("system"), &Value::Null));
        let root_id = app.get("/me", Some(&root)).await.expect(200).text("/id");
        assert_eq!(entry["payload"], json!({
            "title": "Maintenance tonight", "text": "Hello", "link": "/rooms", "actor_id": root_id, "actor_name": "Root"
        }));
        let id = entry["id"].as_str().unwrap();
        let theirs = app.get("/notifications", Some(&eve.access)).await.expect(200);
        assert_eq!((titles(&theirs), &theirs.json["unread_count"]), (vec![], &json!(0)));
        for verb in ["read", "unread"] {
            let path = format!("/notifications/{id}/{verb}");
            app.post(&path, Some(&eve.access), json!({})).await.problem(404, "notification_not_found");
            app.post(&path, None, json!({})).await.problem(401, "sign_in_required");
        }
        let path = format!("/notifications/{id}");
        app.delete(&path, Some(&eve.access)).await.problem(404, "notification_not_found");
        app.delete(&path, None).await.problem(401, "sign_in_required");
        app.get("/notifications", None).await.problem(401, "sign_in_required");
        app.post("/notifications/read-all", None, json!({})).await.problem(401, "sign_in_required");
        let untouched = app.get("/notifications?unread=true", Some(&ada.access)).await.expect(200);
        assert_eq!(titles(&untouched), ["Maintenance tonight"]);
    }

    async fn marks_read_and_unread_and_read_again(app) {
        let (root, ada) = (admin(app).await, app.person("Ada").await);
        tell(app, &root, &[&ada.id], "News").await;
        let id = app.get("/notifications", Some(&ada.access)).await.text("/items/0/id");
        let path = format!("/notifications/{id}");
        let read = app.post(&format!("{path}/read"), Some(&ada.access), json!({})).await.expect(200);
        let at = read.text("/read_at");
        app.clock.advance(Duration::from_secs(60));
        let again = app.post(&format!("{path}/read"), Some(&ada.access), json!({})).await.expect(200);
        assert_eq!(again.text("/read_at"), at);
        let page = app.get("/notifications", Some(&ada.access)).await;
        assert_eq!((&page.json["unread_count"], page.text("/items/0/read_at")), (&json!(0), at));
        assert_eq!(titles(&app.get("/notifications?unread=true", Some(&ada.access)).await), Vec::<&str>::new());
        let unread = app.post(&format!("{path}/unread"), Some(&ada.access), json!({})).await.expect(200);
        assert_eq!(unread.json["read_at"], Value::Null);
        assert_eq!(app.get("/notifications", Some(&ada.access)).await.json["unread_count"], 1);
        for strange in ["nonsense", "%00", &Uuid::now_v7().to_string()] {
            let path = format!("/notifications/{strange}/read");
            app.post(&path, Some(&ada.access), json!({})).await.problem(404, "notification_not_found");
        }
    }

    async fn marks_all_read_up_to_what_was_seen(app) {
        let (root, ada) = (admin(app).await, app.person("Ada").await);
        for title in ["one", "two", "three"] {
            tell(app, &root, &[&ada.id], title).await;
        }
        let seen = app.get("/notifications?limit=2", Some(&ada.access)).await.text("/items/1/id");
        let all = "/notifications/read-all";
        let answer = app.post(all, Some(&ada.access), json!({ "up_to": seen })).await.expect(200);
        assert_eq!(answer.json["updated"], 2);
        assert_eq!(titles(&app.get("/notifications?unread=true", Some(&ada.access)).await), ["three"]);
        let empty = app.call(http::Method::POST, all, Some(&ada.access), None).await.expect(200);
        assert_eq!(empty.json["updated"], 1);
        assert_eq!(app.get("/notifications", Some(&ada.access)).await.json["unread_count"], 0);
        assert_eq!(app.post(all, Some(&ada.access), json!({})).await.expect(200).json["updated"], 0);
        app.post(all, Some(&ada.access), json!({ "up_to": "yesterday" })).await.blames(&["up_to"]);
    }

    async fn deletes_for_good(app) {
        let (root, ada) = (admin(app).await, app.person("Ada").await);
        let body = json!({ "audience": { "user_ids": [ada.id] }, "title": "Once", "client_id": "a-1" });
        app.post("/notifications", Some(&root), body.clone()).await.expect(202);
        let id = app.get("/notifications", Some(&ada.access)).await.text("/items/0/id");
        app.delete(&format!("/notifications/{id}"), Some(&ada.access)).await.expect(204);
        app.delete(&format!("/notifications/{id}"), Some(&ada.access)).await.problem(404, "notification_not_found");
        let path = format!("/notifications/{id}/read");
        app.post(&path, Some(&ada.access), json!({})).await.problem(404, "notification_not_found");
        assert_eq!(app.post("/notifications", Some(&root), body).await.expect(202).json["recipients"], 0);
        let page = app.get("/notifications", Some(&ada.access)).await;
        assert_eq!((titles(&page), &page.json["unread_count"]), (vec![], &json!(0)));
    }

    async fn pages_and_filters(app) {
        let (root, ada) = (admin(app).await, app.person("Ada").await);
        for n in 0..5 {
            tell(app, &root, &[&ada.id], &format!("News {n}")).await;
        }
        let first = app.get("/notifications?limit=2", Some(&ada.access)).await.expect(200);
        assert_eq!((titles(&first), &first.json["unread_count"]), (vec!["News 4", "News 3"], &json!(5)));
        let cursor = first.text("/next_cursor");
        let second = app.get(&format!("/notifications?limit=3&cursor={cursor}"), Some(&ada.access)).await.expect(200);
        assert_eq!((titles(&second), &second.json["next_cursor"]), (vec!["News 2", "News 1", "News 0"], &Value::Null));
        assert_eq!(titles(&app.get("/notifications?kind=system&limit=1", Some(&ada.access)).await), ["News 4"]);
        let other = app.get("/notifications?kind=call.missed", Some(&ada.access)).await.expect(200);
        assert_eq!(titles(&other), Vec::<&str>::new());
        app.get("/notifications?limit=0", Some(&ada.access)).await.blames(&["limit"]);
        app.get("/notifications?limit=101", Some(&ada.access)).await.blames(&["limit"]);
        app.get("/notifications?cursor=%00", Some(&ada.access)).await.blames(&["cursor"]);
        app.get("/notifications?kind=gossip", Some(&ada.access)).await.blames(&["kind"]);
        app.get("/notifications?unread=perhaps", Some(&ada.access)).await.blames(&["unread"]);
    }

    async fn reads_a_page_in_three_statements(app) {
        let (root, ada) = (admin(app).await, app.person("Ada").await);
        for n in 0..20 {
            tell(app, &root, &[&ada.id], &format!("News {n}")).await;
        }
        let mut least = u64::MAX;
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let before = app.control.statements();
            app.get("/notifications", Some(&ada.access)).await.expect(200);
            least = least.min(app.control.statements() - before);
        }
        assert_eq!(least, 3);
    }

    async fn forgets_what_was_read_long_ago(app) {
        let (root, ada) = (admin(app).await, app.person("Ada").await);
        tell(app, &root, &[&ada.id], "read").await;
        app.post("/notifications/read-all", Some(&ada.access), json!({})).await.expect(200);
        tell(app, &root, &[&ada.id], "unread").await;
        app.clock.advance(Duration::from_secs(91 * 86_400));
        app.control.forget().await.unwrap();
        let login = json!({ "identifier": ada.email, "password": PASSWORD });
        let later = app.post("/auth/login", None, login.clone()).await.expect(200).text("/access_token");
        assert_eq!(titles(&app.get("/notifications", Some(&later)).await), ["unread"]);
        app.clock.advance(Duration::from_secs(310 * 86_400));
        app.control.forget().await.unwrap();
        let later = app.post("/auth/login", None, login).await.expect(200).text("/access_token");
        assert_eq!(titles(&app.get("/notifications", Some(&later)).await), Vec::<&str>::new());
    }
}
