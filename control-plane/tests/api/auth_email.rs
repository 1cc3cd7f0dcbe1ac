//! `POST /auth/email/verify` and its confirmation.

use serde_json::{Value, json};

use crate::support::{MailSink, both};

both! {
    async fn registering_sends_a_code_that_verifies(app, |config| MailSink::serve(config)) {
        let ada = app.person("Ada").await;
        let me = app.get("/me", Some(&ada.access)).await.expect(200);
        assert!(me.json["email_verified_at"].is_null());
        let code = app.mail().code(&ada.email, "Confirm", 1).await;
        let confirm = |token: Option<String>, code: String| async move {
            app.post("/auth/email/verify/confirm", token.as_deref(), json!({ "code": code })).await
        };
        let bob = app.person("Bob").await;
        confirm(Some(bob.access.clone()), code.clone()).await.problem(422, "invalid_code");
        confirm(None, code.clone()).await.problem(401, "sign_in_required");
        let me = confirm(Some(ada.access.clone()), code.clone()).await.expect(200);
        assert!(me.json["email_verified_at"].is_string());
        assert_eq!(app.get("/me", Some(&ada.access)).await.expect(200).json, me.json);
        confirm(Some(ada.access.clone()), code).await.problem(422, "invalid_code");
        app.post("/auth/email/verify", Some(&ada.access), Value::Null).await.expect(204);
    }

    async fn gives_the_invitations_that_waited_for_the_address(app, |config| MailSink::serve(config)) {
        let bob = app.person("Bob").await;
        let meeting = crate::support::meeting::meeting(app, &bob, 60, json!({})).await.text("/id");
        let body = json!({ "invites": [{ "email": "ada@example.org" }] });
        app.post(&format!("/meetings/{meeting}/invites"), Some(&bob.access), body).await.expect(200);
        let ada = app.person("Ada").await;
        let path = format!("/meetings/{meeting}");
        app.get(&path, Some(&ada.access)).await.expect(404);
        let code = app.mail().code(&ada.email, "Confirm", 1).await;
        app.post("/auth/email/verify/confirm", Some(&ada.access), json!({ "code": code })).await.expect(200);
        app.get(&path, Some(&ada.access)).await.expect(200);
    }

    async fn can_be_asked_for_again(app, |config| MailSink::serve(config)) {
        let ada = app.person("Ada").await;
        let first = app.mail().code(&ada.email, "Confirm", 1).await;
        app.post("/auth/email/verify", Some(&ada.access), Value::Null).await.expect(202);
        let second = app.mail().code(&ada.email, "Confirm", 2).await;
        if first != second {
            app.post("/auth/email/verify/confirm", Some(&ada.access), json!({ "code": first })).await.problem(422, "invalid_code");
        }
        app.post("/auth/email/verify/confirm", Some(&ada.access), json!({ "code": second })).await.expect(200);
        app.get("/me", Some(&ada.access)).await.expect(200);
        app.post("/auth/email/verify", None, Value::Null).await.problem(401, "sign_in_required");
        app.post("/auth/email/verify/confirm", Some(&ada.access), json!({})).await.blames(&["code"]);
    }
}
