//! Notifications by mail, up to a mail server: what is unread after a while, in one mail, to addresses that were proved.

use std::time::Duration;

use serde_json::json;

use crate::support::{MailSink, PASSWORD, Person, TestApp, both};

async fn admin(app: &TestApp) -> String {
    let token = app.control.setup_token().expect("there is no admin yet");
    let form = json!({ "token": token, "email": "root@example.org", "password": PASSWORD, "display_name": "Root" });
    app.post("/auth/setup", None, form).await.expect(201).text("/access_token")
}

/// Registers somebody and proves the address with the code that comes by mail, the first mail of all.
async fn verified(app: &TestApp, name: &str) -> Person {
    let person = app.person(name).await;
    let code = app.mail().code(&person.email, "Confirm", 1).await;
    app.post("/auth/email/verify/confirm", Some(&person.access), json!({ "code": code })).await.expect(200);
    person
}

async fn tell(app: &TestApp, admin: &str, person: &Person, title: &str) {
    let body = json!({ "audience": { "user_ids": [person.id] }, "title": title, "text": "<b>bold</b>" });
    app.post("/notifications", Some(admin), body).await.expect(202);
}

both! {
    async fn come_together_once_and_only_what_is_unread(app, |config| {
        MailSink::serve(config);
        config.sessions.access_ttl_s = 86_400;
        config.public_url = Some("https://meet.example.org/".parse().unwrap());
    }) {
        let root = admin(app).await;
        let ada = verified(app, "Ada").await;
        for title in ["First", "Second", "Third"] {
            tell(app, &root, &ada, title).await;
        }
        let second = app.get("/notifications", Some(&ada.access)).await.text("/items/1/id");
        app.post(&format!("/notifications/{second}/read"), Some(&ada.access), json!({})).await.expect(200);
        app.work_done().await;
        assert_eq!(app.mail().to(&ada.email, "").len(), 1, "nothing before its time");
        app.clock.advance(Duration::from_secs(601));
        let mail = app.mail().wait(&ada.email, "", 2).await;
        assert_eq!(mail.header("Subject").as_deref(), Some("2 new notifications"));
        let text = mail.part("text/plain").unwrap();
        assert!(text.contains("First") && text.contains("Third") && !text.contains("Second"), "{text}");
        assert!(text.contains("https://meet.example.org/") && text.contains("<b>bold</b>"), "{text}");
        let html = mail.part("text/html").unwrap();
        assert!(!html.contains("<b>bold</b>") && html.contains("bold"), "{html}");
        app.clock.advance(Duration::from_secs(601));
        app.work_done().await;
        assert_eq!(app.mail().to(&ada.email, "").len(), 2, "nothing twice");
        tell(app, &root, &ada, "Fourth").await;
        app.work_done().await;
        app.clock.advance(Duration::from_secs(601));
        let mail = app.mail().wait(&ada.email, "", 3).await;
        assert_eq!(mail.header("Subject").as_deref(), Some("Fourth"));
    }

    async fn go_to_proved_addresses_of_those_who_want_them(app, |config| {
        MailSink::serve(config);
        config.sessions.access_ttl_s = 86_400;
    }) {
        let root = admin(app).await;
        let (ada, eve) = (verified(app, "Ada").await, app.person("Eve").await);
        let off = json!({ "items": [{ "kind": "system", "email": false }] });
        app.patch("/me/preferences", Some(&ada.access), off).await.expect(200);
        tell(app, &root, &ada, "News").await;
        tell(app, &root, &eve, "News").await;
        app.work_done().await;
        app.clock.advance(Duration::from_secs(601));
        app.work_done().await;
        // The codes of their registrations, nothing more.
        assert_eq!((app.mail().to(&ada.email, "").len(), app.mail().to(&eve.email, "").len()), (1, 1));
        let on = json!({ "items": [{ "kind": "system", "email": true }] });
        app.patch("/me/preferences", Some(&ada.access), on).await.expect(200);
        tell(app, &root, &ada, "More").await;
        app.work_done().await;
        app.clock.advance(Duration::from_secs(601));
        let mail = app.mail().wait(&ada.email, "", 2).await;
        // What was made while mail was off is not mailed later.
        assert_eq!(mail.header("Subject").as_deref(), Some("More"));
    }
}
