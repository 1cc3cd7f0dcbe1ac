//! Rate limits, and the headers every answer carries.

use serde_json::json;

use crate::support::{PASSWORD, both};

both! {
    async fn slow_down_who_guesses_passwords(app, |config| config.rate_limits.auth_per_minute = 3) {
        let body = json!({ "identifier": "ada@example.org", "password": PASSWORD });
        for _ in 0..3 {
            app.post("/auth/login", None, body.clone()).await.problem(401, "invalid_credentials");
        }
        let refused = app.post("/auth/login", None, body).await.problem(429, "rate_limited");
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait));
        assert_eq!(refused.json["retry_after_s"], wait);
    }

    async fn count_sessions_apart_from_their_address(app, |config| {
        config.rate_limits.address_per_minute = 5;
        config.rate_limits.session_per_minute = 3;
    }) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        for left in [2, 1, 0] {
            let answer = app.get("/me", Some(&ada.access)).await.expect(200);
            assert!(answer.headers["ratelimit"].to_str().unwrap().contains(&format!("\"session\";r={left};")));
            assert_eq!(answer.headers["ratelimit-policy"], "\"session\";q=3;w=60");
        }
        let refused = app.get("/me", Some(&ada.access)).await.problem(429, "rate_limited");
        assert!(refused.headers["ratelimit"].to_str().unwrap().starts_with("\"session\";r=0;t="));
        assert!(refused.headers.contains_key("retry-after"));
        app.get("/me", Some(&eve.access)).await.expect(200);
        // Two registrations and these: tokens that open nothing count for the address.
        for _ in 0..3 {
            app.get("/me", Some("pa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")).await.problem(401, "invalid_token");
        }
        app.get("/config", None).await.problem(429, "rate_limited");
    }

    async fn come_with_safe_headers(app) {
        let answer = app.get("/config", None).await.expect(200);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("access-control-allow-origin", "*"),
        ] {
            assert_eq!(answer.headers[name], value, "{name}");
        }
        assert!(answer.headers.get("access-control-allow-credentials").is_none());
        assert_eq!(answer.headers["x-request-id"].len(), 32);
        assert!(answer.headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    }

    async fn say_on_every_answer_how_many_are_left(app) {
        let ada = app.person("Ada").await;
        let room = app.room(&ada, "public").await.text("/id");
        for (path, token, status) in [
            ("/config".to_owned(), None, 200),
            ("/me".to_owned(), None, 401),
            ("/me".to_owned(), Some("pa_x"), 401),
            ("/nothing/here".to_owned(), None, 404),
            ("/nothing/here".to_owned(), Some(ada.access.as_str()), 404),
            (format!("/rooms/{room}"), Some(ada.access.as_str()), 200),
            ("/rooms?limit=0".to_owned(), Some(ada.access.as_str()), 422),
            ("/events".to_owned(), Some(ada.access.as_str()), 426),
        ] {
            let answer = app.get(&path, token).await.expect(status);
            let bucket = if token.is_some_and(|token| token == ada.access) { "\"session\"" } else { "\"address\"" };
            assert!(answer.headers["ratelimit"].to_str().unwrap().starts_with(bucket), "{path}");
            assert!(answer.headers["ratelimit-policy"].to_str().unwrap().ends_with(";w=60"), "{path}");
        }
        app.post("/auth/login", None, json!({})).await.expect(422).headers.get("ratelimit").expect("also here");
        let request = http::Request::put("/api/v1/rooms").body(axum::body::Body::empty()).unwrap();
        app.send(request).await.problem(405, "method_not_allowed").headers.get("ratelimit").expect("also here");
    }
}
