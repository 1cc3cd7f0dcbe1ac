//! pluseboard, as its users would meet it here: a code by mail, a workspace with channels, and four topics on one socket.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::support::{Answer, MailSink, PASSWORD, TestApp, both};

/// A request as our own page in a browser sends it.
async fn page(app: &TestApp, path: &str, cookies: &str, body: Value) -> Answer {
    let request = Request::post(format!("/api/v1{path}"))
        .header("host", "meet.test")
        .header("sec-fetch-site", "same-origin")
        .header("cookie", cookies)
        .header("content-type", "application/json");
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

both! {
    async fn a_code_a_workspace_and_four_topics(app, |config| MailSink::serve(config)) {
        // POST /api/register/, /api/request-otp/, /api/verify-otp/
        let form = json!({ "email": "ada@example.org", "password": PASSWORD, "display_name": "Ada Lovelace" });
        app.post("/auth/register", None, form).await.expect(201);
        page(app, "/auth/otp", "", json!({ "email": "ada@example.org" })).await.expect(202);
        page(app, "/auth/otp", "", json!({ "email": "nobody@example.org" })).await.expect(202);
        let code = app.mail().code("ada@example.org", "sign", 1).await;
        let verify = json!({ "email": "ada@example.org", "code": code, "transport": "cookie" });
        let cookies = page(app, "/auth/otp/verify", "", verify.clone()).await.expect(200).cookies();
        page(app, "/auth/otp/verify", "", verify).await.problem(401, "invalid_code");

        // POST /api/refresh/ with cookies; bearer tokens for the rest of the story
        let cookies = page(app, "/auth/refresh", &cookies, json!({})).await.expect(204).cookies();
        page(app, "/auth/logout", &cookies, json!({})).await.expect(204);
        page(app, "/auth/otp", "", json!({ "email": "ada@example.org" })).await.expect(202);
        let code = app.mail().code("ada@example.org", "sign", 2).await;
        let verify = json!({ "email": "ada@example.org", "code": code });
        let session = app.post("/auth/otp/verify", None, verify).await.expect(200);
        let (ada, ada_id) = (session.text("/access_token"), session.text("/user/id"));
        let bob = app.person("Bob").await;

        // POST and GET /api/workspaces/; Bob joins it
        let org = app.post("/organizations", Some(&ada), json!({ "name": "Analytical Engines" })).await.expect(201);
        let org = format!("/organizations/{}", org.text("/id"));
        let mine = app.get("/organizations", Some(&ada)).await.expect(200);
        assert_eq!(mine.text("/items/0/name"), "Analytical Engines");
        let member = json!({ "user_id": bob.id });
        app.post(&format!("{org}/members"), Some(&ada), member).await.expect(201);

        // POST and GET /api/channels/: a private one exists for its members alone
        let form = json!({ "name": "general", "visibility": "public" });
        let general = app.post(&format!("{org}/channels"), Some(&ada), form).await.expect(201);
        let form = json!({ "name": "board", "visibility": "private" });
        app.post(&format!("{org}/channels"), Some(&ada), form).await.expect(201);
        let seen = app.get(&format!("{org}/channels"), Some(&bob.access)).await.expect(200);
        let names: Vec<_> = seen.json["items"].as_array().unwrap().iter().map(|c| c["name"].clone()).collect();
        assert_eq!(names, ["general"]);

        // WS /ws/chat/, /ws/activity/, /ws/presence/, /ws/notifications/: four topics of one socket, opened by a ticket
        let wire = app.wire().await;
        let ticket = app.post("/auth/ws-ticket", Some(&bob.access), json!({})).await.expect(201).text("/ticket");
        let mut bobs = wire.try_open(&format!("?ticket={ticket}"), &[]).await.expect("the socket opens");
        let org_id = org.rsplit('/').next().unwrap();
        let conversation = general.text("/conversation_id");
        let chat = format!("conversation:{conversation}");
        let (activity, presence) = (format!("activity:{org_id}"), format!("presence:{org_id}"));
        let answer = bobs.subscribe(&[&chat, &activity, &presence, "notifications"], None).await;
        assert_eq!(answer["topics"], json!([chat, activity, presence, "notifications"]));

        // presence: Ada comes, and steps away
        let mut adas = wire.open(&ada).await;
        adas.subscribe(&[&chat], None).await;
        let came = json!({ "user_id": ada_id, "status": "online" });
        while bobs.until("presence.changed").await["payload"] != came {}
        adas.ask(json!({ "type": "presence.set", "status": "idle" })).await;
        let away = json!({ "user_id": ada_id, "status": "idle" });
        while bobs.until("presence.changed").await["payload"] != away {}

        // chat: send_message up, new_message down, and a notification for who is mentioned
        app.patch("/me", Some(&bob.access), json!({ "username": "bob" })).await.expect(200);
        let send = json!({
            "type": "message.send", "conversation_id": conversation, "body": "Ready, @bob?", "client_id": "m-1"
        });
        adas.ask(send).await;
        // Both come in the transaction of the message, the message first.
        assert_eq!(bobs.until("message.created").await["payload"]["body"], "Ready, @bob?");
        let told = bobs.until("notification.created").await;
        assert_eq!((&told["topic"], &told["payload"]["kind"]), (&json!("notifications"), &json!("message.mention")));

        // activity: what happens in the workspace
        let form = json!({ "name": "random", "visibility": "public" });
        app.post(&format!("{org}/channels"), Some(&ada), form).await.expect(201);
        assert_eq!(bobs.until("activity.created").await["topic"], json!(activity));
        let activities = app.get(&format!("{org}/activities?limit=50"), Some(&bob.access)).await.expect(200);
        assert!(activities.json["items"].as_array().unwrap().iter().any(|entry| entry["type"] == "channel.created"));

        // GET and POST /api/messages/
        let messages = format!("/conversations/{conversation}/messages");
        app.post(&messages, Some(&bob.access), json!({ "body": "Ready." })).await.expect(201);
        let page_of = app.get(&messages, Some(&ada)).await.expect(200);
        assert_eq!(page_of.json["items"].as_array().unwrap().len(), 2);

        // /api/metrics/messages-per-day, /api/metrics/active-users
        let days = app.get(&format!("{org}/analytics/messages-per-day?days=14"), Some(&ada)).await.expect(200);
        let days = days.json["items"].as_array().unwrap().clone();
        assert_eq!((days.len(), days.iter().map(|day| day["messages"].as_i64().unwrap()).sum::<i64>()), (14, 2));
        let active = app.get(&format!("{org}/analytics/active-users?minutes=15"), Some(&ada)).await.expect(200);
        assert_eq!(active.json["active_users"], 2);

        // POST /api/logout/ closes the socket too
        app.post("/auth/logout", Some(&bob.access), json!({})).await.expect(204);
        assert_eq!(bobs.closed().await, 4001);
    }
}
