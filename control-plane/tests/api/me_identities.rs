//! `/me/identities`: providers are linked and unlinked by who is signed in; what goes wrong in a browser is told on a page.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use url::Url;

use crate::support::{Answer, Idp, MailSink, PASSWORD, TestApp, both};

const VERIFIER: &str = "a-code-verifier-of-forty-three-letters-or-more";
const APP: &str = "https://app.example.org/back";
const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// As a browser: cookies, and pages wanted.
async fn browse(app: &TestApp, method: &str, path: &str, cookies: &str, body: Option<Value>) -> Answer {
    let mut request = Request::builder().method(method).uri(format!("/api/v1{path}")).header("host", "meet.test");
    request = request.header("cookie", cookies).header("sec-fetch-site", "same-origin").header("accept", HTML);
    let body = match body {
        Some(body) => {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        }
        None => Body::empty(),
    };
    app.send(request.body(body).unwrap()).await
}

/// Goes to a provider's page and comes back: path and query of the callback.
async fn visit(url: &str) -> String {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = client.get(url).send().await.unwrap();
    let back = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    format!("{}?{}", back.path().strip_prefix("/api/v1").unwrap(), back.query().unwrap())
}

/// Links a provider as an app does.
async fn bring(app: &TestApp, token: &str, provider: &str) -> Answer {
    let code = app.idp().code(provider, VERIFIER, APP, None);
    let body = json!({ "code": code, "code_verifier": VERIFIER, "redirect_uri": APP });
    app.post(&format!("/me/identities/{provider}"), Some(token), body).await
}

/// Signs in as an app does.
async fn enter(app: &TestApp, provider: &str) -> Answer {
    let code = app.idp().code(provider, VERIFIER, APP, None);
    let body = json!({ "code": code, "code_verifier": VERIFIER, "redirect_uri": APP });
    app.post(&format!("/auth/oauth/{provider}/token"), None, body).await
}

async fn linked(app: &TestApp, token: &str) -> Vec<String> {
    let list = app.get("/me/identities", Some(token)).await.expect(200);
    list.json["items"].as_array().unwrap().iter().map(|item| item["provider"].as_str().unwrap().to_owned()).collect()
}

fn somebody(subject: &str, email: &str) -> Value {
    json!({ "sub": subject, "email": email, "email_verified": true, "name": "Some Body" })
}

both! {
    async fn an_app_links_and_unlinks(app, |config| Idp::serve(config)) {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        let list = app.get("/me/identities", Some(&ada.access)).await.expect(200);
        assert_eq!(list.json, json!({ "items": [], "has_password": true, "code_by_mail": false }));
        app.idp().is(somebody("one", "elsewhere@example.net"));
        let answer = bring(app, &ada.access, "google").await.expect(200);
        assert_eq!((answer.text("/provider"), answer.text("/email")), ("google".into(), "elsewhere@example.net".into()));
        bring(app, &ada.access, "google").await.expect(200);
        assert_eq!(linked(app, &ada.access).await, ["google"]);
        assert_eq!(enter(app, "google").await.expect(200).text("/user/id"), ada.id, "it opens the account now");
        // What opens one account opens no other; one account of a provider is enough.
        bring(app, &bob.access, "google").await.problem(409, "identity_taken");
        app.idp().is(somebody("two", "other@example.net"));
        bring(app, &ada.access, "google").await.problem(409, "provider_linked");
        app.delete("/me/identities/google", Some(&ada.access)).await.expect(204);
        app.delete("/me/identities/google", Some(&ada.access)).await.problem(404, "identity_not_found");
        app.delete("/me/identities/nobody", Some(&ada.access)).await.problem(404, "identity_not_found");
        app.get("/me", Some(&ada.access)).await.expect(200);
        app.idp().is(somebody("one", "elsewhere@example.net"));
        assert_ne!(enter(app, "google").await.expect(200).text("/user/id"), ada.id, "it opens it no more");
        app.get("/me/identities", None).await.problem(401, "sign_in_required");
        app.delete("/me/identities/google", None).await.problem(401, "sign_in_required");
        let bad = json!({ "code": "x", "code_verifier": "short", "redirect_uri": "nowhere" });
        app.post("/me/identities/google", Some(&ada.access), bad).await.blames(&["code_verifier", "redirect_uri"]);
        let wrong = json!({ "code": "x", "code_verifier": VERIFIER, "redirect_uri": APP });
        app.post("/me/identities/google", Some(&ada.access), wrong.clone()).await.problem(401, "provider_token_refused");
        app.post("/me/identities/github", Some(&ada.access), wrong).await.problem(404, "provider_not_configured");
    }

    async fn the_last_way_in_stays(app, |config| Idp::serve(config)) {
        app.idp().is(somebody("one", "ada@example.org"));
        let ada = enter(app, "google").await.expect(200).text("/access_token");
        app.delete("/me/identities/google", Some(&ada)).await.problem(409, "last_way_in");
        app.idp().is(json!({ "email": "ada@example.org", "name": "Ada" }));
        bring(app, &ada, "microsoft").await.expect(200);
        assert_eq!(linked(app, &ada).await, ["google", "microsoft"]);
        // Of two at once one must stay.
        let (one, other) = tokio::join!(
            app.delete("/me/identities/google", Some(&ada)),
            app.delete("/me/identities/microsoft", Some(&ada))
        );
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409]);
        app.call(http::Method::PUT, "/me/password", Some(&ada), Some(json!({ "new_password": PASSWORD }))).await.expect(204);
        let left = linked(app, &ada).await.pop().unwrap();
        app.delete(&format!("/me/identities/{left}"), Some(&ada)).await.expect(204);
    }

    async fn a_code_by_mail_is_a_way_in(app, |config| {
        Idp::serve(config);
        MailSink::serve(config);
    }) {
        app.idp().is(somebody("one", "ada@example.org"));
        let ada = enter(app, "google").await.expect(200).text("/access_token");
        assert_eq!(app.get("/me/identities", Some(&ada)).await.json["code_by_mail"], json!(true));
        app.delete("/me/identities/google", Some(&ada)).await.expect(204);
    }

    async fn a_browser_links_in_its_session(app, |config| Idp::serve(config)) {
        app.person("Ada").await;
        let login = json!({ "identifier": "ada@example.org", "password": PASSWORD, "transport": "cookie" });
        let session = app.post("/auth/login", None, login).await.expect(200).cookies();
        app.idp().is(somebody("one", "elsewhere@example.net"));
        let start = json!({ "return_to": "/settings?tab=account" });
        let path = "/me/identities/google/start";
        let begun = browse(app, "POST", path, &session, Some(start.clone())).await.expect(200);
        let back = visit(&begun.text("/url")).await;
        let state = begun.cookies();
        // In a browser whose session is another's, or none, nothing is linked.
        browse(app, "GET", &back, &state, None).await.expect(401);
        let begun = browse(app, "POST", path, &session, Some(start)).await.expect(200);
        let back = visit(&begun.text("/url")).await;
        let answer = browse(app, "GET", &back, &format!("{session}; {}", begun.cookies()), None).await.expect(303);
        assert_eq!(answer.headers["location"], "/settings?tab=account");
        assert!(!answer.cookies().contains("plenum_access"), "the session goes on as it is");
        let list = browse(app, "GET", "/me/identities", &session, None).await.expect(200);
        assert_eq!(list.text("/items/0/email"), "elsewhere@example.net");
        let foreign = json!({ "return_to": "//evil.example" });
        browse(app, "POST", path, &session, Some(foreign)).await.blames(&["return_to"]);
        app.post(path, None, json!({})).await.problem(401, "sign_in_required");
    }

    async fn what_goes_wrong_is_told_on_a_page(app, |config| Idp::serve(config)) {
        let path = "/auth/oauth/google/callback?error=access_denied&state=x";
        let page = browse(app, "GET", path, "", None).await.expect(400);
        assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("script"), "{policy}");
        // A program is told as ever.
        app.get(path, None).await.problem(400, "oauth_state_mismatch");
        let start = "/auth/oauth/github/start";
        app.get(start, None).await.problem(404, "provider_not_configured");
    }
}
