//! `ETag` and `If-Match`: whoever changes what somebody else changed meanwhile is told so.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, TestApp, both, meeting, talk};

/// Sends a change of what the client knows as `tag`.
async fn known(app: &TestApp, method: Method, path: &str, token: &str, tag: &str, body: &Value) -> Answer {
    let request = Request::builder().method(method).uri(format!("/api/v1{path}")).header("host", "meet.test");
    let request = request.header("authorization", format!("Bearer {token}")).header("if-match", tag);
    let request = request.header("content-type", "application/json");
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

/// The tag of what is at `path` now.
async fn tag(app: &TestApp, path: &str, token: &str) -> String {
    app.get(path, Some(token)).await.expect(200).headers["etag"].to_str().unwrap().to_owned()
}

/// What has versions, each with the field that is changed.
async fn things(app: &TestApp, token: &str) -> Vec<(String, &'static str)> {
    let make = async |path: &str, body: Value| app.post(path, Some(token), body).await.expect(201).text("/id");
    let org = make("/organizations", json!({ "name": "Org" })).await;
    let channel = make(&format!("/organizations/{org}/channels"), json!({ "name": "general" })).await;
    let room = make("/rooms", json!({ "name": "Room" })).await;
    vec![
        (format!("/rooms/{room}"), "name"),
        (format!("/channels/{channel}"), "name"),
        (format!("/organizations/{org}"), "name"),
        ("/me".to_owned(), "display_name"),
    ]
}

both! {
    async fn a_change_of_what_is_known_goes_through_once(app) {
        let ada = app.person("Ada").await;
        let mut things = things(app, &ada.access).await;
        let meeting = meeting::meeting(app, &ada, 60, json!({})).await.text("/id");
        things.insert(0, (format!("/meetings/{meeting}"), "title"));
        for (path, field) in things {
            let change = |text: &str| json!({ field: text });
            let patch = async |tag: &str, text: &str| {
                known(app, Method::PATCH, &path, &ada.access, tag, &change(text)).await
            };
            let first = tag(app, &path, &ada.access).await;
            let changed = patch(&first, "one").await.expect(200);
            let second = changed.headers["etag"].to_str().unwrap().to_owned();
            assert_ne!(first, second, "{path}");
            assert_eq!(tag(app, &path, &ada.access).await, second, "{path}");
            for stale in [first.as_str(), "", "nonsense", "W/\"1\""] {
                patch(stale, "two").await.problem(412, "stale");
            }
            assert_eq!(app.get(&path, Some(&ada.access)).await.text(&format!("/{field}")), "one");
            patch("*", "three").await.expect(200);
            app.patch(&path, Some(&ada.access), change("four")).await.expect(200);
            // Of those who know the same version, one is first.
            let known_to_all = tag(app, &path, &ada.access).await;
            let texts: Vec<String> = (0..6).map(|n| format!("at once {n}")).collect();
            let answers = futures_util::future::join_all(texts.iter().map(|text| patch(&known_to_all, text))).await;
            let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 412, 412, 412, 412, 412], "{path}");
            let fresh = tag(app, &path, &ada.access).await;
            let proof = if path == "/me" { json!({ "current_password": PASSWORD }) } else { json!({}) };
            known(app, Method::DELETE, &path, &ada.access, &first, &proof).await.problem(412, "stale");
            let code = app.get(&path, Some(&ada.access)).await.status.as_u16();
            assert_eq!(code, 200);
            if path != "/me" {
                known(app, Method::DELETE, &path, &ada.access, &fresh, &json!({})).await.expect(204);
            }
        }
    }

    async fn a_version_gives_nothing_away(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let org = talk::organization(app, &ada, "Org").await;
        let path = format!("/organizations/{}", org.text("/id"));
        let tag = tag(app, &path, &ada.access).await;
        for known_as in [tag.as_str(), "\"0\""] {
            let body = json!({ "name": "Mine" });
            let refused = known(app, Method::PATCH, &path, &eve.access, known_as, &body).await;
            refused.problem(404, "organization_not_found");
        }
        talk::member(app, &ada, &org, &eve, "member").await;
        known(app, Method::PATCH, &path, &eve.access, "\"0\"", &json!({ "name": "Mine" })).await.problem(403, "forbidden");
    }

    async fn accounts_and_parts_of_a_series_have_them_too(app) {
        let root = talk::platform_admin(app).await;
        let ada = app.person("Ada").await;
        let path = format!("/users/{}", ada.id);
        let (first, body) = (tag(app, &path, &root).await, json!({ "display_name": "Ada L." }));
        let second = known(app, Method::PATCH, &path, &root, &first, &body).await.expect(200);
        assert_eq!(second.headers["etag"].to_str().unwrap(), tag(app, &path, &root).await);
        known(app, Method::PATCH, &path, &root, &first, &json!({ "display_name": "Eve" })).await.problem(412, "stale");
        assert_eq!(app.get(&path, Some(&root)).await.text("/display_name"), "Ada L.");

        let series = meeting::meeting(app, &ada, 60, json!({ "rrule": "FREQ=DAILY;COUNT=3" })).await.text("/id");
        let path = format!("/meetings/{series}");
        let times = meeting::occurrences(app, &ada, &series).await;
        let one = |n: usize| format!("{path}/occurrences/{}", times[n]["original_start_at"].as_str().unwrap());
        let known_to_all = tag(app, &path, &ada.access).await;
        let change = async |n: usize, scope: &str| {
            let body = json!({ "title": "Moved", "scope": scope });
            known(app, Method::PATCH, &one(n), &ada.access, &known_to_all, &body).await
        };
        change(0, "this").await.expect(200);
        change(1, "this").await.problem(412, "stale");
        change(1, "this_and_following").await.problem(412, "stale");
        app.patch(&one(1), Some(&ada.access), json!({ "title": "Moved" })).await.expect(200);
    }

    async fn the_document_tells_of_versions(app) {
        let document = app.get("/openapi.json", None).await.expect(200);
        for path in ["rooms~1{room}", "meetings~1{meeting_id}", "organizations~1{org_id}", "channels~1{channel_id}", "me", "users~1{user_id}"] {
            let at = format!("/paths/~1api~1v1~1{path}");
            assert!(document.json.pointer(&format!("{at}/get/responses/200/headers/ETag")).is_some(), "{path}");
            let parameters = document.json.pointer(&format!("{at}/patch/parameters")).unwrap().to_string();
            assert!(parameters.contains("If-Match"), "{path}: {parameters}");
        }
    }
}
