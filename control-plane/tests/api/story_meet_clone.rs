//! Meet clone, as its users would meet it here: signed in by cookies, a room, its code, and the others in it.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, TestApp, both};

/// A request as our own page in a browser sends it.
async fn page(app: &TestApp, method: Method, path: &str, cookies: &str, body: Value) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header("host", "meet.test")
        .header("sec-fetch-site", "same-origin")
        .header("cookie", cookies);
    let request = match body {
        Value::Null => request.body(Body::empty()),
        body => request.header("content-type", "application/json").body(Body::from(body.to_string())),
    };
    app.send(request.unwrap()).await
}

both! {
    async fn cookies_a_room_and_its_code(app) {
        // POST /register/, POST /login/
        let form = json!({
            "email": "ada@example.org", "password": PASSWORD, "display_name": "Ada", "transport": "cookie"
        });
        page(app, Method::POST, "/auth/register", "", form).await.expect(201);
        let login = json!({ "identifier": "ada@example.org", "password": PASSWORD, "transport": "cookie" });
        let ada = page(app, Method::POST, "/auth/login", "", login).await.expect(200);
        assert_eq!(ada.json.get("access_token"), None);
        let ada = ada.cookies();

        // GET /auth-test/
        page(app, Method::GET, "/auth/session", &ada, Value::Null).await.expect(200);
        page(app, Method::GET, "/auth/session", "", Value::Null).await.problem(401, "sign_in_required");

        // POST /create-room/, POST /join-room/ by the code
        let form = json!({ "name": "Standup", "type": "video", "access_level": "public" });
        let room = page(app, Method::POST, "/rooms", &ada, form).await.expect(201);
        let (id, code) = (room.text("/id"), room.text("/code"));
        app.node.beat(app).await.expect(200);
        let join = page(app, Method::POST, &format!("/rooms/{code}/join"), &ada, json!({})).await.expect(200);
        page(app, Method::POST, "/rooms/bcdfghjklm/join", &ada, json!({})).await.problem(404, "room_not_found");

        // WS /ws/room/<room_code>/: the node takes the token; then a guest comes with the code alone
        let inside = app.node.join(app, &join.text("/token"), &id).await;
        assert_eq!(inside.name, "Ada");
        let path = format!("/rooms/{}/join", code.to_uppercase());
        let guest = app.post(&path, None, json!({ "display_name": "Grace" })).await.expect(200);
        let beside = app.node.join(app, &guest.text("/token"), &id).await;
        assert!(beside.identity.starts_with("g_"));

        // GET /room/<code>/ tells how many are in it, and who, to those who may see them
        let seen = page(app, Method::GET, &format!("/rooms/{code}"), "", Value::Null).await.expect(200);
        assert_eq!((&seen.json["call"]["participants"], seen.json["call"].get("people")), (&json!(2), None));
        let seen = page(app, Method::GET, &format!("/rooms/{code}"), &ada, Value::Null).await.expect(200);
        assert_eq!(seen.json["call"]["people"], json!([
            { "identity": inside.identity, "name": "Ada" }, { "identity": beside.identity, "name": "Grace" }
        ]));
        app.node.part(app, &beside, &id).await;
        app.node.part(app, &inside, &id).await;

        // GET /api/docs/, GET /api/schema/
        let docs = page(app, Method::GET, "/docs", "", Value::Null).await.expect(308);
        assert_eq!(docs.headers["location"], "/api/docs/");
        let schema = page(app, Method::GET, "/openapi.json", "", Value::Null).await.expect(200);
        assert!(schema.text("/openapi").starts_with("3.1"));

        // POST /logout/
        page(app, Method::POST, "/auth/logout", &ada, Value::Null).await.expect(204);
        page(app, Method::GET, "/auth/session", &ada, Value::Null).await.expect(401);
    }
}
