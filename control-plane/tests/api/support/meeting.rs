//! Meetings as most cases about them need them.

use serde_json::{Value, json};
use signaling_proto::proto::ParticipantInfo;
use signaling_proto::webhook;

use super::time::in_minutes;
use super::{Answer, PASSWORD, Person, TestApp};

/// A meeting of half an hour that starts in `minutes`, with more fields or others.
pub(crate) async fn meeting(app: &TestApp, who: &Person, minutes: i64, more: Value) -> Answer {
    let mut body = json!({ "title": "Planning", "starts_at": in_minutes(app, minutes), "duration_min": 30 });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    if more.get("local_start").is_some() {
        body.as_object_mut().unwrap().remove("starts_at");
    }
    app.post("/meetings", Some(&who.access), body).await.expect(201)
}

/// Invites somebody by account and returns the invitation's id.
pub(crate) async fn invite(app: &TestApp, who: &Person, meeting: &str, whom: &Person, role: &str) -> String {
    let body = json!({ "invites": [{ "user_id": whom.id, "role": role }] });
    let answer = app.post(&format!("/meetings/{meeting}/invites"), Some(&who.access), body).await.expect(200);
    answer.text("/items/0/id")
}

/// The occurrences of a meeting from now on.
pub(crate) async fn occurrences(app: &TestApp, who: &Person, meeting: &str) -> Vec<Value> {
    let answer = app.get(&format!("/meetings/{meeting}/occurrences"), Some(&who.access)).await.expect(200);
    answer.json["items"].as_array().unwrap().clone()
}

/// The texts of one field.
pub(crate) fn texts<'v>(items: &'v [Value], field: &str) -> Vec<&'v str> {
    items.iter().map(|item| item[field].as_str().unwrap_or_else(|| panic!("no {field} in {item}"))).collect()
}

/// Kinds of somebody's notifications, the newest first.
pub(crate) async fn told(app: &TestApp, who: &Person) -> Vec<String> {
    let page = app.get("/notifications", Some(&who.access)).await.expect(200);
    page.json["items"].as_array().unwrap().iter().map(|item| item["kind"].as_str().unwrap().to_owned()).collect()
}

/// Signs somebody in again, whose session ended while time passed.
pub(crate) async fn again(app: &TestApp, who: &Person) -> Person {
    let body = json!({ "identifier": who.email, "password": PASSWORD });
    let answer = app.post("/auth/login", None, body).await.expect(200);
    Person { access: answer.text("/access_token"), refresh: answer.text("/refresh_token"), ..who.clone() }
}

/// Enters with a join token at the present moment of the control plane, and reports it.
pub(crate) async fn arrive(app: &TestApp, token: &str, room: &str) -> ParticipantInfo {
    let mut person = app.node.enter(token);
    let now = super::time::now(app).as_second();
    person.joined_at = now;
    person.joined_at_ms = now * 1_000;
    let kind = webhook::event::PARTICIPANT_JOINED;
    let at = u64::try_from(now).unwrap();
    let report = webhook::participant_event(kind, app.node.room(room), person.clone(), at);
    app.node.report(app, &report).await.expect(204);
    person
}

/// Leaves at the present moment of the control plane, and reports it; with the last one the room is finished.
pub(crate) async fn depart(app: &TestApp, person: &ParticipantInfo, room: &str) {
    app.node.leave(&person.sid);
    let at = u64::try_from(super::time::now(app).as_second()).unwrap();
    let kind = webhook::event::PARTICIPANT_LEFT;
    let report = webhook::participant_event(kind, app.node.room(room), person.clone(), at);
    app.node.report(app, &report).await.expect(204);
    if app.node.room(room).num_participants == 0 {
        let report = webhook::room_event(webhook::event::ROOM_FINISHED, app.node.room(room), at);
        app.node.report(app, &report).await.expect(204);
    }
}

/// Proves somebody's address by the code that is mailed there.
pub(crate) async fn verify(app: &TestApp, who: &Person) {
    let code = app.mail().code(&who.email, "Confirm", 1).await;
    app.post("/auth/email/verify/confirm", Some(&who.access), json!({ "code": code })).await.expect(200);
}
