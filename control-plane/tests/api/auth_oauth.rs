//! `/auth/oauth/{provider}`: start, callback and token, against a provider that speaks real HTTP.

use axum::body::Body;
use http::Request;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use url::Url;

use crate::support::{Answer, Idp, Mischief, PASSWORD, TENANT, TestApp, both};

const VERIFIER: &str = "a-code-verifier-of-forty-three-letters-or-more";
const APP: &str = "https://app.example.org/back";

async fn browser(app: &TestApp, path: &str, cookies: &str) -> Answer {
    let mut request = Request::get(format!("/api/v1{path}")).header("host", "meet.test");
    if !cookies.is_empty() {
        request = request.header("cookie", cookies);
    }
    app.send(request.body(Body::empty()).unwrap()).await
}

fn location(answer: &Answer) -> Url {
    Url::parse(answer.headers["location"].to_str().unwrap()).unwrap()
}

/// Goes to the provider and comes back: path and query of the callback, and the cookies to bring.
async fn there_and_back(app: &TestApp, provider: &str, query: &str) -> (String, String) {
    let started = browser(app, &format!("/auth/oauth/{provider}/start{query}"), "").await.expect(302);
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = client.get(location(&started)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 303, "{}", location(&started));
    let back = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    assert_eq!((back.scheme(), back.host_str()), ("http", Some("meet.test")));
    let path = format!("{}?{}", back.path().strip_prefix("/api/v1").unwrap(), back.query().unwrap());
    (path, started.cookies())
}

/// What an app does: a code from the provider, brought here.
async fn token(app: &TestApp, provider: &str) -> Answer {
    let code = app.idp().code(provider, VERIFIER, APP, None);
    bring(app, provider, json!({ "code": code })).await
}

async fn bring(app: &TestApp, provider: &str, more: Value) -> Answer {
    let mut body = json!({ "code": "x", "code_verifier": VERIFIER, "redirect_uri": APP });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    app.post(&format!("/auth/oauth/{provider}/token"), None, body).await
}

fn ada() -> Value {
    json!({ "email": "Ada@example.org", "email_verified": true, "name": "Ada Lovelace", "locale": "en-GB" })
}

both! {
    async fn a_browser_signs_in_and_ends_where_it_began(app, |config| Idp::serve(config)) {
        app.idp().is(ada());
        assert_eq!(app.get("/config", None).await.json["oauth_providers"], json!(["google", "microsoft"]));
        let (path, cookies) = there_and_back(app, "google", "?return_to=/rooms%3Fx=1").await;
        assert!(!path.contains("verifier"));
        let answer = browser(app, &path, &cookies).await.expect(303);
        assert_eq!(answer.headers["location"], "/rooms?x=1");
        let me = browser(app, "/me", &answer.cookies()).await.expect(200);
        assert_eq!((me.text("/email"), me.text("/display_name")), ("ada@example.org".into(), "Ada Lovelace".into()));
        assert_eq!(me.text("/locale"), "en-GB");
        assert!(me.json["email_verified_at"].is_string());
        // The state is used up, and so is the code.
        assert!(!answer.cookies().contains("plenum_oauth"));
        browser(app, &path, &cookies).await.problem(401, "provider_token_refused");
        let (path, cookies) = there_and_back(app, "google", "").await;
        let again = browser(app, &path, &cookies).await.expect(303);
        assert_eq!(again.headers["location"], "/");
        assert_eq!(browser(app, "/me", &again.cookies()).await.text("/id"), me.text("/id"));
    }

    async fn a_state_is_for_the_browser_that_began(app, |config| Idp::serve(config)) {
        app.idp().is(ada());
        let (path, cookies) = there_and_back(app, "google", "").await;
        let (other, others) = there_and_back(app, "google", "").await;
        for (path, cookies) in [
            (path.as_str(), ""),
            (&path, others.as_str()),
            (&other, &cookies),
            (&path.replace("state=", "state=x"), &cookies),
            ("/auth/oauth/google/callback?code=x", &cookies),
            (&path.replace("google", "microsoft"), &cookies),
            (&path, &cookies.replace("plenum_oauth=", "plenum_oauth=e")),
        ] {
            browser(app, path, cookies).await.problem(400, "oauth_state_mismatch");
        }
        let denied = path.replace("code=", "error=access_denied&was=");
        browser(app, &denied, &cookies).await.problem(400, "oauth_denied");
        app.clock.advance(std::time::Duration::from_secs(601));
        browser(app, &path, &cookies).await.problem(400, "oauth_state_mismatch");
        for away in ["//evil.example", "https://evil.example", "/%5Cevil.example", "rooms"] {
            browser(app, &format!("/auth/oauth/google/start?return_to={away}"), "").await.blames(&["return_to"]);
        }
    }

    async fn an_app_signs_in_by_a_code(app, |config| Idp::serve(config)) {
        app.idp().is(ada());
        let session = token(app, "google").await.expect(200);
        assert_eq!(session.text("/user/email"), "ada@example.org");
        app.get("/me", Some(&session.text("/access_token"))).await.expect(200);
        let code = app.idp().code("google", VERIFIER, APP, Some("n-1"));
        bring(app, "google", json!({ "code": code, "nonce": "n-1" })).await.expect(200);
        let code = app.idp().code("google", VERIFIER, APP, Some("n-1"));
        bring(app, "google", json!({ "code": code, "nonce": "n-2" })).await.problem(401, "provider_token_refused");
        let other = "another-code-verifier-of-forty-three-letters-or-so";
        let code = app.idp().code("google", VERIFIER, APP, None);
        bring(app, "google", json!({ "code": code, "code_verifier": other })).await.problem(401, "provider_token_refused");
        let code = app.idp().code("google", VERIFIER, APP, None);
        let elsewhere = json!({ "code": code, "redirect_uri": "https://evil.example/" });
        bring(app, "google", elsewhere).await.problem(401, "provider_token_refused");
        bring(app, "google", json!({ "code": "never" })).await.problem(401, "provider_token_refused");
        app.post("/auth/oauth/google/token", None, json!({ "id_token": app.idp().forged("a@b.example") })).await
            .blames(&["code", "code_verifier", "redirect_uri"]);
        bring(app, "google", json!({ "code_verifier": "short", "redirect_uri": "nowhere" })).await
            .blames(&["code_verifier", "redirect_uri"]);
        bring(app, "github", json!({})).await.problem(404, "provider_not_configured");
    }

    async fn signatures_of_both_kinds_hold_and_no_others(app, |config| Idp::serve(config)) {
        app.idp().is(ada());
        app.idp().misbehave(Mischief { algorithm: Some(Algorithm::ES256), ..Mischief::default() });
        token(app, "google").await.expect(200);
        let with = |mischief: Mischief| async move {
            app.idp().misbehave(mischief);
            token(app, "google").await.problem(401, "provider_token_refused");
        };
        for algorithm in [Algorithm::HS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
            with(Mischief { algorithm: Some(algorithm), ..Mischief::default() }).await;
        }
        with(Mischief { kid: Some("ec".into()), ..Mischief::default() }).await;
        with(Mischief { kid: Some("stranger".into()), ..Mischief::default() }).await;
        with(Mischief { token: Some(app.idp().forged("ada@example.org")), ..Mischief::default() }).await;
        with(Mischief { token: Some(app.idp().unsigned("ada@example.org")), ..Mischief::default() }).await;
        with(Mischief { token: Some("nonsense".into()), ..Mischief::default() }).await;
        with(Mischief { no_token: true, ..Mischief::default() }).await;
    }

    async fn claims_have_to_be_for_us_and_in_time(app, |config| Idp::serve(config)) {
        app.idp().is(ada());
        let now = jsonwebtoken::get_current_timestamp();
        for claims in [
            json!({ "iss": "https://accounts.google.com" }),
            json!({ "iss": null }),
            json!({ "aud": "another-client" }),
            json!({ "aud": ["another-client"] }),
            json!({ "aud": null }),
            json!({ "aud": ["plenum-client", "another-client"] }),
            json!({ "aud": ["plenum-client", "another-client"], "azp": "another-client" }),
            json!({ "azp": "another-client" }),
            json!({ "exp": now - 120 }),
            json!({ "exp": null }),
            json!({ "nbf": now + 600 }),
            json!({ "sub": null }),
            json!({ "sub": "" }),
            json!({ "sub": "a\u{0}b" }),
            json!({ "sub": "x".repeat(256) }),
        ] {
            app.idp().misbehave(Mischief { claims: claims.clone(), ..Mischief::default() });
            let answer = token(app, "google").await;
            assert_eq!(answer.status.as_u16(), 401, "{claims}: {}", answer.json);
        }
        app.idp().misbehave(Mischief { claims: json!({ "nonce": "another" }), ..Mischief::default() });
        let (path, cookies) = there_and_back(app, "google", "").await;
        browser(app, &path, &cookies).await.problem(401, "provider_token_refused");
        for claims in [json!({ "exp": now - 30 }), json!({ "aud": ["plenum-client", "x"], "azp": "plenum-client" })] {
            app.idp().misbehave(Mischief { claims, ..Mischief::default() });
            token(app, "google").await.expect(200);
        }
    }

    async fn microsofts_issuer_is_its_tenants(app, |config| Idp::serve(config)) {
        let person = json!({ "email": "ada@example.org", "xms_edov": true, "name": "Ada", "sub": "pairwise-1" });
        app.idp().is(person);
        let (path, cookies) = there_and_back(app, "microsoft", "").await;
        let answer = browser(app, &path, &cookies).await.expect(303);
        let id = browser(app, "/me", &answer.cookies()).await.text("/id");
        // The same person of the same tenant, whatever the subject of this app is.
        app.idp().misbehave(Mischief { claims: json!({ "sub": "pairwise-2", "email": "new@example.org" }), ..Mischief::default() });
        assert_eq!(token(app, "microsoft").await.expect(200).text("/user/id"), id);
        let other = "99999999-7d0a-4b7e-9f0a-3f6c2a6b1c11";
        for claims in [
            json!({ "tid": other }),
            json!({ "tid": null }),
            json!({ "tid": "common" }),
            json!({ "oid": null }),
            json!({ "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0") }),
        ] {
            app.idp().misbehave(Mischief { claims: claims.clone(), ..Mischief::default() });
            let answer = token(app, "microsoft").await;
            assert_eq!(answer.status.as_u16(), 401, "{claims}: {}", answer.json);
        }
    }

    async fn an_address_links_only_when_verified(app, |config| Idp::serve(config)) {
        let squatter = app.person("Ada").await;
        let mut person = ada();
        person["email_verified"] = json!(false);
        app.idp().is(person.clone());
        token(app, "google").await.problem(409, "email_taken");
        app.idp().is(json!({ "email": "ada@example.org", "name": "Ada" }));
        token(app, "microsoft").await.problem(409, "email_taken");
        app.get("/me", Some(&squatter.access)).await.expect(200);

        // Whoever registered the address never proved to own it.
        person["email_verified"] = json!(true);
        app.idp().is(person);
        let owner = token(app, "google").await.expect(200);
        assert_eq!(owner.text("/user/id"), squatter.id);
        app.get("/me", Some(&squatter.access)).await.problem(401, "invalid_token");
        let body = json!({ "identifier": "ada@example.org", "password": PASSWORD });
        app.post("/auth/login", None, body).await.problem(401, "invalid_credentials");

        // A verified account keeps its password and its sessions.
        let access = owner.text("/access_token");
        let body = json!({ "new_password": PASSWORD });
        app.call(http::Method::PUT, "/me/password", Some(&access), Some(body)).await.expect(204);
        app.idp().is(json!({ "email": "ada@example.org", "xms_edov": "1", "name": "Ada" }));
        assert_eq!(token(app, "microsoft").await.expect(200).text("/user/id"), squatter.id);
        app.get("/me", Some(&access)).await.expect(200);
        let body = json!({ "identifier": "ada@example.org", "password": PASSWORD });
        app.post("/auth/login", None, body).await.expect(200);
    }

    async fn an_account_needs_an_address_and_gets_a_decent_name(app, |config| Idp::serve(config)) {
        for person in [json!({}), json!({ "email": "nobody" }), json!({ "email": "a\u{0}@b.example" })] {
            app.idp().is(person);
            token(app, "google").await.problem(422, "email_missing");
        }
        app.idp().is(json!({ "email": "eve@example.org", "name": "E\u{202e}ve", "locale": "??" }));
        let eve = token(app, "google").await.expect(200);
        assert_eq!((eve.text("/user/display_name"), eve.text("/user/locale")), ("eve".into(), "en".into()));
        assert!(eve.json["user"]["email_verified_at"].is_null());
    }

    async fn at_once_makes_one_account(app, |config| Idp::serve(config)) {
        app.idp().is(ada());
        let all = futures_util::future::join_all((0..6).map(|_| token(app, "google"))).await;
        let mut ids: Vec<String> = all.into_iter().map(|answer| answer.expect(200).text("/user/id")).collect();
        ids.dedup();
        assert_eq!(ids.len(), 1);
    }

    async fn closed_registration_makes_no_account(app, |config| {
        Idp::serve(config);
        config.registration = control_plane::Registration::Closed;
    }) {
        app.idp().is(ada());
        token(app, "google").await.problem(403, "registration_closed");
    }

    async fn a_provider_that_is_away_is_no_defect_of_ours(app, |config| Idp::serve(config)) {
        app.idp().is(ada());
        app.idp().misbehave(Mischief { status: Some(500), ..Mischief::default() });
        browser(app, "/auth/oauth/google/start", "").await.problem(502, "provider_unavailable");
        browser(app, "/auth/oauth/google/start", "").await.problem(502, "provider_unavailable");
        assert_eq!(app.idp().asked.lock().unwrap().len(), 1, "it is left alone for a moment");
    }

    async fn new_keys_are_found_and_known_ones_kept(app, |config| Idp::serve(config)) {
        app.idp().is(ada());
        for _ in 0..3 {
            token(app, "google").await.expect(200);
        }
        let asked = |path: &str| app.idp().asked.lock().unwrap().iter().filter(|found| *found == path).count();
        assert_eq!((asked("discovery"), asked("jwks"), asked("token")), (1, 1, 3));
        app.idp().misbehave(Mischief { kid: Some("unknown-1".into()), ..Mischief::default() });
        for _ in 0..5 {
            token(app, "google").await.problem(401, "provider_token_refused");
        }
        assert!(asked("jwks") <= 2, "unknown keys are asked for seldom: {}", asked("jwks"));
    }

    async fn is_off_without_settings(app) {
        browser(app, "/auth/oauth/google/start", "").await.problem(404, "provider_not_configured");
        bring(app, "microsoft", json!({})).await.problem(404, "provider_not_configured");
        browser(app, "/auth/oauth/google/callback?code=x&state=y", "").await.problem(404, "provider_not_configured");
        assert_eq!(app.get("/config", None).await.json["oauth_providers"], json!([]));
    }
}
