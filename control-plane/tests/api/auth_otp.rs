//! `POST /auth/otp` and `/auth/otp/verify`: a code by real mail, once, in time, and no word to strangers.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, MailSink, PASSWORD, TestApp, both};

const SUBJECT: &str = "sign-in code";

async fn ask(app: &TestApp, email: &str) -> Answer {
    app.post("/auth/otp", None, json!({ "email": email })).await
}

async fn verify(app: &TestApp, email: &str, code: &str) -> Answer {
    app.post("/auth/otp/verify", None, json!({ "email": email, "code": code })).await
}

/// A code that is not `code`.
fn other(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

both! {
    async fn signs_in_by_a_code_once(app, |config| {
        MailSink::serve(config);
        config.public_url = Some("https://meet.test".parse().unwrap());
    }) {
        let ada = app.person("Ada").await;
        let answer = ask(app, " ADA@example.org").await.expect(202);
        assert_eq!(answer.json, Value::Null);
        let mail = app.mail().wait(&ada.email, SUBJECT, 1).await;
        assert_eq!(mail.from, "plenum@meet.test");
        assert_eq!(mail.header("Auto-Submitted").as_deref(), Some("auto-generated"));
        assert!(mail.header("Message-ID").unwrap().ends_with("@meet.test>"), "{}", mail.raw);
        let (text, html) = (mail.part("text/plain").unwrap(), mail.part("text/html").unwrap());
        let code = mail.code().unwrap();
        assert!(text.contains("Hello Ada,") && text.contains("meet.test"), "{text}");
        assert!(html.contains(&code) && html.contains("<h1"), "{html}");
        // Address and code are where no server sees them when the link is opened.
        let link = format!("https://meet.test/signin/code#email=ada%40example.org&code={code}");
        assert!(text.contains(&link), "{text}");

        let session = verify(app, &ada.email, &format!(" {code} ")).await.expect(200);
        assert_eq!(session.text("/user/id"), ada.id);
        assert!(session.json["user"]["email_verified_at"].is_string());
        app.get("/me", Some(&session.text("/access_token"))).await.expect(200);
        verify(app, &ada.email, &code).await.problem(401, "invalid_code");
        assert!(!app.get("/config", None).await.json["mail_configured"].is_null());
    }

    async fn names_what_is_shown_as_text_not_markup(app, |config| MailSink::serve(config)) {
        let body = json!({ "email": "eve@example.org", "password": PASSWORD, "display_name": "<b>Eve</b> & Co" });
        app.post("/auth/register", None, body).await.expect(201);
        ask(app, "eve@example.org").await.expect(202);
        let mail = app.mail().wait("eve@example.org", SUBJECT, 1).await;
        let html = mail.part("text/html").unwrap();
        assert!(!html.contains("<b>") && html.contains("Eve"), "{html}");
        assert!(mail.part("text/plain").unwrap().contains("<b>Eve</b> & Co"));
    }

    async fn gives_nothing_away(app, |config| MailSink::serve(config)) {
        let ada = app.person("Ada").await;
        let (known, unknown) = (ask(app, &ada.email).await.expect(202), ask(app, "no@example.org").await.expect(202));
        assert_eq!(known.json, unknown.json);
        let code = app.mail().code(&ada.email, SUBJECT, 1).await;
        let wrong = verify(app, &ada.email, &other(&code)).await.problem(401, "invalid_code");
        let nobody = verify(app, "no@example.org", &code).await.problem(401, "invalid_code");
        let never = verify(app, "never@example.org", &code).await.problem(401, "invalid_code");
        assert!(wrong.json == nobody.json && wrong.json == never.json);
        assert!(app.mail().to("no@example.org", "").is_empty());
        ask(app, "nobody").await.blames(&["email"]);
        for bad in ["", "12345", "1234567", "12345a", "１２３４５６", "12345\u{0}"] {
            verify(app, &ada.email, bad).await.blames(&["code"]);
        }
    }

    async fn takes_five_tries_and_five_minutes(app, |config| MailSink::serve(config)) {
        let ada = app.person("Ada").await;
        ask(app, &ada.email).await.expect(202);
        let code = app.mail().code(&ada.email, SUBJECT, 1).await;
        for _ in 0..5 {
            verify(app, &ada.email, &other(&code)).await.problem(401, "invalid_code");
        }
        verify(app, &ada.email, &code).await.problem(401, "invalid_code");

        ask(app, &ada.email).await.expect(202);
        let next = app.mail().code(&ada.email, SUBJECT, 2).await;
        verify(app, &ada.email, &code).await.problem(401, "invalid_code");
        app.clock.advance(Duration::from_secs(301));
        verify(app, &ada.email, &next).await.problem(401, "invalid_code");
        ask(app, &ada.email).await.expect(202);
        let last = app.mail().code(&ada.email, SUBJECT, 3).await;
        app.clock.advance(Duration::from_secs(299));
        verify(app, &ada.email, &last).await.expect(200);
    }

    async fn at_once_lets_in_one_and_counts_every_try(app, |config| MailSink::serve(config)) {
        let ada = app.person("Ada").await;
        ask(app, &ada.email).await.expect(202);
        let code = app.mail().code(&ada.email, SUBJECT, 1).await;
        let tries = (0..4).map(|_| verify(app, &ada.email, &code));
        let mut statuses: Vec<u16> =
            futures_util::future::join_all(tries).await.iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401, 401, 401]);

        ask(app, &ada.email).await.expect(202);
        let code = app.mail().code(&ada.email, SUBJECT, 2).await;
        let wrong = other(&code);
        let guesses = (0..8).map(|_| verify(app, &ada.email, &wrong));
        for answer in futures_util::future::join_all(guesses).await {
            answer.problem(401, "invalid_code");
        }
        verify(app, &ada.email, &code).await.problem(401, "invalid_code");
    }

    async fn sends_five_an_hour(app, |config| MailSink::serve(config)) {
        let ada = app.person("Ada").await;
        for count in 1..=5 {
            ask(app, &ada.email).await.expect(202);
            app.mail().wait(&ada.email, SUBJECT, count).await;
        }
        ask(app, &ada.email).await.expect(202);
        ask(app, "bob@example.org").await.expect(202);
        let code = app.mail().code(&ada.email, SUBJECT, 5).await;
        verify(app, &ada.email, &code).await.expect(200);
        assert_eq!(app.mail().to(&ada.email, SUBJECT).len(), 5, "the sixth made no new code");
        app.clock.advance(Duration::from_secs(3_601));
        ask(app, &ada.email).await.expect(202);
        app.mail().wait(&ada.email, SUBJECT, 6).await;
    }

    async fn tries_again_while_the_mail_server_is_busy(app, |config| MailSink::serve(config)) {
        let ada = app.person("Ada").await;
        app.mail().wait(&ada.email, "Confirm", 1).await;
        *app.mail().busy.lock().unwrap() = 2;
        ask(app, &ada.email).await.expect(202);
        let code = app.mail().code(&ada.email, SUBJECT, 1).await;
        assert_eq!(*app.mail().busy.lock().unwrap(), 0);
        verify(app, &ada.email, &code).await.expect(200);
    }

    async fn throws_out_who_squatted_on_the_address(app, |config| MailSink::serve(config)) {
        let squatter = app.person("Ada").await;
        ask(app, &squatter.email).await.expect(202);
        let code = app.mail().code(&squatter.email, SUBJECT, 1).await;
        let owner = verify(app, &squatter.email, &code).await.expect(200);
        app.get("/me", Some(&squatter.access)).await.problem(401, "invalid_token");
        let body = json!({ "refresh_token": squatter.refresh });
        app.post("/auth/refresh", None, body).await.problem(401, "invalid_refresh_token");
        let body = json!({ "identifier": squatter.email, "password": PASSWORD });
        app.post("/auth/login", None, body).await.problem(401, "invalid_credentials");
        // A verified account keeps what it has.
        let access = owner.text("/access_token");
        app.call(http::Method::PUT, "/me/password", Some(&access), Some(json!({ "new_password": PASSWORD }))).await.expect(204);
        ask(app, &squatter.email).await.expect(202);
        let code = app.mail().code(&squatter.email, SUBJECT, 2).await;
        verify(app, &squatter.email, &code).await.expect(200);
        app.get("/me", Some(&access)).await.expect(200);
    }

    async fn can_set_cookies(app, |config| MailSink::serve(config)) {
        let ada = app.person("Ada").await;
        ask(app, &ada.email).await.expect(202);
        let code = app.mail().code(&ada.email, SUBJECT, 1).await;
        let body = json!({ "email": ada.email, "code": code, "transport": "cookie" });
        let answer = app.post("/auth/otp/verify", None, body).await.expect(200);
        assert!(answer.json.get("access_token").is_none());
        assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
    }

    async fn is_off_without_mail(app) {
        let ada = app.person("Ada").await;
        assert_eq!(app.get("/config", None).await.json["mail_configured"], false);
        ask(app, &ada.email).await.problem(503, "mail_not_configured");
        verify(app, &ada.email, "123456").await.problem(503, "mail_not_configured");
        app.post("/auth/password/reset", None, json!({ "email": ada.email })).await.problem(503, "mail_not_configured");
        app.post("/auth/email/verify", Some(&ada.access), Value::Null).await.problem(503, "mail_not_configured");
    }

    async fn is_limited_by_account_and_address(app, |config| {
        MailSink::serve(config);
        config.rate_limits.auth_per_minute = 3;
    }) {
        for _ in 0..3 {
            ask(app, "ada@example.org").await.expect(202);
        }
        let refused = ask(app, "ada@example.org").await.problem(429, "rate_limited");
        assert!(refused.headers.contains_key("retry-after"));
    }
}
