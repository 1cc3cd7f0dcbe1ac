//! The API describes itself, and the documentation needs nobody else's servers.

use axum::body::Body;
use http::Request;

use crate::support::both;

both! {
    async fn is_served_as_openapi(app) {
        let document = app.get("/openapi.json", None).await.expect(200);
        assert!(document.text("/openapi").starts_with("3.1"));
        assert_eq!(document.headers["content-type"], "application/json");
        let join = document.json.pointer("/paths/~1api~1v1~1rooms~1{room}~1join/post/responses/200");
        assert!(join.is_some(), "{}", document.json["paths"]);
        let tags: Vec<_> = document.json["tags"].as_array().unwrap().iter().map(|tag| tag["name"].to_string()).collect();
        let distinct: std::collections::BTreeSet<_> = tags.iter().collect();
        assert_eq!(distinct.len(), tags.len(), "{tags:?}");
        for (path, item) in document.json["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                for (status, response) in operation["responses"].as_object().into_iter().flatten() {
                    let named = response["$ref"].is_string() || response["description"].as_str().is_some_and(|text| !text.is_empty());
                    assert!(named && status.parse::<u16>().is_ok(), "{method} {path} {status}: {response}");
                }
            }
        }
    }

    async fn is_shown_from_our_own_assets(app) {
        let page = |path: &str| Request::get(path).body(Body::empty()).unwrap();
        let ui = app.send(page("/api/docs/")).await.expect(200);
        let html = ui.json.as_str().unwrap().to_owned();
        assert!(html.contains("swagger-ui") && !html.contains("https://"), "{html}");
        app.send(page("/api/docs/swagger-ui.css")).await.expect(200);
        let initializer = app.send(page("/api/docs/swagger-initializer.js")).await.expect(200);
        assert!(initializer.json.as_str().unwrap().contains("/api/v1/openapi.json"));
        let moved = app.send(page("/api/v1/docs")).await.expect(308);
        assert_eq!(moved.headers["location"], "/api/docs/");
        let redoc = app.send(page("/api/v1/redoc")).await.expect(200);
        let html = redoc.json.as_str().unwrap().to_owned();
        assert!(html.contains("/api/v1/openapi.json") && !html.contains("https://"), "{html}");
        assert!(redoc.headers["content-security-policy"].to_str().unwrap().contains("script-src 'self';"));
    }
}
