//! `/organizations`: made, seen, changed and deleted by who may.

use http::Method;
use serde_json::json;

use crate::support::{both, talk};

both! {
    async fn are_made_with_a_slug(app) {
        let ada = app.person("Ada").await;
        let first = talk::organization(app, &ada, "Ada & Friends").await;
        assert_eq!((first.text("/slug"), first.text("/role"), &first.json["members"]), ("ada-friends".into(), "owner".into(), &json!(1)));
        let second = talk::organization(app, &ada, "Ada & Friends").await;
        assert!(second.text("/slug").starts_with("ada-friends-"), "{}", second.json);
        let taken = json!({ "name": "Other", "slug": "ada-friends" });
        app.post("/organizations", Some(&ada.access), taken).await.problem(409, "slug_taken");
        for name in [first.text("/id"), first.text("/slug")] {
            assert_eq!(app.get(&format!("/organizations/{name}"), Some(&ada.access)).await.expect(200).json, first.json);
        }
        app.post("/organizations", None, json!({ "name": "X" })).await.problem(401, "sign_in_required");
        let bad = json!({ "name": "", "slug": "A b", "description": "\0" });
        app.post("/organizations", Some(&ada.access), bad).await.blames(&["description", "name", "slug"]);
        app.post("/organizations", Some(&ada.access), json!({ "name": 1 })).await.blames(&["name"]);
    }

    async fn parallel_twins_of_a_slug_are_one(app) {
        let ada = app.person("Ada").await;
        let body = json!({ "name": "Twins", "slug": "twins" });
        let made = (0..8).map(|_| app.post("/organizations", Some(&ada.access), body.clone()));
        let mut statuses: Vec<_> =
            futures_util::future::join_all(made).await.iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
    }

    async fn are_listed_by_pages(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        talk::organization(app, &eve, "Hers").await;
        for n in 0..3 {
            talk::organization(app, &ada, &format!("Org {n}")).await;
        }
        let names = |page: &crate::support::Answer| -> Vec<String> {
            page.json["items"].as_array().unwrap().iter().map(|org| org["name"].as_str().unwrap().to_owned()).collect()
        };
        let first = app.get("/organizations?limit=2", Some(&ada.access)).await.expect(200);
        assert_eq!(names(&first), ["Org 2", "Org 1"]);
        let path = format!("/organizations?limit=2&cursor={}", first.text("/next_cursor"));
        assert_eq!(names(&app.get(&path, Some(&ada.access)).await), ["Org 0"]);
        assert_eq!(names(&app.get("/organizations?q=ORG%201", Some(&ada.access)).await), ["Org 1"]);
        assert_eq!(talk::statements(app, &ada.access, "/organizations").await, 2);
        app.get("/organizations", None).await.problem(401, "sign_in_required");
        app.get("/organizations?limit=0&q=%00", Some(&ada.access)).await.blames(&["limit", "q"]);
    }

    async fn are_secret_to_strangers_and_changed_by_admins(app) {
        let (ada, bob, vi, eve) =
            (app.person("Ada").await, app.person("Bob").await, app.person("Vi").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Secret").await;
        let path = format!("/organizations/{}", org.text("/id"));
        talk::member(app, &ada, &org, &bob, "admin").await;
        talk::member(app, &ada, &org, &vi, "viewer").await;
        for method in [Method::GET, Method::PATCH, Method::PUT, Method::DELETE] {
            let body = (method != Method::GET).then(|| json!({}));
            app.call(method.clone(), &path, Some(&eve.access), body.clone()).await.problem(404, "organization_not_found");
            app.call(method, &path, None, body).await.problem(401, "sign_in_required");
        }
        app.get(&format!("/organizations/{}", org.text("/slug")), Some(&eve.access)).await.problem(404, "organization_not_found");
        app.get("/organizations/%00", Some(&eve.access)).await.problem(404, "organization_not_found");
        app.get(&path, Some(&vi.access)).await.expect(200);
        app.patch(&path, Some(&vi.access), json!({ "name": "Mine" })).await.problem(403, "forbidden");
        app.delete(&path, Some(&bob.access)).await.problem(403, "forbidden");
        let change = json!({ "name": "Known", "slug": "known", "settings": { "a": [1] } });
        let changed = app.patch(&path, Some(&bob.access), change).await.expect(200);
        assert_eq!((changed.text("/slug"), &changed.json["settings"]), ("known".into(), &json!({ "a": [1] })));
        let put = app.call(Method::PUT, &path, Some(&ada.access), Some(json!({ "description": "Ours" }))).await.expect(200);
        assert_eq!((put.text("/description"), put.text("/name")), ("Ours".into(), "Known".into()));
        talk::organization(app, &eve, "Taken").await;
        app.patch(&path, Some(&ada.access), json!({ "slug": "taken" })).await.problem(409, "slug_taken");
        app.patch(&path, Some(&ada.access), json!({ "settings": { "x": "\0" } })).await.blames(&["settings"]);
        app.patch(&path, Some(&ada.access), json!({ "settings": { "x": "x".repeat(9_000) } })).await.blames(&["settings"]);
        let root = talk::platform_admin(app).await;
        app.get(&path, Some(&root)).await.expect(200);
        app.delete(&path, Some(&ada.access)).await.expect(204);
        app.get(&path, Some(&ada.access)).await.problem(404, "organization_not_found");
        app.delete(&path, Some(&ada.access)).await.problem(404, "organization_not_found");
        assert_eq!(app.get("/organizations", Some(&ada.access)).await.json["items"], json!([]));
        // The slug is free again.
        app.post("/organizations", Some(&eve.access), json!({ "name": "New", "slug": "known" })).await.expect(201);
    }
}
