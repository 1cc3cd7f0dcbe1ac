//! What the nodes really run is the truth, whatever was reported.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{LOST, TestApp, both};

async fn present(app: &TestApp, room: &str, token: &str) -> Vec<String> {
    let call = app.get(&format!("/rooms/{room}/call"), Some(token)).await;
    let people = call.json["participants"].as_array().cloned().unwrap_or_default();
    people.iter().filter_map(|person| person["name"].as_str().map(str::to_owned)).collect()
}

both! {
    async fn learns_of_arrivals_and_departures_nobody_reported(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let id = app.room(&ada, "public").await.text("/id");
        app.node.beat(app).await.expect(200);
        let path = format!("/rooms/{id}/join");
        let first = app.post(&path, Some(&ada.access), json!({})).await.expect(200);
        let first = app.node.enter(&first.text("/token"));
        let second = app.post(&path, Some(&eve.access), json!({})).await.expect(200);
        app.node.enter(&second.text("/token"));
        app.control.reconcile().await.unwrap();
        assert_eq!(present(app, &id, &ada.access).await, ["Ada", "Eve"]);
        app.clock.advance(Duration::from_secs(1));
        app.node.leave(&first.sid);
        app.control.reconcile().await.unwrap();
        assert_eq!(present(app, &id, &ada.access).await, ["Eve"]);
    }

    async fn ends_a_call_whose_room_is_gone(app) {
        let ada = app.person("Ada").await;
        let id = app.room(&ada, "public").await.text("/id");
        app.node.beat(app).await.expect(200);
        let join = app.post(&format!("/rooms/{id}/join"), Some(&ada.access), json!({})).await.expect(200);
        app.node.join(app, &join.text("/token"), &id).await;
        app.node.rooms.lock().unwrap().clear();
        app.clock.advance(Duration::from_secs(2));
        app.control.reconcile().await.unwrap();
        let calls = app.get(&format!("/rooms/{id}/calls"), Some(&ada.access)).await.expect(200);
        assert_eq!(calls.text("/items/0/state"), "ended");
        assert_ne!(calls.json["items"][0]["ended_at"], Value::Null);
    }

    async fn drops_a_call_nobody_came_to(app) {
        let ada = app.person("Ada").await;
        let id = app.room(&ada, "public").await.text("/id");
        app.node.beat(app).await.expect(200);
        let path = format!("/rooms/{id}/join");
        app.post(&path, Some(&ada.access), json!({})).await.expect(200);
        app.node.rooms.lock().unwrap().clear();
        app.control.reconcile().await.unwrap();
        app.clock.advance(Duration::from_secs(301));
        app.node.beat(app).await.expect(200);
        app.control.reconcile().await.unwrap();
        let calls = app.get(&format!("/rooms/{id}/calls"), Some(&ada.access)).await.expect(200);
        assert_eq!(calls.json["items"], json!([]));
        app.post(&path, Some(&app.person("Eve").await.access), json!({})).await.expect(200);
    }

    async fn closes_the_calls_of_a_node_that_is_gone(app) {
        let ada = app.person("Ada").await;
        let id = app.room(&ada, "public").await.text("/id");
        app.node.beat(app).await.expect(200);
        let path = format!("/rooms/{id}/join");
        let join = app.post(&path, Some(&ada.access), json!({})).await.expect(200);
        app.node.join(app, &join.text("/token"), &id).await;
        app.clock.advance(LOST);
        app.control.reconcile().await.unwrap();
        let calls = app.get(&format!("/rooms/{id}/calls"), Some(&ada.access)).await.expect(200);
        assert_eq!(calls.text("/items/0/state"), "ended");
        assert!(calls.json["items"][0]["duration_s"].as_i64().unwrap() < 100, "it ended with the last heartbeat");
    }

    async fn opens_a_new_call_when_the_node_forgot_the_room(app) {
        let ada = app.person("Ada").await;
        let id = app.room(&ada, "public").await.text("/id");
        app.node.beat(app).await.expect(200);
        let path = format!("/rooms/{id}/join");
        let join = app.post(&path, Some(&ada.access), json!({})).await.expect(200);
        app.node.join(app, &join.text("/token"), &id).await;
        app.node.rooms.lock().unwrap().clear();
        let again = app.post(&path, Some(&ada.access), json!({})).await.expect(200);
        app.node.join(app, &again.text("/token"), &id).await;
        assert_eq!(present(app, &id, &ada.access).await, ["Ada"]);
        let calls = app.get(&format!("/rooms/{id}/calls"), Some(&ada.access)).await.expect(200);
        let states: Vec<_> = calls.json["items"].as_array().unwrap().iter().map(|call| call["state"].clone()).collect();
        assert_eq!(states, ["active", "ended"]);
    }
}
