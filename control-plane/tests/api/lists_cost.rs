//! What lists cost: as many statements for a full page as for a short one.

use serde_json::{Value, json};

use crate::support::{Person, TestApp, both, talk};

/// Where everything that is listed hangs.
struct Scene {
    ada: Person,
    /// A public room with a call that goes on.
    open: String,
    open_code: String,
    call: String,
    /// A trusted room with people at its door and calls that are over.
    trusted: String,
    trusted_code: String,
    channel: String,
    conversation: String,
    org: String,
}

impl Scene {
    async fn new(app: &TestApp) -> Self {
        app.node.beat(app).await.expect(200);
        let ada = app.person("Ada").await;
        app.verify_email(&ada).await;
        let (open, trusted) = (app.room(&ada, "public").await, app.room(&ada, "trusted").await);
        let id = open.text("/id");
        let join = app.post(&format!("/rooms/{id}/join"), Some(&ada.access), json!({})).await.expect(200);
        app.node.join(app, &join.text("/token"), &id).await;
        let call = app.get(&format!("/rooms/{id}/call"), Some(&ada.access)).await.expect(200).text("/id");
        let org = talk::organization(app, &ada, "Engines").await;
        let channel = talk::channel(app, &ada, &org, "private", "private").await;
        Self {
            ada,
            open: id,
            open_code: open.text("/code"),
            call,
            trusted: trusted.text("/id"),
            trusted_code: trusted.text("/code"),
            channel: channel.text("/id"),
            conversation: channel.text("/conversation_id"),
            org: org.text("/id"),
        }
    }

    fn lists(&self) -> Vec<String> {
        vec![
            format!("/rooms/{}/bans", self.open),
            format!("/rooms/{}/invitations", self.open),
            format!("/rooms/{}/members", self.open),
            format!("/rooms/{}/call", self.open),
            format!("/rooms/{}/lobby", self.trusted),
            format!("/rooms/{}/calls", self.trusted),
            format!("/calls/{}/participants", self.call),
            format!("/calls/{}/breakouts", self.call),
            format!("/channels/{}/members", self.channel),
            format!("/conversations/{}/reads", self.conversation),
            "/conversations/search?q=needle".to_owned(),
            "/me/organization-invites".to_owned(),
        ]
    }

    /// Adds rows to every list.
    async fn grow(&self, app: &TestApp, from: usize, to: usize) {
        let token = Some(self.ada.access.as_str());
        for n in from..to {
            let guest = json!({ "display_name": format!("Guest {n}") });
            let path = format!("/rooms/{}/join", self.open_code);
            let join = app.post(&path, None, guest.clone()).await.expect(200);
            app.node.join(app, &join.text("/token"), &self.open).await;
            let banned = app.post(&path, None, guest).await.expect(200);
            let ban = json!({ "guest_id": banned.json["guest"]["id"] });
            app.post(&format!("/rooms/{}/bans", self.open), token, ban).await.expect(201);
            let invited = json!({ "email": format!("somebody-{n}@example.org") });
            app.post(&format!("/rooms/{}/members", self.open), token, invited).await.expect(202);
            self.hold_a_call(app).await;
            let person = app.person(&format!("Person{n}")).await;
            self.welcome(app, &person, n).await;
        }
        let breakouts = format!("/calls/{}/breakouts", self.call);
        if from > 0 {
            app.post(&format!("{breakouts}/close"), token, json!({ "grace_s": 0 })).await.expect(200);
        }
        app.post(&breakouts, token, json!({ "count": to, "assign": "evenly" })).await.expect(201);
        // Last, because who waits without asking is taken to have left after a minute.
        for n in from..to {
            let guest = json!({ "display_name": format!("Waiting {n}") });
            app.post(&format!("/rooms/{}/lobby", self.trusted_code), None, guest).await.expect(200);
        }
    }

    /// A call in the trusted room, from its beginning to its end.
    async fn hold_a_call(&self, app: &TestApp) {
        let token = Some(self.ada.access.as_str());
        let join = app.post(&format!("/rooms/{}/join", self.trusted), token, json!({})).await.expect(200);
        app.node.join(app, &join.text("/token"), &self.trusted).await;
        let call = app.get(&format!("/rooms/{}/call", self.trusted), token).await.expect(200).text("/id");
        app.post(&format!("/calls/{call}/end"), token, json!({})).await.expect(200);
    }

    /// Somebody new: a member everywhere, who reads, writes and invites Ada.
    async fn welcome(&self, app: &TestApp, person: &Person, n: usize) {
        let token = Some(self.ada.access.as_str());
        let member = json!({ "user_id": person.id });
        app.post(&format!("/organizations/{}/members", self.org), token, member.clone()).await.expect(201);
        app.post(&format!("/rooms/{}/members", self.open), token, member.clone()).await.expect(201);
        app.post(&format!("/channels/{}/members", self.channel), token, member).await.expect(201);
        let messages = format!("/conversations/{}/messages", self.conversation);
        let said = talk::say(app, &person.access, &messages, &format!("A needle, {n}")).await;
        let read = json!({ "seq": said.json["seq"] });
        let path = format!("/conversations/{}/read", self.conversation);
        app.call(http::Method::PUT, &path, Some(&person.access), Some(read)).await.expect(200);
        let own = talk::organization(app, person, &format!("Org {n}")).await;
        let invite = json!({ "email": self.ada.email });
        app.post(&format!("/organizations/{}/invites", own.text("/id")), Some(&person.access), invite)
            .await
            .expect(201);
    }
}

/// Entries of whatever a list calls them.
fn entries(page: &Value) -> usize {
    ["items", "participants"].iter().find_map(|name| page[name].as_array()).map_or(0, Vec::len)
}

both! {
    async fn is_the_same_for_one_row_and_for_many(app, |config| config.sessions.access_ttl_s = 86_400) {
        let scene = Scene::new(app).await;
        let measure = async || {
            let mut measured = Vec::new();
            for path in scene.lists() {
                let page = app.get(&path, Some(&scene.ada.access)).await.expect(200);
                measured.push((path.clone(), entries(&page.json), talk::statements(app, &scene.ada.access, &path).await));
            }
            measured
        };
        scene.grow(app, 0, 1).await;
        let few = measure().await;
        scene.grow(app, 1, 6).await;
        for ((path, rows, statements), (_, fewer, before)) in measure().await.into_iter().zip(few) {
            assert!(rows >= fewer + 4, "{path}: {fewer} rows, then {rows}");
            assert_eq!(statements, before, "{path}: a statement per row");
            assert!(statements <= 6, "{path}: {statements} statements");
        }
    }
}
