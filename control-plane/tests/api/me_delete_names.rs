//! `DELETE /me`: the name and the address of who is gone stay nowhere with others, and nobody of the same name is touched.

use serde_json::{Value, json};

use crate::support::{PASSWORD, Person, TestApp, both, talk};

/// What history says instead of a name.
const NOBODY: &str = "Deleted account";

/// Somebody else who is called Ada, too.
async fn namesake(app: &TestApp) -> Person {
    let email = "other.ada@example.org".to_owned();
    let body = json!({ "email": email, "password": PASSWORD, "display_name": "Ada" });
    let answer = app.post("/auth/register", None, body).await.expect(201);
    let (access, refresh) = (answer.text("/access_token"), answer.text("/refresh_token"));
    Person { id: answer.text("/user/id"), email, access, refresh }
}

/// Bob with an organization, and in it Ada and another Ada.
async fn people(app: &TestApp) -> (Person, Person, Person) {
    let (bob, ada, other) = (app.person("Bob").await, app.person("Ada").await, namesake(app).await);
    let org = talk::organization(app, &bob, "Ours").await;
    talk::member(app, &bob, &org, &ada, "member").await;
    talk::member(app, &bob, &org, &other, "member").await;
    (bob, ada, other)
}

/// The payloads of somebody's inbox.
async fn inbox(app: &TestApp, who: &Person) -> Vec<Value> {
    let page = app.get("/notifications?limit=100", Some(&who.access)).await.expect(200);
    page.json["items"].as_array().unwrap().iter().map(|item| item["payload"].clone()).collect()
}

/// Which names somebody's inbox has beside an account; `None` for guests.
async fn names(app: &TestApp, who: &Person, actor_id: Option<&str>) -> Vec<String> {
    let found = inbox(app, who).await.into_iter().filter(|payload| payload["actor_id"].as_str() == actor_id);
    found.map(|payload| payload["actor_name"].as_str().unwrap().to_owned()).collect()
}

async fn write_to(app: &TestApp, from: &Person, to: &Person) {
    let direct = app.post("/conversations/direct", Some(&from.access), json!({ "user_id": to.id })).await.expect(201);
    talk::say(app, &from.access, &format!("/conversations/{}/messages", direct.text("/id")), "Hello").await;
}

/// The addresses that the audit log of an organization shows.
async fn addresses(app: &TestApp, who: &Person, org: &str) -> Vec<String> {
    let log = app.get(&format!("/organizations/{org}/audit-log?limit=100"), Some(&who.access)).await.expect(200);
    let emails = log.json["items"].as_array().unwrap().iter().filter_map(|item| item["diff"]["email"].as_str());
    emails.map(str::to_owned).collect()
}

both! {
    async fn leaves_no_name_in_the_inboxes_of_others(app) {
        let (bob, ada, other) = people(app).await;
        write_to(app, &ada, &bob).await;
        write_to(app, &other, &bob).await;
        let ring = app.post("/calls/direct", Some(&ada.access), json!({ "user_id": bob.id })).await.expect(201);
        let cancel = format!("/calls/direct/{}/cancel", ring.text("/id"));
        app.post(&cancel, Some(&ada.access), json!({})).await.expect(200);
        let room = app.room(&bob, "trusted").await.text("/code");
        app.post(&format!("/rooms/{room}/lobby"), None, json!({ "display_name": "Ada" })).await.expect(200);
        assert_eq!(names(app, &bob, Some(&ada.id)).await, ["Ada"; 3], "written, rung, missed");
        app.delete_me(&ada.access).await.expect(204);
        app.eventually("the inbox does not name her", async || {
            names(app, &bob, Some(&ada.id)).await == [NOBODY; 3]
        }).await;
        assert_eq!(names(app, &bob, Some(&other.id)).await, ["Ada"]);
        assert_eq!(names(app, &bob, None).await, ["Ada"], "a guest who is called so, too");
        // What else it says stays.
        assert!(inbox(app, &bob).await.iter().any(|payload| payload["text"] == "Hello" && payload["actor_name"] == NOBODY));
    }

    async fn leaves_no_name_in_the_rooms_of_two(app) {
        let (bob, ada, other) = people(app).await;
        let mut rooms = Vec::new();
        for caller in [&ada, &other] {
            let ring = app.post("/calls/direct", Some(&caller.access), json!({ "user_id": bob.id })).await.expect(201);
            rooms.push(format!("/rooms/{}", ring.text("/room_id")));
        }
        for room in &rooms {
            assert_eq!(app.get(room, Some(&bob.access)).await.expect(200).text("/name"), "Ada, Bob");
        }
        // The room has her name of before, so what she is called at the end does not lead to it.
        app.patch("/me", Some(&ada.access), json!({ "display_name": "Ada L." })).await.expect(200);
        app.delete_me(&ada.access).await.expect(204);
        app.eventually("the room does not name her", async || {
            app.get(&rooms[0], Some(&bob.access)).await.expect(200).text("/name") == format!("{NOBODY}, Bob")
        }).await;
        assert_eq!(app.get(&rooms[1], Some(&bob.access)).await.expect(200).text("/name"), "Ada, Bob");
        let found = app.get("/rooms?q=deleted%20acc", Some(&bob.access)).await.expect(200);
        assert_eq!(found.json["items"].as_array().unwrap().len(), 1, "{}", found.json);
    }

    async fn leaves_every_lobby(app) {
        let (bob, ada) = (app.person("Bob").await, app.person("Ada").await);
        let body = json!({ "name": "Waiting", "access_level": "public", "config": { "lobby": true } });
        let room = app.post("/rooms", Some(&bob.access), body).await.expect(201);
        let door = format!("/rooms/{}/lobby", room.text("/code"));
        app.post(&door, Some(&ada.access), json!({})).await.expect(200);
        app.post(&door, None, json!({ "display_name": "Ada" })).await.expect(200);
        let list = format!("/rooms/{}/lobby", room.text("/id"));
        let waiting = async || app.get(&list, Some(&bob.access)).await.expect(200).json["items"].clone();
        assert_eq!(waiting().await.as_array().unwrap().len(), 2);
        app.delete_me(&ada.access).await.expect(204);
        app.eventually("only the guest waits", async || waiting().await.as_array().unwrap().len() == 1).await;
        let left = waiting().await;
        assert_eq!((&left[0]["display_name"], left[0].get("user_id")), (&json!("Ada"), None));
        assert!(left[0]["guest_id"].is_string(), "{left}");
    }

    async fn leaves_no_address_in_the_audit_log(app) {
        let (bob, ada) = (app.person("Bob").await, app.person("Ada").await);
        let org = talk::organization(app, &bob, "Ours").await.text("/id");
        let path = format!("/organizations/{org}/invites");
        for email in [ada.email.as_str(), "eve@example.org"] {
            app.post(&path, Some(&bob.access), json!({ "email": email })).await.expect(201);
        }
        assert_eq!(addresses(app, &bob, &org).await, ["eve@example.org", ada.email.as_str()]);
        app.delete_me(&ada.access).await.expect(204);
        // Whoever has the address from now on is somebody else.
        app.post(&path, Some(&bob.access), json!({ "email": ada.email })).await.expect(201);
        let blank = format!("{}@deleted.invalid", ada.id);
        app.eventually("the log does not show her address", async || {
            addresses(app, &bob, &org).await == [ada.email.as_str(), "eve@example.org", blank.as_str()]
        }).await;
        app.work_done().await;
        assert_eq!(addresses(app, &bob, &org).await, [ada.email.as_str(), "eve@example.org", blank.as_str()]);
    }

    async fn leaves_no_name_of_who_was_removed_in_the_audit_log(app) {
        let root = app.admin().await;
        let (bob, ada) = (app.person("Bob").await, app.person("Ada").await);
        let made = app.room(&bob, "public").await;
        let (room, join) = (made.text("/id"), format!("/rooms/{}/join", made.text("/code")));
        app.node.beat(app).await.expect(200);
        let mut inside = Vec::new();
        for token in [Some(bob.access.as_str()), Some(ada.access.as_str()), None] {
            let joined = app.post(&join, token, json!({ "display_name": "Ada" })).await.expect(200);
            inside.push(app.node.join(app, &joined.text("/token"), &room).await);
        }
        let call = app.get(&format!("/rooms/{room}/call"), Some(&bob.access)).await.expect(200).text("/id");
        for person in &inside[1..] {
            let remove = format!("/calls/{call}/participants/{}/remove", person.identity);
            app.post(&remove, Some(&bob.access), json!({})).await.expect(204);
        }
        let log = "/admin/audit-log?action=call.participant_removed";
        let removed = async || {
            let page = app.get(log, Some(&root.access)).await.expect(200);
            let names = page.json["items"].as_array().unwrap().iter().map(|item| item["diff"]["name"].clone());
            names.collect::<Vec<_>>()
        };
        assert_eq!(removed().await, ["Ada", "Ada"]);
        app.delete_me(&ada.access).await.expect(204);
        app.eventually("the log does not name her, but the guest", async || removed().await == ["Ada", NOBODY]).await;
    }
}
