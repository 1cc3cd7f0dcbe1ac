//! `POST /auth/password/reset`, its confirmation, and `PUT /me/password`.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, MailSink, PASSWORD, TestApp, both};

const SUBJECT: &str = "new password";
const NEXT: &str = "battery staple";

async fn confirm(app: &TestApp, email: &str, code: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "code": code, "new_password": password });
    app.post("/auth/password/reset/confirm", None, body).await
}

async fn login(app: &TestApp, email: &str, password: &str) -> Answer {
    app.post("/auth/login", None, json!({ "identifier": email, "password": password })).await
}

async fn replace(app: &TestApp, token: Option<&str>, body: Value) -> Answer {
    app.call(Method::PUT, "/me/password", token, Some(body)).await
}

both! {
    async fn reset_sets_a_new_one_and_ends_every_session(app, |config| MailSink::serve(config)) {
        let ada = app.person("Ada").await;
        app.post("/auth/password/reset", None, json!({ "email": ada.email })).await.expect(202);
        let code = app.mail().code(&ada.email, SUBJECT, 1).await;
        confirm(app, &ada.email, &code, "short").await.blames(&["new_password"]);
        confirm(app, &ada.email, &code, NEXT).await.expect(204);
        confirm(app, &ada.email, &code, PASSWORD).await.problem(401, "invalid_code");
        app.get("/me", Some(&ada.access)).await.problem(401, "invalid_token");
        login(app, &ada.email, PASSWORD).await.problem(401, "invalid_credentials");
        let session = login(app, &ada.email, NEXT).await.expect(200);
        assert!(session.json["user"]["email_verified_at"].is_string(), "the mail proved the address");
    }

    async fn reset_says_nothing_about_accounts(app, |config| MailSink::serve(config)) {
        let ada = app.person("Ada").await;
        let known = app.post("/auth/password/reset", None, json!({ "email": ada.email })).await.expect(202);
        let unknown = app.post("/auth/password/reset", None, json!({ "email": "no@example.org" })).await.expect(202);
        assert_eq!(known.json, unknown.json);
        let wrong = confirm(app, &ada.email, "000000", NEXT).await.problem(401, "invalid_code");
        let nobody = confirm(app, "no@example.org", "000000", NEXT).await.problem(401, "invalid_code");
        assert_eq!(wrong.json, nobody.json);
        app.mail().wait(&ada.email, SUBJECT, 1).await;
        assert!(app.mail().to("no@example.org", "").is_empty());
    }

    async fn a_code_is_for_one_purpose(app, |config| MailSink::serve(config)) {
        let ada = app.person("Ada").await;
        app.post("/auth/otp", None, json!({ "email": ada.email })).await.expect(202);
        let code = app.mail().code(&ada.email, "sign-in code", 1).await;
        confirm(app, &ada.email, &code, NEXT).await.problem(401, "invalid_code");
        app.post("/auth/otp/verify", None, json!({ "email": ada.email, "code": code })).await.expect(200);
    }

    async fn change_needs_the_current_one_and_ends_other_sessions(app) {
        let ada = app.person("Ada").await;
        let other = login(app, &ada.email, PASSWORD).await.expect(200).text("/access_token");
        let body = json!({ "current_password": "not it at all", "new_password": NEXT });
        replace(app, Some(&ada.access), body).await.problem(403, "wrong_password");
        replace(app, Some(&ada.access), json!({ "new_password": NEXT })).await.blames(&["current_password"]);
        let body = json!({ "current_password": PASSWORD, "new_password": "x" });
        replace(app, Some(&ada.access), body).await.blames(&["new_password"]);
        let body = json!({ "current_password": PASSWORD, "new_password": NEXT });
        replace(app, None, body.clone()).await.problem(401, "sign_in_required");
        app.get("/me", Some(&other)).await.expect(200);
        replace(app, Some(&ada.access), body).await.expect(204);
        app.get("/me", Some(&ada.access)).await.expect(200);
        app.get("/me", Some(&other)).await.problem(401, "invalid_token");
        login(app, &ada.email, PASSWORD).await.problem(401, "invalid_credentials");
        login(app, &ada.email, NEXT).await.expect(200);
    }

    async fn what_the_old_one_opens_ends_with_it(app) {
        let ada = app.person("Ada").await;
        let (mut token, mut old, mut new) = (ada.access.clone(), PASSWORD.to_owned(), NEXT.to_owned());
        for _ in 0..10 {
            let body = json!({ "current_password": old, "new_password": new });
            // Sign-ins with the old one, and another change from it, while it changes.
            let third = json!({ "current_password": old, "new_password": "a third one" });
            let (one, two, three, changed, other) = tokio::join!(
                login(app, &ada.email, &old), login(app, &ada.email, &old), login(app, &ada.email, &old),
                replace(app, Some(&token), body), replace(app, Some(&token), third),
            );
            let statuses = [changed.status.as_u16(), other.status.as_u16()];
            assert!(statuses == [204, 403] || statuses == [403, 204], "one of two changes counts: {statuses:?}");
            for session in [one, two, three].iter().filter(|answer| answer.status == 200) {
                app.get("/me", Some(&session.text("/access_token"))).await.problem(401, "invalid_token");
            }
            old = if statuses[0] == 204 { new.clone() } else { "a third one".to_owned() };
            new = if old == NEXT { PASSWORD.to_owned() } else { NEXT.to_owned() };
            token = login(app, &ada.email, &old).await.expect(200).text("/access_token");
        }
    }
}
