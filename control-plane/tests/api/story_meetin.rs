//! meetIN, as its users would meet it here: an organization, its members, and meetings. Live transcription, recordings,
//! minutes, action items and the copilot are to come.

use serde_json::json;

use crate::support::{PASSWORD, both};

both! {
    async fn an_organization_its_members_and_meetings(app) {
        // POST /api/auth/register/, /login/, /refresh/, GET /profile/
        let form = json!({ "email": "ada@example.org", "password": PASSWORD, "display_name": "Ada" });
        app.post("/auth/register", None, form).await.expect(201);
        let login = json!({ "identifier": "ada@example.org", "password": PASSWORD });
        let session = app.post("/auth/login", None, login).await.expect(200);
        let refresh = json!({ "refresh_token": session.text("/refresh_token") });
        let ada = app.post("/auth/refresh", None, refresh).await.expect(200).text("/access_token");
        let ada = Some(ada.as_str());
        assert_eq!(app.get("/me", ada).await.expect(200).text("/email"), "ada@example.org");
        let (bob, eve) = (app.person("Bob").await, app.person("Eve").await);

        // POST, GET, GET {id}, PUT /api/auth/organizations/
        let org = app.post("/organizations", ada, json!({ "name": "Engines" })).await.expect(201);
        let path = format!("/organizations/{}", org.text("/id"));
        assert_eq!(app.get("/organizations", ada).await.expect(200).text("/items/0/name"), "Engines");
        let change = json!({ "name": "Analytical Engines", "description": "By steam" });
        let put = app.call(http::Method::PUT, &path, ada, Some(change)).await.expect(200);
        assert_eq!(put.text("/name"), "Analytical Engines");
        app.get(&path, Some(&bob.access)).await.problem(404, "organization_not_found");

        // POST and GET {id}/members/
        let members = format!("{path}/members");
        app.post(&members, ada, json!({ "user_id": bob.id, "role": "member" })).await.expect(201);
        app.post(&members, ada, json!({ "user_id": bob.id })).await.problem(409, "already_member");
        app.post(&members, Some(&bob.access), json!({ "user_id": eve.id })).await.problem(403, "forbidden");
        let list = app.get(&members, Some(&bob.access)).await.expect(200);
        assert_eq!(list.json["items"].as_array().unwrap().len(), 2);
        assert_eq!(app.get(&path, Some(&bob.access)).await.expect(200).text("/name"), "Analytical Engines");

        // POST, GET, GET {id}, PATCH, DELETE /api/meetings/
        let form = json!({
            "title": "Planning", "starts_at": "2090-01-02T09:00:00Z", "duration_min": 30, "timezone": "Europe/Berlin",
            "language": "de", "org_id": org.json["id"]
        });
        let meeting = app.post("/meetings", ada, form).await.expect(201);
        assert_eq!((meeting.text("/title"), meeting.text("/language")), ("Planning".into(), "de".into()));
        let one = format!("/meetings/{}", meeting.text("/id"));
        assert_eq!(app.get("/meetings", ada).await.expect(200).text("/items/0/title"), "Planning");
        app.get(&one, Some(&eve.access)).await.problem(404, "meeting_not_found");
        let changed = app.patch(&one, ada, json!({ "title": "Planning, again", "language": "en" })).await.expect(200);
        assert_eq!((changed.text("/title"), changed.text("/language")), ("Planning, again".into(), "en".into()));
        assert_eq!(app.get(&one, ada).await.expect(200).text("/title"), "Planning, again");
        app.delete(&one, ada).await.expect(204);
        app.get(&one, ada).await.problem(404, "meeting_not_found");

        // DELETE /api/auth/organizations/{id}/, POST /api/auth/logout/
        app.delete(&path, Some(&bob.access)).await.problem(403, "forbidden");
        app.delete(&path, ada).await.expect(204);
        app.get(&path, Some(&bob.access)).await.problem(404, "organization_not_found");
        app.post("/auth/logout", ada, json!({})).await.expect(204);
        app.get("/me", ada).await.problem(401, "invalid_token");
    }
}
