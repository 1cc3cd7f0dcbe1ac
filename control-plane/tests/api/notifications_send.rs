//! `POST /notifications`: who may tell whom.

use serde_json::json;
use uuid::Uuid;

use crate::support::{PASSWORD, TestApp, both};

async fn admin(app: &TestApp) -> String {
    let token = app.control.setup_token().expect("there is no admin yet");
    let form = json!({ "token": token, "email": "root@example.org", "password": PASSWORD, "display_name": "Root" });
    app.post("/auth/setup", None, form).await.expect(201).text("/access_token")
}

async fn unread(app: &TestApp, access: &str) -> i64 {
    app.get("/notifications", Some(access)).await.expect(200).json["unread_count"].as_i64().unwrap()
}

both! {
    async fn is_for_those_with_an_audience(app) {
        let (root, ada, eve) = (admin(app).await, app.person("Ada").await, app.person("Eve").await);
        let some = json!({ "audience": { "user_ids": [eve.id] }, "title": "Psst" });
        let all = json!({ "audience": { "everyone": true }, "title": "Hear" });
        for body in [&some, &all] {
            app.post("/notifications", Some(&ada.access), body.clone()).await.problem(403, "forbidden");
            app.post("/notifications", None, body.clone()).await.problem(401, "sign_in_required");
        }
        assert_eq!(unread(app, &eve.access).await, 0);
        // People who are not there are nobody's business: the others are told.
        let mixed = json!({ "audience": { "user_ids": [eve.id, Uuid::now_v7(), eve.id] }, "title": "Psst" });
        assert_eq!(app.post("/notifications", Some(&root), mixed).await.expect(202).json["recipients"], 1);
        assert_eq!(unread(app, &eve.access).await, 1);
    }

    async fn reaches_everybody_once_however_often_it_is_sent(app) {
        let root = admin(app).await;
        // More than a page of the audience.
        let mut people = Vec::new();
        for n in 0..60 {
            people.push(app.person(&format!("P{n}")).await);
        }
        let body = json!({ "audience": { "everyone": true }, "title": "Hear", "client_id": "hear-1" });
        let send = || app.post("/notifications", Some(&root), body.clone());
        let (a, b, c) = tokio::join!(send(), send(), send());
        for answer in [a, b, c] {
            assert_eq!(answer.expect(202).json["recipients"], 61);
        }
        app.eventually("everybody knows", async || {
            let mut known = 0;
            for person in &people {
                known += unread(app, &person.access).await;
            }
            known == 60
        })
        .await;
        send().await.expect(202);
        app.work_done().await;
        for person in &people {
            assert_eq!(unread(app, &person.access).await, 1);
        }
    }

    async fn admins_of_an_organization_tell_its_members(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let org = app.post("/organizations", Some(&ada.access), json!({ "name": "Engines" })).await.expect(201).text("/id");
        let members = format!("/organizations/{org}/members");
        app.post(&members, Some(&ada.access), json!({ "user_id": bob.id })).await.expect(201);
        let body = json!({ "audience": { "org_id": org }, "title": "All hands", "link": "/rooms" });
        app.post("/notifications", Some(&bob.access), body.clone()).await.problem(403, "forbidden");
        app.post("/notifications", Some(&eve.access), body.clone()).await.problem(404, "audience_not_found");
        let nobody = json!({ "audience": { "org_id": Uuid::now_v7() }, "title": "All hands" });
        app.post("/notifications", Some(&ada.access), nobody).await.problem(404, "audience_not_found");
        assert_eq!(app.post("/notifications", Some(&ada.access), body).await.expect(202).json["recipients"], 2);
        app.eventually("Bob knows", async || {
            let page = app.get("/notifications?kind=announcement", Some(&bob.access)).await.expect(200);
            page.json["items"][0]["payload"]["org_id"] == org.as_str()
        })
        .await;
        assert_eq!(unread(app, &eve.access).await, 0);
    }

    async fn organizers_tell_the_people_of_their_meeting(app) {
        let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
        let form = json!({ "title": "Planning", "starts_at": "2090-01-02T09:00:00Z" });
        let meeting = app.post("/meetings", Some(&ada.access), form).await.expect(201).text("/id");
        let invites = json!({ "invites": [{ "user_id": bob.id }] });
        app.post(&format!("/meetings/{meeting}/invites"), Some(&ada.access), invites).await.expect(200);
        let body = json!({ "audience": { "meeting_id": meeting }, "title": "Bring cake" });
        app.post("/notifications", Some(&bob.access), body.clone()).await.problem(403, "forbidden");
        app.post("/notifications", Some(&eve.access), body.clone()).await.problem(404, "audience_not_found");
        assert_eq!(app.post("/notifications", Some(&ada.access), body).await.expect(202).json["recipients"], 2);
        app.eventually("Bob knows", async || {
            let page = app.get("/notifications?kind=announcement", Some(&bob.access)).await.expect(200);
            page.json["items"][0]["payload"]["meeting_id"] == meeting.as_str()
        })
        .await;
        assert_eq!(unread(app, &eve.access).await, 0);
    }

    async fn at_once_tells_once(app) {
        let (root, ada) = (admin(app).await, app.person("Ada").await);
        let body = json!({ "audience": { "user_ids": [ada.id] }, "title": "Once", "client_id": "x" });
        let send = || app.post("/notifications", Some(&root), body.clone());
        let (a, b, c, d) = tokio::join!(send(), send(), send(), send());
        let told: i64 = [a, b, c, d].into_iter().map(|x| x.expect(202).json["recipients"].as_i64().unwrap()).sum();
        assert_eq!((told, unread(app, &ada.access).await), (1, 1));
    }

    async fn blames_each_bad_field(app) {
        let root = admin(app).await;
        let root = Some(root.as_str());
        let path = "/notifications";
        let with = |field: &str, value: serde_json::Value| {
            let mut body = json!({ "audience": { "everyone": true }, "title": "Hear" });
            body[field] = value;
            body
        };
        app.post(path, root, json!({})).await.blames(&["audience", "title"]);
        for title in ["", "   ", "a\u{0}b", "two\nlines", &"x".repeat(81)] {
            app.post(path, root, with("title", json!(title))).await.blames(&["title"]);
        }
        app.post(path, root, with("text", json!("x".repeat(2001)))).await.blames(&["text"]);
        app.post(path, root, with("text", json!("\u{0}"))).await.blames(&["text"]);
        app.post(path, root, with("text", json!(7))).await.blames(&["text"]);
        for link in ["https://evil.example", "//evil.example", "/\\evil.example", "rooms", "/a b", "/\u{0}", ""] {
            app.post(path, root, with("link", json!(link))).await.blames(&["link"]);
        }
        for client_id in ["", "a b", "ü", &"x".repeat(65)] {
            app.post(path, root, with("client_id", json!(client_id))).await.blames(&["client_id"]);
        }
        let many: Vec<_> = (0..51).map(|_| Uuid::now_v7()).collect();
        for audience in [json!({}), json!({ "everyone": false }), json!({ "user_ids": [] }), json!({ "user_ids": many }),
            json!({ "user_ids": [Uuid::nil()], "everyone": true })] {
            app.post(path, root, with("audience", audience)).await.blames(&["audience"]);
        }
        app.post(path, root, with("audience", json!({ "user_ids": ["me"] }))).await.blames(&["audience.user_ids[0]"]);
        app.post(path, root, with("audience", json!({ "friends": true }))).await.expect(422);
    }
}
