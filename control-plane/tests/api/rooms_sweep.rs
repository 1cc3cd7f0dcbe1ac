//! What ends by time alone: rooms that expire, breakouts that everybody left.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::meeting::{arrive, depart};
use crate::support::time::{in_minutes, pass};
use crate::support::{Person, TestApp, both};

async fn join(app: &TestApp, path: &str, who: &Person, room: &str) -> signaling_proto::proto::ParticipantInfo {
    let grant = app.post(&format!("{path}/join"), Some(&who.access), json!({})).await.expect(200);
    arrive(app, &grant.text("/token"), room).await
}

both! {
    async fn an_expired_room_closes_and_says_so_once(app, |config| config.sessions.access_ttl_s = 86_400) {
        app.node.beat(app).await.expect(200);
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let form = json!({
            "name": "Pop-up", "type": "video", "access_level": "public", "expires_at": in_minutes(app, 10)
        });
        let room = app.post("/rooms", Some(&ada.access), form).await.expect(201);
        let (id, code) = (room.text("/id"), room.text("/code"));
        let path = format!("/rooms/{id}");
        join(app, &path, &ada, &id).await;
        join(app, &path, &eve, &id).await;
        let wire = app.wire().await;
        let mut socket = wire.open(&ada.access).await;
        socket.subscribe(&[&format!("room:{id}")], None).await;
        app.control.reconcile().await.unwrap();
        assert_eq!(app.node.called(&format!("DeleteRoom {id}")), 0, "not before its time");

        pass(app, 11);
        app.node.beat(app).await.expect(200);
        app.control.reconcile().await.unwrap();
        // The job that closes the call may be done before the room is noted.
        let mut told = Vec::new();
        while told.len() < 2 {
            let frame = socket.next().await;
            match frame["type"].as_str() {
                Some("room.expired") => told.push(frame["payload"]["room_id"].clone()),
                Some("call.ended") => told.push(frame["payload"]["reason"].clone()),
                _ => {}
            }
        }
        assert!(told.contains(&json!(id)) && told.contains(&json!("room_expired")), "{told:?}");
        assert!(app.node.called(&format!("DeleteRoom {id}")) > 0);
        app.get(&path, Some(&eve.access)).await.problem(404, "room_not_found");
        app.get(&format!("/rooms/{code}"), None).await.problem(404, "room_not_found");
        app.post(&format!("{path}/join"), Some(&ada.access), json!({})).await.problem(404, "room_not_found");
        assert_eq!(app.get(&path, Some(&ada.access)).await.expect(200).text("/name"), "Pop-up", "its members find it");

        // Said once, however often one looks; more time opens it again, and then it expires again.
        app.control.reconcile().await.unwrap();
        app.patch(&path, Some(&ada.access), json!({ "expires_at": in_minutes(app, 10) })).await.expect(200);
        loop {
            let frame = socket.next().await;
            assert_ne!(frame["type"], "room.expired", "said twice");
            if frame["type"] == "room.updated" {
                break;
            }
        }
        join(app, &path, &eve, &id).await;
        let before = app.node.called(&format!("DeleteRoom {id}"));
        pass(app, 11);
        app.node.beat(app).await.expect(200);
        app.control.reconcile().await.unwrap();
        socket.until("room.expired").await;
        app.eventually("its call is closed again", async || app.node.called(&format!("DeleteRoom {id}")) > before).await;
    }

    async fn breakouts_that_everybody_left_end_with_their_call(app, |config| config.sessions.access_ttl_s = 86_400) {
        app.node.beat(app).await.expect(200);
        let (ada, ben) = (app.person("Ada").await, app.person("Ben").await);
        let room = app.room(&ada, "trusted").await.text("/id");
        let main = format!("/rooms/{room}");
        let stays = [join(app, &main, &ada, &room).await, join(app, &main, &ben, &room).await];
        let call = app.get(&format!("{main}/call"), Some(&ada.access)).await.expect(200).text("/id");
        let path = format!("/calls/{call}/breakouts");
        let made = app.post(&path, Some(&ada.access), json!({ "count": 1, "assign": "evenly" })).await.expect(201);
        let breakout = made.text("/items/0/id");
        app.post(&format!("{path}/open"), Some(&ada.access), json!({})).await.expect(200);
        let inside = join(app, &format!("{path}/{breakout}"), &ben, &breakout).await;
        for stay in &stays {
            depart(app, stay, &room).await;
        }
        let state = async || app.get(&format!("/calls/{call}"), Some(&ada.access)).await.expect(200).text("/state");
        let sweep = async |seconds: u64| {
            app.clock.advance(Duration::from_secs(seconds));
            app.node.beat(app).await.expect(200);
            app.control.reconcile().await.unwrap();
        };
        // As long as somebody is in one of them, all of it goes on.
        sweep(300).await;
        assert_eq!(state().await, "active");
        depart(app, &inside, &breakout).await;
        sweep(90).await;
        assert_eq!(state().await, "active", "they may come back");
        sweep(60).await;
        assert_eq!(state().await, "ended");
        let ended = app.get(&format!("/calls/{call}"), Some(&ada.access)).await.expect(200);
        assert_eq!(ended.text("/end_reason"), "finished");
        let late = app.post(&format!("{path}/{breakout}/join"), Some(&ada.access), json!({})).await;
        late.problem(409, "breakout_closed");
        app.get(&format!("{main}/call"), Some(&ada.access)).await.problem(404, "no_open_call");
        assert_eq!(app.get(&path, Some(&ada.access)).await.expect(200).json["items"], Value::Array(Vec::new()));
    }
}
