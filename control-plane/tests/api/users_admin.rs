//! `/users`: accounts as platform admins see and change them.

use http::Method;
use serde_json::{Value, json};

use crate::support::talk::statements;
use crate::support::{PASSWORD, Person, TestApp, both};

/// The first admin.
pub(crate) async fn admin(app: &TestApp) -> Person {
    let token = app.control.setup_token().expect("there is no admin yet");
    let body = json!({ "token": token, "email": "root@example.org", "password": PASSWORD, "display_name": "Root" });
    let answer = app.post("/auth/setup", None, body).await.expect(201);
    Person {
        id: answer.text("/user/id"),
        email: answer.text("/user/email"),
        access: answer.text("/access_token"),
        refresh: answer.text("/refresh_token"),
    }
}

fn names(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item["display_name"].as_str().unwrap().to_owned()).collect()
}

both! {
    async fn are_listed_for_admins(app) {
        let root = admin(app).await;
        let ada = app.person("Ada").await;
        for name in ["Bob", "Cleo", "Dora_50%"] {
            app.person(name).await;
        }
        let token = Some(root.access.as_str());
        let all = app.get("/users", token).await.expect(200).json;
        assert_eq!(names(&all), ["Dora_50%", "Cleo", "Bob", "Ada", "Root"]);
        assert!(!all.to_string().contains("argon2"));
        let (mut walked, mut cursor) = (Vec::new(), String::new());
        for _ in 0..3 {
            let page = app.get(&format!("/users?limit=2{cursor}"), token).await.expect(200).json;
            walked.extend(names(&page));
            cursor = page["next_cursor"].as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
        }
        assert_eq!((walked, cursor.as_str()), (names(&all), ""));
        assert_eq!(names(&app.get("/users?q=CLEO", token).await.expect(200).json), ["Cleo"]);
        assert_eq!(names(&app.get("/users?q=_50%25", token).await.expect(200).json), ["Dora_50%"]);
        assert_eq!(names(&app.get("/users?platform_role=admin", token).await.expect(200).json), ["Root"]);
        assert!(names(&app.get("/users?status=suspended", token).await.expect(200).json).is_empty());
        let (one, all) = (statements(app, &root.access, "/users?limit=1").await, statements(app, &root.access, "/users").await);
        assert_eq!(one, all, "statements do not grow with rows");
        app.get("/users", Some(&ada.access)).await.problem(403, "forbidden");
        app.get("/users", None).await.problem(401, "sign_in_required");
        app.get("/users?status=gone&limit=x", token).await.blames(&["limit", "status"]);
        app.get("/users?q=%00", token).await.blames(&["q"]);
    }

    async fn are_made_by_admins(app, |config| config.registration = control_plane::Registration::Closed) {
        let root = admin(app).await;
        let token = Some(root.access.as_str());
        let body = json!({ "email": "Ada@Example.org", "display_name": " Ada ", "password": PASSWORD, "username": "Ada",
            "timezone": "Europe/Paris", "email_verified": true });
        let ada = app.post("/users", token, body).await.expect(201);
        assert_eq!((ada.text("/email"), ada.text("/username")), ("ada@example.org".into(), "ada".into()));
        assert!(ada.json["email_verified_at"].is_string());
        let login = app.post("/auth/login", None, json!({ "identifier": "ada", "password": PASSWORD })).await.expect(200);
        let own = login.text("/access_token");
        let body = json!({ "email": "ada@example.org", "display_name": "B" });
        app.post("/users", token, body).await.problem(409, "email_taken");
        let body = json!({ "email": "b@example.org", "display_name": "B", "username": "ADA" });
        app.post("/users", token, body).await.problem(409, "username_taken");
        let body = json!({ "email": "b@example.org", "display_name": "B", "platform_role": "admin" });
        assert_eq!(app.post("/users", token, body.clone()).await.expect(201).text("/platform_role"), "admin");
        app.post("/users", Some(&own), body.clone()).await.problem(403, "forbidden");
        app.post("/users", None, body).await.problem(401, "sign_in_required");
        let body = json!({ "email": "x", "display_name": "A\u{202e}", "password": "short", "platform_role": "king" });
        app.post("/users", token, body).await.blames(&["display_name", "email", "password", "platform_role"]);
        app.post("/users", token, json!({})).await.blames(&["display_name", "email"]);
    }

    async fn are_seen_by_admins_themselves_and_colleagues(app) {
        let root = admin(app).await;
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let path = format!("/users/{}", ada.id);
        assert_eq!(app.get(&path, Some(&root.access)).await.expect(200).text("/email"), ada.email);
        assert_eq!(app.get(&path, Some(&ada.access)).await.expect(200).text("/email"), ada.email);
        app.get(&path, Some(&bob.access)).await.problem(404, "user_not_found");
        app.get(&path, None).await.problem(401, "sign_in_required");
        app.get(&format!("/users/{}", uuid::Uuid::now_v7()), Some(&root.access)).await.problem(404, "user_not_found");
        app.get("/users/nonsense", Some(&root.access)).await.problem(404, "user_not_found");
        let org = app.post("/organizations", Some(&ada.access), json!({ "name": "Ours" })).await.expect(201).text("/id");
        let add = json!({ "user_id": bob.id });
        app.post(&format!("/organizations/{org}/members"), Some(&ada.access), add).await.expect(201);
        let light = app.get(&path, Some(&bob.access)).await.expect(200).json;
        let mut fields: Vec<_> = light.as_object().unwrap().keys().cloned().collect();
        fields.sort_unstable();
        assert_eq!(fields, ["avatar_url", "display_name", "id", "username"]);
        app.delete(&format!("/organizations/{org}/members/{}", bob.id), Some(&bob.access)).await.expect(204);
        app.get(&path, Some(&bob.access)).await.problem(404, "user_not_found");
    }

    async fn are_changed_by_admins(app) {
        let root = admin(app).await;
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let (path, token) = (format!("/users/{}", ada.id), Some(root.access.as_str()));
        let body = json!({ "email": "New@Example.org", "username": "ada", "display_name": "Ada L.", "locale": "fr" });
        let changed = app.patch(&path, token, body).await.expect(200);
        assert_eq!((changed.text("/email"), changed.text("/locale")), ("new@example.org".into(), "fr".into()));
        let verified = app.patch(&path, token, json!({ "email_verified": true })).await.expect(200);
        assert!(verified.json["email_verified_at"].is_string());
        let moved = app.call(Method::PUT, &path, token, Some(json!({ "email": "again@example.org" }))).await.expect(200);
        assert_eq!((moved.json["email_verified_at"].is_null(), moved.text("/display_name")), (true, "Ada L.".into()));
        app.patch(&path, token, json!({ "email": bob.email })).await.problem(409, "email_taken");
        app.patch(&format!("/users/{}", bob.id), token, json!({ "username": "ADA" })).await.problem(409, "username_taken");
        assert!(app.patch(&path, token, json!({ "username": null })).await.expect(200).json["username"].is_null());
        app.patch(&path, Some(&ada.access), json!({ "platform_role": "admin" })).await.problem(403, "forbidden");
        app.patch(&path, None, json!({})).await.problem(401, "sign_in_required");
        app.patch("/users/nonsense", token, json!({})).await.problem(404, "user_not_found");
        app.patch(&path, token, json!({ "status": "deleted", "timezone": "Mars" })).await.blames(&["status", "timezone"]);
    }

    async fn suspension_locks_out_at_once(app) {
        let root = admin(app).await;
        let ada = app.person("Ada").await;
        let (path, token) = (format!("/users/{}", ada.id), Some(root.access.as_str()));
        app.node.beat(app).await.expect(200);
        let room = app.room(&ada, "trusted").await.text("/id");
        let join = app.post(&format!("/rooms/{room}/join"), Some(&ada.access), json!({ "client_id": "tab00001" })).await;
        app.node.join(app, &join.expect(200).text("/token"), &room).await;
        assert_eq!(app.patch(&path, token, json!({ "status": "suspended" })).await.expect(200).text("/status"), "suspended");
        app.get("/me", Some(&ada.access)).await.problem(401, "invalid_token");
        let body = json!({ "refresh_token": ada.refresh });
        app.post("/auth/refresh", None, body).await.problem(401, "invalid_refresh_token");
        let login = |password: &'static str| async move {
            app.post("/auth/login", None, json!({ "identifier": "ada@example.org", "password": password })).await
        };
        login("wrong password").await.problem(401, "invalid_credentials");
        login(PASSWORD).await.problem(403, "account_suspended");
        app.eventually("ada is out of the call", async || app.node.called("RemoveParticipant") > 0).await;
        app.patch(&path, token, json!({ "status": "active" })).await.expect(200);
        login(PASSWORD).await.expect(200);
        app.get("/me", Some(&ada.access)).await.problem(401, "invalid_token");
    }

    async fn somebody_stays_admin(app) {
        let root = admin(app).await;
        let (path, token) = (format!("/users/{}", root.id), Some(root.access.as_str()));
        app.patch(&path, token, json!({ "platform_role": "user" })).await.problem(409, "last_admin");
        app.patch(&path, token, json!({ "status": "suspended" })).await.problem(409, "last_admin");
        app.delete(&path, token).await.problem(409, "last_admin");
        app.delete_me(&root.access).await.problem(409, "last_admin");
        assert_eq!(app.get("/me", token).await.expect(200).text("/platform_role"), "admin");
        // Two admins who depose each other at the same time: one of them stays.
        let body = json!({ "email": "two@example.org", "display_name": "Two", "password": PASSWORD, "platform_role": "admin" });
        let two = app.post("/users", token, body).await.expect(201).text("/id");
        let body = json!({ "identifier": "two@example.org", "password": PASSWORD });
        let other = app.post("/auth/login", None, body).await.expect(200).text("/access_token");
        let depose = |token: String, id: String| async move {
            app.patch(&format!("/users/{id}"), Some(&token), json!({ "platform_role": "user" })).await.status.as_u16()
        };
        let both = tokio::join!(depose(root.access.clone(), two), depose(other.clone(), root.id.clone()));
        assert!(both.0 == 200 || both.1 == 200, "{both:?}");
        let mut admins = 0;
        for token in [&root.access, &other] {
            admins += usize::from(app.get("/me", Some(token)).await.expect(200).text("/platform_role") == "admin");
        }
        assert_eq!(admins, 1, "{both:?}");
    }

    async fn are_deleted_by_admins(app) {
        let root = admin(app).await;
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let (path, token) = (format!("/users/{}", ada.id), Some(root.access.as_str()));
        app.delete(&path, Some(&bob.access)).await.problem(403, "forbidden");
        app.delete(&path, None).await.problem(401, "sign_in_required");
        app.delete(&path, token).await.expect(204);
        app.delete(&path, token).await.problem(404, "user_not_found");
        app.get(&path, token).await.problem(404, "user_not_found");
        app.get("/me", Some(&ada.access)).await.problem(401, "invalid_token");
        assert_eq!(names(&app.get("/users", token).await.json), ["Bob", "Root"]);
    }
}
