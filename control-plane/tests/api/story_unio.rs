//! UNIO, as its users would meet it here: accounts and who administers them, meetings with invitations and calls, chat with
//! files, notifications, the documentation.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::support::{Answer, Idp, PASSWORD, TestApp, both};

const VERIFIER: &str = "a-code-verifier-of-forty-three-letters-or-more";
const APP: &str = "https://app.example.org/back";

/// Uploads a text as a browser's form does.
async fn upload(app: &TestApp, path: &str, token: &str, text: &str) -> Answer {
    let form = format!(
        "--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"notes.txt\"\r\n\
         Content-Type: text/plain\r\n\r\n{text}\r\n--line--\r\n"
    );
    let request = Request::post(format!("/api/v1{path}"))
        .header("host", "meet.test")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "multipart/form-data; boundary=line");
    app.send(request.body(Body::from(form)).unwrap()).await
}

fn count(page: &Answer) -> usize {
    page.json["items"].as_array().unwrap().len()
}

both! {
    async fn accounts_meetings_calls_chat_and_notifications(app, |config| Idp::serve(config)) {
        // POST /auth/signup, /auth/login by user name, /auth/refresh
        let form = json!({ "email": "ada@example.org", "username": "ada", "password": PASSWORD, "display_name": "Ada" });
        app.post("/auth/register", None, form).await.expect(201);
        let session = app.post("/auth/login", None, json!({ "identifier": "ada", "password": PASSWORD })).await.expect(200);
        let refresh = json!({ "refresh_token": session.text("/refresh_token") });
        let ada = app.post("/auth/refresh", None, refresh).await.expect(200).text("/access_token");
        let ada_id = session.text("/user/id");
        let bob = app.person("Bob").await;

        // POST /auth/google, /auth/microsoft: a code from the provider becomes a session
        for (provider, person) in [
            ("google", json!({ "email": "gina@example.org", "email_verified": true, "name": "Gina" })),
            ("microsoft", json!({ "email": "mick@example.org", "xms_edov": true, "name": "Mick", "sub": "pairwise-1" })),
        ] {
            app.idp().is(person.clone());
            let code = app.idp().code(provider, VERIFIER, APP, None);
            let form = json!({ "code": code, "code_verifier": VERIFIER, "redirect_uri": APP });
            let session = app.post(&format!("/auth/oauth/{provider}/token"), None, form).await.expect(200);
            assert_eq!(session.json["user"]["email"], person["email"]);
        }

        // GET, POST, GET {id}, PUT, PATCH, DELETE /users/ for admins; GET /users/me/
        let token = app.control.setup_token().unwrap();
        let form = json!({ "token": token, "email": "root@example.org", "password": PASSWORD, "display_name": "Root" });
        let root = app.post("/auth/setup", None, form).await.expect(201).text("/access_token");
        let root = Some(root.as_str());
        app.get("/users", Some(&bob.access)).await.problem(403, "forbidden");
        assert_eq!(count(&app.get("/users", root).await.expect(200)), 5);
        let form = json!({ "email": "eve@example.org", "display_name": "Eve", "password": PASSWORD });
        let eve = app.post("/users", root, form).await.expect(201).text("/id");
        let path = format!("/users/{eve}");
        assert_eq!(app.get(&path, root).await.expect(200).text("/display_name"), "Eve");
        let put = app.call(http::Method::PUT, &path, root, Some(json!({ "display_name": "Eva" }))).await.expect(200);
        assert_eq!(put.text("/display_name"), "Eva");
        app.patch(&path, root, json!({ "display_name": "Eve" })).await.expect(200);
        app.delete(&path, root).await.expect(204);
        assert_eq!(app.get("/me", Some(&ada)).await.expect(200).text("/username"), "ada");

        // POST, GET, GET {id}, PUT, PATCH /meetings/; POST /meetings/invite
        let form = json!({ "title": "Planning", "starts_at": "2090-01-02T09:00:00Z", "duration_min": 30, "timezone": "UTC" });
        let meeting = app.post("/meetings", Some(&ada), form).await.expect(201);
        let (one, room) = (format!("/meetings/{}", meeting.text("/id")), meeting.text("/room_id"));
        assert_eq!(count(&app.get("/meetings", Some(&ada)).await.expect(200)), 1);
        app.get(&one, Some(&bob.access)).await.problem(404, "meeting_not_found");
        let put = app.call(http::Method::PUT, &one, Some(&ada), Some(json!({ "title": "Plans" }))).await.expect(200);
        assert_eq!(put.text("/title"), "Plans");
        app.patch(&one, Some(&ada), json!({ "title": "Planning" })).await.expect(200);
        let invites = json!({ "invites": [{ "user_id": bob.id }, { "email": "grace@example.org" }] });
        app.post(&format!("{one}/invites"), Some(&ada), invites).await.expect(200);
        assert_eq!(app.get(&one, Some(&bob.access)).await.expect(200).text("/title"), "Planning");

        // GET /notifications/: Bob was told
        let told = async || {
            let page = app.get("/notifications?kind=meeting.invited", Some(&bob.access)).await.expect(200);
            count(&page) == 1
        };
        app.eventually("Bob knows of his invitation", told).await;

        // POST /health/call/start, twice; WS /ws/meeting/{meeting_id}/; POST /health/call/end; GET /health/
        app.node.beat(app).await.expect(200);
        let start = json!({ "meeting_id": meeting.json["id"] });
        let call = app.post("/calls", Some(&ada), start.clone()).await.expect(201).text("/id");
        assert_eq!(app.post("/calls", Some(&ada), start).await.expect(200).text("/id"), call);
        let join = app.post(&format!("/rooms/{room}/join"), Some(&bob.access), json!({})).await.expect(200);
        let inside = app.node.join(app, &join.text("/token"), &room).await;
        assert!(inside.identity.starts_with(&format!("u_{}", bob.id)), "who one is comes from the token");
        app.clock.advance(std::time::Duration::from_secs(60));
        app.post(&format!("/calls/{call}/end"), Some(&bob.access), json!({})).await.problem(403, "forbidden");
        app.post(&format!("/calls/{call}/end"), Some(&ada), json!({})).await.expect(200);
        app.get("/health", None).await.expect(200);

        // POST /chat/send, GET /chat/messages/{meeting_id}
        let conversation = meeting.text("/conversation_id");
        let messages = format!("/conversations/{conversation}/messages");
        app.post(&messages, Some(&bob.access), json!({ "body": "Hello" })).await.expect(201);
        assert_eq!(count(&app.get(&messages, Some(&ada)).await.expect(200)), 1);

        // POST /chat/file/upload, GET /chat/file/download/{file_id}
        let file = upload(app, &format!("/conversations/{conversation}/files"), &bob.access, "minutes").await.expect(201);
        let content = app.get(&format!("/files/{}/content", file.text("/id")), Some(&ada)).await.expect(200);
        assert_eq!(content.json, Value::String("minutes".into()));

        // GET /meetings/history/, DELETE /meetings/{id}/
        app.post(&format!("{one}/cancel"), Some(&ada), json!({})).await.expect(200);
        assert_eq!(count(&app.get("/meetings?view=history", Some(&ada)).await.expect(200)), 1);
        app.delete(&one, Some(&ada)).await.expect(204);

        // POST /notifications/send, then read, read-all, DELETE
        let send = json!({ "audience": { "user_ids": [ada_id, bob.id] }, "title": "Maintenance" });
        app.post("/notifications", Some(&bob.access), send.clone()).await.problem(403, "forbidden");
        app.post("/notifications", root, send).await.expect(202);
        let first = app.get("/notifications?kind=system", Some(&bob.access)).await.expect(200).text("/items/0/id");
        app.post(&format!("/notifications/{first}/read"), Some(&bob.access), json!({})).await.expect(200);
        app.post("/notifications/read-all", Some(&bob.access), json!({})).await.expect(200);
        assert_eq!(app.get("/notifications", Some(&bob.access)).await.expect(200).json["unread_count"], 0);
        app.delete(&format!("/notifications/{first}"), Some(&bob.access)).await.expect(204);

        // GET /swagger/, /redoc/, the specification, /admin
        app.get("/docs", None).await.expect(308);
        assert_ne!(app.get("/redoc", None).await.status, 404);
        app.get("/openapi.json", None).await.expect(200);
        for resource in ["users", "meetings", "messages", "notifications", "calls"] {
            app.get(&format!("/admin/{resource}"), root).await.expect(200);
            app.get(&format!("/admin/{resource}"), Some(&ada)).await.problem(403, "forbidden");
        }

        // POST /auth/logout
        app.post("/auth/logout", Some(&ada), json!({})).await.expect(204);
        app.get("/me", Some(&ada)).await.problem(401, "invalid_token");
    }
}
