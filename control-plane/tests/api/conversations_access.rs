//! Who may read, write and listen in a room's conversation, when rights to the room are lost or never were there.

use serde_json::{Value, json};

use crate::support::files::{Part, form};
use crate::support::{Answer, Person, TestApp, both, talk};

/// A room of Ada's with something said in it, and a node for its calls.
async fn scene(app: &TestApp, config: Value, access_level: &str) -> (Person, Answer) {
    app.node.beat(app).await.expect(200);
    let ada = app.person("Ada").await;
    let body = json!({ "name": "Room", "access_level": access_level, "config": config });
    let room = app.post("/rooms", Some(&ada.access), body).await.expect(201);
    talk::say(app, &ada.access, &talk::of_room(&room), "between us").await;
    (ada, room)
}

fn topics(room: &Answer) -> [String; 2] {
    [format!("room:{}", room.text("/id")), format!("conversation:{}", room.text("/conversation_id"))]
}

/// Checks that the conversation, for this person or guest, is not there.
async fn is_shut_out(app: &TestApp, token: &str, room: &Answer) {
    let (messages, conversation) = (talk::of_room(room), room.text("/conversation_id"));
    app.get(&messages, Some(token)).await.problem(404, "conversation_not_found");
    app.post(&messages, Some(token), json!({ "body": "hear me" })).await.problem(404, "conversation_not_found");
    app.get(&format!("/conversations/{conversation}"), Some(token)).await.problem(404, "conversation_not_found");
    let typing = format!("/conversations/{conversation}/typing");
    app.post(&typing, Some(token), json!({})).await.problem(404, "conversation_not_found");
    let upload = form(&conversation, Some(token), &[Part::new("a.txt", "text/plain", b"hello")]);
    app.send(upload).await.problem(404, "conversation_not_found");
    let wire = app.wire().await;
    let mut socket = wire.open(token).await;
    let answer = socket.ask(json!({ "type": "subscribe", "topics": topics(room) })).await;
    assert_eq!(answer["refused"].as_array().map(Vec::len), Some(2), "{answer}");
}

both! {
    async fn ends_with_a_ban(app) {
        let (ada, room) = scene(app, json!({}), "public").await;
        let (id, code, messages) = (room.text("/id"), room.text("/code"), talk::of_room(&room));
        let eve = app.person("Eve").await;
        let join = app.post(&format!("/rooms/{code}/join"), Some(&eve.access), json!({})).await.expect(200);
        app.node.join(app, &join.text("/token"), &id).await;
        talk::say(app, &eve.access, &messages, "hello").await;
        let wire = app.wire().await;
        let (mut both, mut only) = (wire.open(&eve.access).await, wire.open(&eve.access).await);
        let [of_room, of_conversation] = topics(&room);
        both.subscribe(&[&of_room, &of_conversation], None).await;
        only.subscribe(&[&of_conversation], None).await;
        app.post(&format!("/rooms/{id}/bans"), Some(&ada.access), json!({ "user_id": eve.id })).await.expect(201);
        for (socket, lost) in [(&mut both, 2), (&mut only, 1)] {
            let told = socket.until("unsubscribed").await;
            assert_eq!(told["topics"].as_array().map(Vec::len), Some(lost), "{told}");
        }
        is_shut_out(app, &eve.access, &room).await;
        app.get(&format!("/rooms/{id}"), Some(&eve.access)).await.problem(404, "room_not_found");
        app.get(&format!("/rooms/{id}/call"), Some(&eve.access)).await.problem(404, "room_not_found");
        app.get(&format!("/rooms/{code}/call"), Some(&eve.access)).await.problem(404, "room_not_found");
        app.post(&format!("/rooms/{id}/join"), Some(&eve.access), json!({})).await.problem(403, "banned");
        app.post(&format!("/rooms/{code}/lobby"), Some(&eve.access), json!({})).await.problem(403, "banned");
        let bans = app.get(&format!("/rooms/{id}/bans"), Some(&ada.access)).await.expect(200);
        let ban = format!("/rooms/{id}/bans/{}", bans.text("/items/0/id"));
        app.delete(&ban, Some(&ada.access)).await.expect(204);
        app.get(&messages, Some(&eve.access)).await.expect(200);
    }

    async fn begins_when_somebody_lets_them_in(app) {
        let (ada, room) = scene(app, json!({ "lobby": true }), "public").await;
        let (id, code, messages) = (room.text("/id"), room.text("/code"), talk::of_room(&room));
        let (eve, zoe) = (app.person("Eve").await, app.person("Zoe").await);
        is_shut_out(app, &zoe.access, &room).await;
        app.get(&format!("/rooms/{id}/call"), Some(&zoe.access)).await.problem(403, "lobby_required");
        let knock = async |person: &Person| {
            let path = format!("/rooms/{code}/lobby");
            app.post(&path, Some(&person.access), json!({})).await.expect(200).text("/id")
        };
        let entry = knock(&eve).await;
        is_shut_out(app, &eve.access, &room).await;
        let decide = async |verb: &str| {
            let path = format!("/rooms/{id}/lobby/{entry}/{verb}");
            app.post(&path, Some(&ada.access), json!({})).await.expect(200);
        };
        decide("deny").await;
        is_shut_out(app, &eve.access, &room).await;
        decide("admit").await;
        let join = app.post(&format!("/rooms/{code}/join"), Some(&eve.access), json!({})).await.expect(200);
        let inside = app.node.join(app, &join.text("/token"), &id).await;
        talk::say(app, &eve.access, &messages, "thanks").await;
        let wire = app.wire().await;
        let mut socket = wire.open(&eve.access).await;
        let [of_room, of_conversation] = topics(&room);
        socket.subscribe(&[&of_room, &of_conversation], None).await;
        // Who left the call may read on while it lasts; who is shown out may not.
        app.node.part(app, &inside, &id).await;
        app.get(&messages, Some(&eve.access)).await.expect(200);
        decide("deny").await;
        let lost = socket.until("unsubscribed").await;
        assert_eq!(lost["topics"].as_array().map(Vec::len), Some(2), "{lost}");
        is_shut_out(app, &eve.access, &room).await;
    }

    async fn ends_for_members_who_are_removed_where_there_is_a_lobby(app) {
        let (ada, room) = scene(app, json!({ "lobby": true }), "trusted").await;
        let (id, messages) = (room.text("/id"), talk::of_room(&room));
        let eve = app.person("Eve").await;
        app.organization(&[&ada, &eve]).await;
        let members = format!("/rooms/{id}/members");
        app.post(&members, Some(&ada.access), json!({ "user_id": eve.id })).await.expect(201);
        let join = app.post(&format!("/rooms/{id}/join"), Some(&eve.access), json!({})).await.expect(200);
        let inside = app.node.join(app, &join.text("/token"), &id).await;
        app.node.part(app, &inside, &id).await;
        talk::say(app, &eve.access, &messages, "hello").await;
        app.delete(&format!("{members}/{}", eve.id), Some(&ada.access)).await.expect(204);
        is_shut_out(app, &eve.access, &room).await;
    }

    async fn ends_for_guests_when_the_room_closes_to_them(app) {
        for access_level in ["restricted", "trusted"] {
            app.node.beat(app).await.expect(200);
            let ada = app.person(&format!("Ada-{access_level}")).await;
            let room = app.room(&ada, "public").await;
            let (id, code, messages) = (room.text("/id"), room.text("/code"), talk::of_room(&room));
            let body = json!({ "display_name": "Grace" });
            let join = app.post(&format!("/rooms/{code}/join"), None, body).await.expect(200);
            app.node.join(app, &join.text("/token"), &id).await;
            let guest = join.text("/guest/access_token");
            talk::say(app, &guest, &messages, "hello").await;
            let wire = app.wire().await;
            let mut socket = wire.open(&guest).await;
            let [of_room, of_conversation] = topics(&room);
            socket.subscribe(&[&of_room, &of_conversation], None).await;
            let body = json!({ "access_level": access_level });
            app.patch(&format!("/rooms/{id}"), Some(&ada.access), body).await.expect(200);
            is_shut_out(app, &guest, &room).await;
            let mut lost = 0;
            while lost < 2 {
                lost += socket.until("unsubscribed").await["topics"].as_array().unwrap().len();
            }
        }
    }

    async fn is_not_for_guests_who_wait(app) {
        let (ada, room) = scene(app, json!({}), "trusted").await;
        let (id, code) = (room.text("/id"), room.text("/code"));
        let body = json!({ "display_name": "Grace" });
        let waiting = app.post(&format!("/rooms/{code}/lobby"), None, body).await.expect(200);
        let guest = waiting.text("/guest/access_token");
        is_shut_out(app, &guest, &room).await;
        app.get(&format!("/rooms/{id}/call"), Some(&guest)).await.problem(403, "lobby_required");
        let entry = format!("/rooms/{id}/lobby/{}", waiting.text("/id"));
        app.post(&format!("{entry}/admit"), Some(&ada.access), json!({})).await.expect(200);
        let join = app.post(&format!("/rooms/{code}/join"), Some(&guest), json!({})).await.expect(200);
        app.node.join(app, &join.text("/token"), &id).await;
        app.get(&format!("/rooms/{id}/call"), Some(&guest)).await.expect(200);
        talk::say(app, &guest, &talk::of_room(&room), "thanks").await;
        app.post(&format!("{entry}/deny"), Some(&ada.access), json!({})).await.expect(200);
        is_shut_out(app, &guest, &room).await;
    }
}
