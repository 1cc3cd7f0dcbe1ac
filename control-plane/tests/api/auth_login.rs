//! `POST /auth/login` and `/auth/logout`: tokens in the body or in cookies, and their end.

use axum::body::Body;
use http::Request;
use http::uri::Scheme;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, TestApp, both};

async fn browser(app: &TestApp, method: &str, path: &str, cookies: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(format!("/api/v1{path}")).header("host", "meet.test:7880");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if !cookies.is_empty() {
        request = request.header("cookie", cookies);
    }
    app.send(request.body(Body::empty()).unwrap()).await
}

async fn login_with_cookies(app: &TestApp, headers: &[(&str, &str)]) -> Answer {
    let body = json!({ "identifier": "ada@example.org", "password": PASSWORD, "transport": "cookie" });
    let mut request =
        Request::post("/api/v1/auth/login").header("host", "meet.test:7880").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

both! {
    async fn gives_tokens_that_work_until_logout(app) {
        let ada = app.person("Ada").await;
        let body = json!({ "identifier": " ADA@example.org", "password": PASSWORD });
        let answer = app.post("/auth/login", None, body).await.expect(200);
        let (access, refresh) = (answer.text("/access_token"), answer.text("/refresh_token"));
        assert_eq!(app.get("/me", Some(&access)).await.expect(200).text("/id"), ada.id);
        assert_eq!(app.get("/auth/session", Some(&access)).await.expect(200).text("/transport"), "bearer");

        app.post("/auth/logout", Some(&access), Value::Null).await.expect(204);
        app.get("/me", Some(&access)).await.problem(401, "invalid_token");
        let body = json!({ "refresh_token": refresh });
        app.post("/auth/refresh", None, body).await.problem(401, "invalid_refresh_token");
        app.post("/auth/logout", Some(&access), Value::Null).await.expect(204);
        app.get("/me", Some(&ada.access)).await.expect(200);
    }

    async fn says_the_same_for_a_wrong_password_and_an_unknown_address(app) {
        app.person("Ada").await;
        let wrong = json!({ "identifier": "ada@example.org", "password": "not it at all" });
        let unknown = json!({ "identifier": "eve@example.org", "password": "not it at all" });
        let wrong = app.post("/auth/login", None, wrong).await.problem(401, "invalid_credentials");
        let unknown = app.post("/auth/login", None, unknown).await.problem(401, "invalid_credentials");
        assert_eq!(wrong.json, unknown.json);
        app.post("/auth/login", None, json!({ "identifier": "", "password": "" })).await.blames(&["identifier"]);
        app.post("/auth/login", None, json!({ "identifier": "a\u{0}", "password": "x" })).await.blames(&["identifier"]);
    }

    async fn expires_the_access_token(app) {
        let ada = app.person("Ada").await;
        app.clock.advance(std::time::Duration::from_secs(899));
        app.get("/me", Some(&ada.access)).await.expect(200);
        app.clock.advance(std::time::Duration::from_secs(2));
        app.get("/me", Some(&ada.access)).await.problem(401, "invalid_token");
        app.get("/me", None).await.problem(401, "sign_in_required");
        app.get("/me", Some("nonsense")).await.problem(401, "invalid_token");
    }

    async fn keeps_tokens_out_of_the_body_with_cookies(app) {
        app.person("Ada").await;
        let answer = login_with_cookies(app, &[("sec-fetch-site", "same-origin")]).await.expect(200);
        assert!(answer.json.get("access_token").is_none() && answer.json.get("refresh_token").is_none());
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains("Secure"));
        }
        let cookies = answer.cookies();
        browser(app, "GET", "/me", &cookies, &[]).await.expect(200);
        browser(app, "GET", "/me", &cookies, &[("sec-fetch-site", "cross-site")]).await.expect(200);

        let next = browser(app, "POST", "/auth/refresh", &cookies, &[("sec-fetch-site", "same-origin")]).await.expect(204);
        let cookies = next.cookies();
        let out = browser(app, "POST", "/auth/logout", &cookies, &[("sec-fetch-site", "same-origin")]).await.expect(204);
        assert_eq!(out.cookies(), "");
        assert_eq!(out.headers.get_all("set-cookie").iter().count(), 2);
        browser(app, "GET", "/me", &cookies, &[]).await.problem(401, "invalid_token");
        let dead = browser(app, "POST", "/auth/refresh", &cookies, &[]).await.problem(401, "invalid_refresh_token");
        assert_eq!(dead.headers.get_all("set-cookie").iter().count(), 2, "dead cookies are taken away");
    }

    async fn refuses_other_sites_to_use_the_cookies(app) {
        app.person("Ada").await;
        let cross = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")];
        login_with_cookies(app, &cross).await.problem(403, "cross_site_request");
        let cookies = login_with_cookies(app, &[]).await.expect(200).cookies();
        for headers in [&cross[..], &cross[1..], &[("sec-fetch-site", "same-site")]] {
            browser(app, "POST", "/auth/logout", &cookies, headers).await.problem(403, "cross_site_request");
            browser(app, "POST", "/auth/refresh", &cookies, headers).await.problem(403, "cross_site_request");
            browser(app, "DELETE", "/rooms/bcdfghjklm", &cookies, headers).await.problem(403, "cross_site_request");
        }
        let own = [("origin", "http://meet.test:7880")];
        browser(app, "POST", "/auth/logout", &cookies, &own).await.expect(204);
    }

    async fn marks_cookies_secure_on_https(app) {
        app.person("Ada").await;
        let body = json!({ "identifier": "ada@example.org", "password": PASSWORD, "transport": "cookie" });
        let mut request = Request::post("/api/v1/auth/login")
            .header("host", "meet.test")
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        request.extensions_mut().insert(Scheme::HTTPS);
        let answer = app.send(request).await.expect(200);
        for cookie in answer.headers.get_all("set-cookie") {
            assert!(cookie.to_str().unwrap().contains("; Secure"), "{cookie:?}");
        }
    }
}
