//! What a message tells people who do not look at it: the other of two, and who is mentioned.

use serde_json::{Value, json};

use crate::support::{PASSWORD, Person, TestApp, both, talk};

async fn inbox(app: &TestApp, person: &Person) -> Vec<Value> {
    let page = app.get("/notifications", Some(&person.access)).await.expect(200);
    page.json["items"].as_array().unwrap().clone()
}

async fn named(app: &TestApp, name: &str) -> Person {
    let person = app.person(name).await;
    let username = json!({ "username": name.to_lowercase() });
    app.patch("/me", Some(&person.access), username).await.expect(200);
    person
}

both! {
    async fn members_are_told_when_they_are_mentioned_and_nobody_else(app) {
        let (ada, bob, eve) = (named(app, "Ada").await, named(app, "Bob").await, named(app, "Eve").await);
        let room = app.room(&ada, "trusted").await;
        let messages = talk::of_room(&room);
        let body = json!({ "body": "Morning @Ada, <@nonsense> and @eve. Mail ada@example.org", "client_id": "one" });
        let sent = app.post(&messages, Some(&bob.access), body.clone()).await.expect(201);
        app.post(&messages, Some(&bob.access), body).await.expect(200);
        let told = inbox(app, &ada).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["kind"], "message.mention");
        assert_eq!(told[0]["payload"], json!({
            "conversation_id": room.json["conversation_id"], "message_id": sent.json["id"], "seq": 1,
            "actor_id": bob.id, "actor_name": "Bob", "title": "Stand-up",
            "text": "Morning @Ada, <@nonsense> and @eve. Mail ada@example.org",
        }));
        // Eve is no member of the room, so nobody can call her into it.
        assert_eq!(inbox(app, &eve).await, Vec::<Value>::new());
        let by_id = json!({ "body": format!("<@{}> <@{}>", ada.id, eve.id) });
        app.post(&messages, Some(&bob.access), by_id).await.expect(201);
        assert_eq!((inbox(app, &ada).await.len(), inbox(app, &eve).await.len()), (2, 0));
        app.post(&messages, Some(&ada.access), json!({ "body": "@ada to myself" })).await.expect(201);
        assert_eq!(inbox(app, &ada).await.len(), 2);
    }

    async fn the_other_of_two_is_told(app) {
        let token = app.control.setup_token().unwrap();
        let form = json!({ "token": token, "email": "root@example.org", "password": PASSWORD, "display_name": "Root" });
        let root = app.post("/auth/setup", None, form).await.expect(201).text("/access_token");
        let ada = app.person("Ada").await;
        let direct = app.post("/conversations/direct", Some(&root), json!({ "user_id": ada.id })).await.expect(201);
        let messages = format!("/conversations/{}/messages", direct.text("/id"));
        app.post(&messages, Some(&root), json!({ "body": "Hello" })).await.expect(201);
        let told = inbox(app, &ada).await;
        assert_eq!((told.len(), &told[0]["kind"], &told[0]["payload"]["text"]), (1, &json!("message.direct"), &json!("Hello")));
        app.post(&messages, Some(&ada.access), json!({ "body": "Hello yourself" })).await.expect(201);
        assert_eq!(inbox(app, &ada).await.len(), 1);
        let own = app.get("/notifications", Some(&root)).await.expect(200);
        assert_eq!(own.text("/items/0/payload/text"), "Hello yourself");
    }
}
