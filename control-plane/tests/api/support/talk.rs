//! Short ways to say things and to count what that costs.

use serde_json::json;

use super::{Answer, TestApp};

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
        let before = app.control.statements();
        app.get(path, Some(token)).await.expect(200);
        least = least.min(app.control.statements() - before);
    }
    least
}
