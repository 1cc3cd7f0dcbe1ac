//! One click in a mail ends mails of its kind, without signing in; mails that let people in carry no such link.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use serde_json::json;

use crate::support::{Answer, MailSink, Person, TestApp, both};

/// Sends a notification by mail and returns the path of the link in its header.
async fn link_in_mail(app: &TestApp, root: &str, person: &Person, count: usize) -> String {
    let body = json!({ "audience": { "user_ids": [person.id] }, "title": "News", "text": "Text" });
    app.post("/notifications", Some(root), body).await.expect(202);
    app.eventually("the mail waits for its time", async || {
        app.number("SELECT COUNT(*) FROM jobs WHERE kind = 'notification.mail' AND state = 'ready'").await > 0
    })
    .await;
    app.clock.advance(Duration::from_secs(601));
    let mail = app.mail().wait(&person.email, "", count).await;
    assert_eq!(mail.header("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
    let header = mail.header("List-Unsubscribe").unwrap();
    let url = header.strip_prefix("<https://meet.example.org/api/v1").and_then(|rest| rest.strip_suffix('>'));
    url.unwrap_or_else(|| panic!("{header}")).to_owned()
}

/// What a mail program sends.
async fn click(app: &TestApp, path: &str) -> Answer {
    let request = Request::post(format!("/api/v1{path}"))
        .header("host", "meet.test")
        .header("content-type", "application/x-www-form-urlencoded");
    app.send(request.body(Body::from("List-Unsubscribe=One-Click")).unwrap()).await
}

async fn is_mailed(app: &TestApp, person: &Person, kind: &str) -> bool {
    let all = app.get("/me/preferences", Some(&person.access)).await.expect(200);
    let items = all.json["items"].as_array().unwrap();
    items.iter().find(|item| item["kind"] == kind).unwrap()["email"].as_bool().unwrap()
}

both! {
    async fn ends_mails_of_that_kind_and_no_others(app, |config| {
        MailSink::serve(config);
        config.sessions.access_ttl_s = 864_000;
        config.public_url = Some("https://meet.example.org/".parse().unwrap());
    }) {
        let root = app.admin().await.access;
        let ada = app.person("Ada").await;
        let code = app.mail().wait(&ada.email, "Confirm", 1).await;
        assert_eq!((code.header("List-Unsubscribe"), code.header("List-Unsubscribe-Post")), (None, None));
        let code = code.code().unwrap();
        app.post("/auth/email/verify/confirm", Some(&ada.access), json!({ "code": code })).await.expect(200);
        let path = link_in_mail(app, &root, &ada, 2).await;
        // Looking changes nothing: programs that check mails for danger look at every link.
        let page = app.get(&path, None).await.expect(200);
        assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
        assert!(is_mailed(app, &ada, "system").await);
        click(app, &path).await.expect(200);
        assert!(!is_mailed(app, &ada, "system").await && is_mailed(app, &ada, "call.missed").await);
        click(app, &path).await.expect(200);
        let told = json!({ "audience": { "user_ids": [ada.id] }, "title": "More", "text": "Text" });
        app.post("/notifications", Some(&root), told).await.expect(202);
        app.eventually("it is in the inbox", async || {
            app.get("/notifications", Some(&ada.access)).await.text("/items/0/payload/title") == "More"
        })
        .await;
        app.eventually("it was delivered", async || {
            app.number("SELECT COUNT(*) FROM jobs WHERE kind = 'notification.deliver' AND state <> 'done'").await == 0
        })
        .await;
        assert_eq!(app.number("SELECT COUNT(*) FROM jobs WHERE kind = 'notification.mail' AND state = 'ready'").await, 0);
    }

    async fn takes_links_of_ours_alone(app, |config| {
        MailSink::serve(config);
        config.sessions.access_ttl_s = 864_000;
        config.public_url = Some("https://meet.example.org/".parse().unwrap());
    }) {
        let root = app.admin().await.access;
        let ada = app.person("Ada").await;
        let code = app.mail().code(&ada.email, "Confirm", 1).await;
        app.post("/auth/email/verify/confirm", Some(&ada.access), json!({ "code": code })).await.expect(200);
        let path = link_in_mail(app, &root, &ada, 2).await;
        let (front, tag) = path.rsplit_once('.').unwrap();
        let long = format!("/notifications/unsubscribe/{}", "x".repeat(3_000));
        for bad in [front, &format!("{front}A.{tag}"), &format!("{front}.{}", "A".repeat(43)), &long] {
            app.get(bad, None).await.problem(404, "unsubscribe_link_not_found");
            click(app, bad).await.problem(404, "unsubscribe_link_not_found");
        }
        assert!(is_mailed(app, &ada, "system").await);
        // Of somebody who is gone it does nothing, and says nothing about that.
        app.delete_me(&ada.access).await.expect(204);
        click(app, &path).await.expect(200);
    }
}
