//! Every kind of notification comes of something people do, and travels as its preference says.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::meeting::{again, invite, meeting};
use crate::support::time::pass;
use crate::support::{MailSink, Person, TestApp, both, talk};

async fn inbox(app: &TestApp, who: &Person) -> Vec<Value> {
    let page = app.get("/notifications?limit=100", Some(&who.access)).await.expect(200);
    page.json["items"].as_array().unwrap().clone()
}

/// The payload of somebody's newest notification of a kind.
async fn news(app: &TestApp, who: &Person, kind: &str) -> Value {
    let found = inbox(app, who).await.into_iter().find(|item| item["kind"] == kind);
    found.unwrap_or_else(|| panic!("nobody said {kind}"))["payload"].clone()
}

/// Meetings: invited, changed, reminded, called off, and for the organizer the answer.
async fn plan_a_meeting(app: &TestApp, ada: &Person, bob: &Person) {
    let id = meeting(app, ada, 60, json!({})).await.text("/id");
    let invited = invite(app, ada, &id, bob, "participant").await;
    app.post(&format!("/invites/{invited}/accept"), Some(&bob.access), json!({})).await.expect(200);
    let answered = news(app, ada, "meeting.invite_answered").await;
    assert_eq!((&answered["actor_name"], &answered["text"]), (&json!("Bob"), &json!("Accepted")));
    assert_eq!((&answered["meeting_id"], &answered["invite_id"]), (&json!(id), &json!(invited)));
    // The same answer again is no news; another one is.
    app.post(&format!("/invites/{invited}/accept"), Some(&bob.access), json!({})).await.expect(200);
    app.post(&format!("/invites/{invited}/tentative"), Some(&bob.access), json!({})).await.expect(200);
    let answers = inbox(app, ada).await.iter().filter(|item| item["kind"] == "meeting.invite_answered").count();
    assert_eq!(answers, 2);
    app.patch(&format!("/meetings/{id}"), Some(&ada.access), json!({ "title": "Planning, again" })).await.expect(200);
    pass(app, 55);
    app.control.look_after_meetings().await.unwrap();
    app.eventually("Bob is reminded", async || {
        inbox(app, bob).await.iter().any(|item| item["kind"] == "meeting.reminder")
    })
    .await;
    app.post(&format!("/meetings/{id}/cancel"), Some(&ada.access), json!({})).await.expect(200);
}

/// Calls and the lobby: ringing, missed, waiting.
async fn call_and_knock(app: &TestApp, ada: &Person, bob: &Person) {
    let ring = app.post("/calls/direct", Some(&ada.access), json!({ "user_id": bob.id })).await.expect(201);
    let cancel = format!("/calls/direct/{}/cancel", ring.text("/id"));
    app.post(&cancel, Some(&ada.access), json!({})).await.expect(200);
    let room = app.room(bob, "trusted").await;
    let path = format!("/rooms/{}/lobby", room.text("/code"));
    for name in ["Grace", "Heidi", "Judy", "Mallory"] {
        app.post(&path, None, json!({ "display_name": name })).await.expect(200);
    }
    // A crowd at the door is one piece of news.
    let waiting = inbox(app, bob).await.into_iter().filter(|item| item["kind"] == "room.lobby_waiting");
    let waiting: Vec<Value> = waiting.map(|item| item["payload"]["actor_name"].clone()).collect();
    assert!(waiting.contains(&json!("Grace")) && waiting.len() <= 2, "{waiting:?}");
    // Whoever leads the call hears of it there.
    pass(app, 3);
    app.node.beat(app).await.expect(200);
    let id = room.text("/id");
    let join = app.post(&format!("/rooms/{id}/join"), Some(&bob.access), json!({})).await.expect(200);
    app.node.join(app, &join.text("/token"), &id).await;
    let before = inbox(app, bob).await.len();
    app.post(&path, None, json!({ "display_name": "Ivan" })).await.expect(200);
    assert_eq!(inbox(app, bob).await.len(), before);
}

both! {
    async fn each_has_an_occasion(app, |config| {
        MailSink::serve(config);
        config.sessions.access_ttl_s = 86_400;
        config.public_url = Some("https://meet.example.org/".parse().unwrap());
    }) {
        let root = app.admin().await;
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        app.verify_email(&bob).await;
        app.patch("/me", Some(&bob.access), json!({ "username": "bob" })).await.expect(200);
        let org = talk::organization(app, &ada, "Engines").await;
        let invites = format!("/organizations/{}/invites", org.text("/id"));
        app.post(&invites, Some(&ada.access), json!({ "email": bob.email })).await.expect(201);
        let invited = news(app, &bob, "organization.invited").await;
        assert_eq!((&invited["org_id"], &invited["title"]), (&org.json["id"], &json!("Engines")));
        app.mail().wait(&bob.email, "invites you to Engines", 1).await;
        talk::member(app, &ada, &org, &bob, "member").await;
        plan_a_meeting(app, &ada, &bob).await;
        let (root, ada, bob) = (again(app, &root).await, again(app, &ada).await, again(app, &bob).await);
        call_and_knock(app, &ada, &bob).await;
        let channel = talk::channel(app, &ada, &org, "general", "public").await;
        let messages = format!("/conversations/{}/messages", channel.text("/conversation_id"));
        talk::say(app, &ada.access, &messages, "Here, @bob").await;
        let direct = app.post("/conversations/direct", Some(&ada.access), json!({ "user_id": bob.id })).await.expect(201);
        talk::say(app, &ada.access, &format!("/conversations/{}/messages", direct.text("/id")), "Psst").await;
        for (who, audience) in [(&ada, json!({ "org_id": org.json["id"] })), (&root, json!({ "user_ids": [bob.id] }))] {
            let body = json!({ "audience": audience, "title": "News" });
            app.post("/notifications", Some(&who.access), body).await.expect(202);
        }
        let kinds = async || {
            let both = [inbox(app, &ada).await, inbox(app, &bob).await].concat();
            both.iter().map(|item| item["kind"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
        };
        // The list of preferences has every kind there is.
        let preferences = app.get("/me/preferences", Some(&bob.access)).await.expect(200);
        let all: BTreeSet<String> = preferences.json["items"].as_array().unwrap().iter()
            .map(|item| item["kind"].as_str().unwrap().to_owned()).collect();
        assert!(all.len() >= 13, "{all:?}");
        app.eventually("every kind was told", async || kinds().await == all).await;
        for item in inbox(app, &bob).await {
            let payload = &item["payload"];
            assert!(payload["title"].is_string() || payload["actor_name"].is_string(), "{item}");
            assert!(payload["link"].as_str().is_none_or(|link| link.starts_with('/')), "{item}");
        }
        // The reminder is mailed at once, the rest by and by as one mail, and what is a mail in itself is in none of them.
        app.mail().wait(&bob.email, "Starting soon", 1).await;
        pass(app, 11);
        let digest = app.mail().wait(&bob.email, "new notifications", 1).await.part("text/plain").unwrap();
        for line in ["Missed call from Ada", "Ada mentioned you in", "Message from Ada", "News"] {
            assert!(digest.contains(line), "{line}: {digest}");
        }
        for line in ["is calling", "is waiting", "invites you"] {
            assert!(!digest.contains(line), "{line}: {digest}");
        }
        assert_eq!(app.mail().to(&bob.email, "Starting soon").len(), 1);
    }
}
