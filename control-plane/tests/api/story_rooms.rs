//! Rooms API, as its users would meet it here: an account, rooms, chat over the socket, a call, and the end of it all.

use serde_json::{Value, json};

use crate::support::{PASSWORD, both};

both! {
    async fn an_account_rooms_chat_and_a_call(app) {
        // POST /auth/register/, /auth/login/, /auth/token/refresh/
        let form = json!({ "email": "ada@example.org", "password": PASSWORD, "display_name": "Ada" });
        app.post("/auth/register", None, form).await.expect(201);
        let login = json!({ "identifier": "ada@example.org", "password": PASSWORD });
        let session = app.post("/auth/login", None, login).await.expect(200);
        let refresh = json!({ "refresh_token": session.text("/refresh_token") });
        let ada = app.post("/auth/refresh", None, refresh).await.expect(200).text("/access_token");
        let token = ada.as_str();
        let ada = Some(token);

        // GET and PATCH /auth/profile/
        assert_eq!(app.get("/me", ada).await.expect(200).text("/display_name"), "Ada");
        let renamed = app.patch("/me", ada, json!({ "display_name": "Ada L." })).await.expect(200);
        assert_eq!(renamed.text("/display_name"), "Ada L.");

        // POST and GET /api/rooms/, by type and by name
        let chat = json!({ "name": "Chat", "type": "chat", "access_level": "trusted" });
        let chat = app.post("/rooms", ada, chat).await.expect(201);
        let video = json!({ "name": "Planning", "type": "video", "access_level": "trusted" });
        let video = app.post("/rooms", ada, video).await.expect(201);
        let named = |page: &crate::support::Answer| {
            page.json["items"].as_array().unwrap().iter().map(|room| room["name"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(named(&app.get("/rooms", ada).await.expect(200)), ["Planning", "Chat"]);
        assert_eq!(named(&app.get("/rooms?type=chat", ada).await.expect(200)), ["Chat"]);
        assert_eq!(named(&app.get("/rooms?q=plan", ada).await.expect(200)), ["Planning"]);

        // GET and PATCH /api/rooms/{id}/: Bob sees it and may not change it
        let bob = app.person("Bob").await;
        let path = format!("/rooms/{}", chat.text("/id"));
        assert_eq!(app.get(&path, Some(&bob.access)).await.expect(200).text("/name"), "Chat");
        app.patch(&path, Some(&bob.access), json!({ "name": "Mine" })).await.problem(403, "forbidden");
        app.patch(&path, ada, json!({ "description": "For all" })).await.expect(200);

        // WS /ws/chat/{room_id}/: {content} up, the message down
        let wire = app.wire().await;
        let conversation = chat.text("/conversation_id");
        let topic = format!("conversation:{conversation}");
        let (mut adas, mut bobs) = (wire.open(token).await, wire.open(&bob.access).await);
        adas.subscribe(&[&topic], None).await;
        bobs.subscribe(&[&topic], None).await;
        let send = json!({
            "type": "message.send", "conversation_id": conversation, "body": "Hello", "client_id": "hello-1"
        });
        let ack = adas.ask(send.clone()).await;
        assert_eq!((&ack["type"], &ack["message"]["body"]), (&json!("ack"), &json!("Hello")));
        let heard = bobs.until("message.created").await;
        assert_eq!((&heard["payload"]["body"], &heard["payload"]["sender"]["name"]), (&json!("Hello"), &json!("Ada L.")));
        assert_eq!(adas.ask(send).await["message"]["id"], ack["message"]["id"], "sent again, said once");

        // GET /api/rooms/{room_id}/messages/
        app.post(&format!("/conversations/{conversation}/messages"), Some(&bob.access), json!({ "body": "Hi" })).await.expect(201);
        let messages = app.get(&format!("/conversations/{conversation}/messages?order=asc"), ada).await.expect(200);
        let bodies: Vec<Value> = messages.json["items"].as_array().unwrap().iter().map(|m| m["body"].clone()).collect();
        assert_eq!(bodies, ["Hello", "Hi"]);

        // The signalling half: who one is comes from the token; then the hang-up
        app.node.beat(app).await.expect(200);
        let video = video.text("/id");
        let join = app.post(&format!("/rooms/{video}/join"), Some(&bob.access), json!({})).await.expect(200);
        assert!(join.text("/url").starts_with("ws"));
        let inside = app.node.join(app, &join.text("/token"), &video).await;
        assert!(inside.identity.starts_with(&format!("u_{}", bob.id)));
        app.node.part(app, &inside, &video).await;

        // POST /auth/logout/, DELETE /api/rooms/{id}/, DELETE /auth/profile/
        app.delete(&path, Some(&bob.access)).await.problem(403, "forbidden");
        app.delete(&path, ada).await.expect(204);
        app.get(&path, Some(&bob.access)).await.problem(404, "room_not_found");
        app.post("/auth/logout", Some(&bob.access), json!({})).await.expect(204);
        app.get("/me", Some(&bob.access)).await.problem(401, "invalid_token");
        app.delete_me(token).await.expect(204);
        app.get("/me", ada).await.problem(401, "invalid_token");
    }
}
