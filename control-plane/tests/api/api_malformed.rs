//! Requests that are wrong on their face: each gets the right status and a problem document.

use axum::body::Body;
use http::Request;

use crate::support::both;

both! {
    async fn requests_are_refused_with_the_right_status(app) {
        let post = |content_type: &str, body: Vec<u8>| {
            let mut request = Request::post("/api/v1/auth/login").header("host", "meet.test");
            if !content_type.is_empty() {
                request = request.header("content-type", content_type);
            }
            app.send(request.body(Body::from(body)).unwrap())
        };
        let good = br#"{"identifier":"a","password":"b"}"#.to_vec();
        post("application/json; charset=utf-8", good.clone()).await.problem(401, "invalid_credentials");
        post("", good.clone()).await.problem(415, "unsupported_media_type");
        post("text/plain", good.clone()).await.problem(415, "unsupported_media_type");
        post("application/x-www-form-urlencoded", good).await.problem(415, "unsupported_media_type");
        for broken in [&b"{"[..], b"", b"{\"identifier\":\"a\"", b"\xff\xfe", b"{} {}", b"nonsense"] {
            let status = post("application/json", broken.to_vec()).await.status.as_u16();
            assert!(matches!(status, 400 | 422), "{broken:?} {status}");
        }
        post("application/json", vec![b' '; 70_000]).await.problem(413, "body_too_large");
        let deep = |n: usize| format!("{{\"identifier\":{}", "[".repeat(n)).into_bytes();
        post("application/json", deep(10_000)).await.problem(400, "malformed_json");
        for whole in ["[]", "null", "5", "[\"ada\",\"secret\"]"] {
            post("application/json", whole.into()).await.blames(&["body"]);
        }
    }

    async fn unknown_paths_and_methods_are_named(app) {
        app.get("/nothing/here", None).await.problem(404, "not_found");
        app.delete("/config", None).await.problem(405, "method_not_allowed");
        let answer = app.send(Request::get("/api/v2/rooms").body(Body::empty()).unwrap()).await;
        answer.problem(404, "not_found");
        let answer = app.send(Request::get("/internal/secrets").body(Body::empty()).unwrap()).await;
        answer.problem(404, "not_found");
    }
}
