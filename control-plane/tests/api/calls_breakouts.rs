//! `/calls/{call_id}/breakouts`: split, sent, visited, called back.

use std::time::Duration;

use serde_json::json;
use signaling_proto::proto::ParticipantInfo;
use signaling_proto::{unix_now, webhook};

use crate::support::{Person, TestApp, both};

/// A trusted room with Ada (host), Ben and Cem in its call: the room, the call, the people.
async fn scene(app: &TestApp) -> (String, String, Vec<(Person, ParticipantInfo)>) {
    app.node.beat(app).await.expect(200);
    let mut people = Vec::new();
    let mut room = String::new();
    for name in ["Ada", "Ben", "Cem"] {
        let person = app.person(name).await;
        if room.is_empty() {
            room = app.room(&person, "trusted").await.text("/id");
        }
        let join = app.post(&format!("/rooms/{room}/join"), Some(&person.access), json!({})).await.expect(200);
        let inside = app.node.join(app, &join.text("/token"), &room).await;
        people.push((person, inside));
    }
    let call = app.get(&format!("/rooms/{room}/call"), Some(&people[0].0.access)).await.expect(200).text("/id");
    (room, call, people)
}

/// Opens a breakout, into which somebody goes; its id.
async fn go_apart(app: &TestApp, call: &str, host: &Person, who: &Person) -> String {
    let path = format!("/calls/{call}/breakouts");
    let made = app.post(&path, Some(&host.access), json!({ "count": 1, "assign": "evenly" })).await.expect(201);
    let id = made.text("/items/0/id");
    app.post(&format!("{path}/open"), Some(&host.access), json!({})).await.expect(200);
    let answer = app.post(&format!("{path}/{id}/join"), Some(&who.access), json!({})).await.expect(200);
    app.node.join(app, &answer.text("/token"), &id).await;
    id
}

both! {
    async fn tell_those_inside_what_happens_there(app) {
        let (_, call, people) = scene(app).await;
        let [(ada, _), (ben, _), (cem, _)] = &people[..] else { panic!("three people") };
        let one = go_apart(app, &call, ada, ben).await;
        let wire = app.wire().await;
        let topic = format!("room:{one}");
        for (person, hears) in [(ben, true), (cem, false)] {
            let mut socket = wire.open(&person.access).await;
            let answer = socket.ask(json!({ "type": "subscribe", "topics": [topic] })).await;
            assert_eq!(answer["topics"] == json!([topic]), hears, "{answer}");
        }
    }

    async fn let_people_back_into_a_locked_call(app) {
        let (room, call, people) = scene(app).await;
        let [(ada, _), (ben, bens), (cem, cems)] = &people[..] else { panic!("three people") };
        go_apart(app, &call, ada, ben).await;
        app.node.part(app, bens, &room).await;
        app.post(&format!("/calls/{call}/lock"), Some(&ada.access), json!({})).await.expect(200);
        app.clock.advance(Duration::from_secs(600));
        app.node.beat(app).await.expect(200);
        let join = format!("/rooms/{room}/join");
        app.post(&join, Some(&ben.access), json!({})).await.expect(200);
        // Who left altogether has to ask.
        app.node.part(app, cems, &room).await;
        app.clock.advance(Duration::from_secs(200));
        app.node.beat(app).await.expect(200);
        app.post(&join, Some(&cem.access), json!({})).await.problem(403, "call_locked");
    }

    async fn split_a_call_and_bring_it_together(app) {
        let (room, call, people) = scene(app).await;
        let [(ada, adas), (ben, bens), (cem, cems)] = &people[..] else { panic!("three people") };
        let path = format!("/calls/{call}/breakouts");
        app.post(&format!("{path}/open"), Some(&ada.access), json!({})).await.problem(409, "no_breakouts");
        let body = json!({ "count": 2, "assign": "evenly" });
        app.post(&path, Some(&ben.access), body.clone()).await.problem(403, "forbidden");
        let made = app.post(&path, Some(&ada.access), body.clone()).await.expect(201);
        let items = made.json["items"].as_array().unwrap();
        assert_eq!(items.iter().map(|item| item["assigned"].as_array().unwrap().len()).collect::<Vec<_>>(), [1, 1]);
        app.post(&path, Some(&ada.access), body).await.problem(409, "breakouts_exist");
        let (one, two) = (made.text("/items/0/id"), made.text("/items/1/id"));
        let moves = json!({ "assignments": [
            { "participant": bens.identity, "breakout_id": one },
            { "participant": cems.identity, "breakout_id": two },
        ] });
        app.call(http::Method::PUT, &format!("{path}/assignments"), Some(&ada.access), Some(moves)).await.expect(200);
        let join = |person: &Person, id: &str| {
            let (path, token) = (format!("{path}/{id}/join"), person.access.clone());
            async move { app.post(&path, Some(&token), json!({})).await }
        };
        join(ben, &one).await.problem(409, "breakout_closed");
        app.post(&format!("{path}/open"), Some(&ada.access), json!({})).await.expect(200);
        app.eventually("people are told where to go", async || {
            app.node.attribute(&bens.identity, "breakout").as_deref() == Some(one.as_str())
        }).await;
        assert_eq!(app.get(&path, Some(&ben.access)).await.expect(200).json["items"].as_array().unwrap().len(), 1);
        join(ben, &two).await.problem(403, "not_assigned");
        join(ben, "x").await.problem(404, "breakout_not_found");
        let answer = join(ben, &one).await.expect(200);
        let inside = app.node.join(app, &answer.text("/token"), &one).await;
        assert_eq!(inside.attributes["role"], "participant");
        let visit = join(ada, &two).await.expect(200);
        assert_eq!(app.node.join(app, &visit.text("/token"), &two).await.attributes["role"], "host");
        join(cem, &two).await.expect(200);
        let list = app.get(&path, Some(&ada.access)).await.expect(200);
        assert_eq!((&list.json["items"][0]["present"], list.text("/items/0/state")), (&json!(1), "open".into()));
        // Nobody else finds the room of a breakout, and no list shows it.
        app.get(&format!("/rooms/{one}"), Some(&ada.access)).await.problem(404, "room_not_found");
        app.post(&format!("/rooms/{one}/join"), Some(&ben.access), json!({})).await.problem(404, "room_not_found");
        assert_eq!(app.get("/rooms", Some(&ada.access)).await.json["items"].as_array().unwrap().len(), 1);

        // The main call goes on although everybody is elsewhere.
        for (_, inside) in &people {
            app.node.part(app, inside, &room).await;
        }
        let over = webhook::room_event(webhook::event::ROOM_FINISHED, app.node.room(&room), unix_now());
        app.node.report(app, &over).await.expect(204);
        assert_eq!(app.get(&format!("/calls/{call}"), Some(&ada.access)).await.text("/state"), "active");
        let back = app.post(&format!("/rooms/{room}/join"), Some(&ada.access), json!({})).await.expect(200);
        app.node.join(app, &back.text("/token"), &room).await;
        assert_eq!(app.get(&format!("/rooms/{room}/call"), Some(&ada.access)).await.text("/id"), call);

        let closing = app.post(&format!("{path}/close"), Some(&ada.access), json!({ "grace_s": 1 })).await.expect(200);
        assert_eq!(closing.text("/items/0/state"), "closing");
        app.eventually("people are called back", async || {
            app.node.attribute(&inside.identity, "recall_at").is_some() || app.node.called(&format!("DeleteRoom {one}")) >= 1
        }).await;
        app.clock.advance(Duration::from_secs(2));
        app.eventually("the breakouts are closed", async || app.node.called(&format!("DeleteRoom {one}")) >= 1).await;
        assert_eq!(app.get(&path, Some(&ada.access)).await.expect(200).json["items"], json!([]));
        assert!(!adas.identity.is_empty());
    }

    async fn end_with_their_call(app) {
        let (_, call, people) = scene(app).await;
        let ada = &people[0].0;
        let path = format!("/calls/{call}/breakouts");
        let body = json!({ "names": ["Red", "Blue"], "assign": "evenly" });
        let made = app.post(&path, Some(&ada.access), body).await.expect(201);
        assert_eq!(made.text("/items/1/name"), "Blue");
        app.post(&format!("{path}/open"), Some(&ada.access), json!({})).await.expect(200);
        let one = made.text("/items/0/id");
        let visit = app.post(&format!("{path}/{one}/join"), Some(&ada.access), json!({})).await.expect(200);
        app.node.join(app, &visit.text("/token"), &one).await;
        app.post(&format!("/calls/{call}/end"), Some(&ada.access), json!({})).await.expect(200);
        app.eventually("the breakout is closed", async || app.node.called(&format!("DeleteRoom {one}")) >= 1).await;
        let late = app.post(&format!("{path}/{one}/join"), Some(&ada.access), json!({})).await;
        late.problem(409, "breakout_closed");
    }

    async fn refuse_nonsense(app) {
        let (_, call, people) = scene(app).await;
        let token = Some(people[0].0.access.as_str());
        let path = format!("/calls/{call}/breakouts");
        app.post(&path, token, json!({})).await.blames(&["count"]);
        app.post(&path, token, json!({ "count": 0 })).await.blames(&["count"]);
        app.post(&path, token, json!({ "count": 51 })).await.blames(&["count"]);
        app.post(&path, token, json!({ "names": ["ok", "\u{0}"] })).await.blames(&["names[1]"]);
        app.post(&path, token, json!({ "count": 1 })).await.expect(201);
        app.post(&format!("{path}/close"), token, json!({ "grace_s": 301 })).await.blames(&["grace_s"]);
        let moves = json!({ "assignments": [{ "participant": "nobody", "breakout_id": null }] });
        let put = app.call(http::Method::PUT, &format!("{path}/assignments"), token, Some(moves)).await;
        put.problem(404, "participant_not_found");
        app.get(&path, None).await.problem(401, "sign_in_required");
        app.get("/calls/x/breakouts", token).await.problem(404, "call_not_found");
        let attempts = (0..4).map(|_| app.post(&path, token, json!({ "count": 2 })));
        for answer in futures_util::future::join_all(attempts).await {
            answer.problem(409, "breakouts_exist");
        }
    }
}
