//! Short ways to say things and to count what that costs.

use serde_json::json;

use super::{Answer, Person, TestApp};

/// Where the messages of a room's conversation are.
pub(crate) fn of_room(room: &Answer) -> String {
    format!("/conversations/{}/messages", room.text("/conversation_id"))
}

/// Sends a message.
pub(crate) async fn say(app: &TestApp, token: &str, messages: &str, body: &str) -> Answer {
    app.post(messages, Some(token), json!({ "body": body })).await.expect(201)
}

/// The fewest statements a GET took, so that background tasks do not count.
pub(crate) async fn statements(app: &TestApp, token: &str, path: &str) -> u64 {
    let mut least = u64::MAX;
    for _ in 0..5 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let before = app.control.statements();
        app.get(path, Some(token)).await.expect(200);
        least = least.min(app.control.statements() - before);
    }
    least
}

/// Makes an organization.
pub(crate) async fn organization(app: &TestApp, owner: &Person, name: &str) -> Answer {
    app.post("/organizations", Some(&owner.access), json!({ "name": name })).await.expect(201)
}

/// Adds somebody to an organization.
pub(crate) async fn member(app: &TestApp, by: &Person, org: &Answer, person: &Person, role: &str) {
    let path = format!("/organizations/{}/members", org.text("/id"));
    app.post(&path, Some(&by.access), json!({ "user_id": person.id, "role": role })).await.expect(201);
}

/// Makes a channel.
pub(crate) async fn channel(app: &TestApp, by: &Person, org: &Answer, name: &str, visibility: &str) -> Answer {
    let path = format!("/organizations/{}/channels", org.text("/id"));
    app.post(&path, Some(&by.access), json!({ "name": name, "visibility": visibility })).await.expect(201)
}

/// A platform admin's access token; once per test.
pub(crate) async fn platform_admin(app: &TestApp) -> String {
    let token = app.control.setup_token().expect("there is no admin yet");
    let form =
        json!({ "token": token, "email": "root@example.org", "password": super::PASSWORD, "display_name": "Root" });
    app.post("/auth/setup", None, form).await.expect(201).text("/access_token")
}
