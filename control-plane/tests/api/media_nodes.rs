//! Several media nodes: where calls are placed, what happens when a node dies, comes back or drains.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use signaling_proto::heartbeat::{Heartbeat, NodeState};
use signaling_proto::{unix_now, webhook};

use crate::support::{Answer, FakeNode, LOST, Mood, Person, SILENT, TestApp, both};

/// The heartbeat of the node called `name`.
async fn beat(app: &TestApp, name: &str, change: impl FnOnce(&mut Heartbeat)) -> Answer {
    let mut heartbeat = FakeNode::idle(name);
    change(&mut heartbeat);
    app.node.beat_as(app, &format!("ND_{name}"), &heartbeat).await.expect(200)
}

/// Nodes `a` and `b`; `a` is the less loaded.
async fn two_nodes(app: &TestApp) -> (Arc<FakeNode>, Arc<FakeNode>) {
    let nodes = (app.node.another("a"), app.node.another("b"));
    beats(app).await;
    nodes
}

async fn beats(app: &TestApp) {
    beat(app, "a", |beat| beat.load = 0.1).await;
    beat(app, "b", |beat| beat.load = 0.2).await;
}

async fn join(app: &TestApp, room: &str, who: &Person) -> Answer {
    app.post(&format!("/rooms/{room}/join"), Some(&who.access), json!({})).await.expect(200)
}

async fn calls(app: &TestApp, room: &str, who: &Person) -> Vec<Value> {
    let page = app.get(&format!("/rooms/{room}/calls"), Some(&who.access)).await.expect(200);
    page.json["items"].as_array().unwrap().clone()
}

async fn present(app: &TestApp, room: &str, who: &Person) -> usize {
    let call = app.get(&format!("/rooms/{room}/call"), Some(&who.access)).await;
    call.json["participants"].as_array().map_or(0, Vec::len)
}

both! {
    async fn take_calls_of_the_wanted_region(app) {
        let ada = app.person("Ada").await;
        for (name, region, load) in [("eu1", "eu", 0.9), ("eu2", "eu", 0.5), ("us1", "us", 0.1)] {
            app.node.another(name);
            beat(app, name, |beat| (beat.region, beat.load) = (region.into(), load)).await;
        }
        let at = async |config: Value, hint: Value| {
            let body = json!({ "name": "Here", "type": "video", "config": config });
            let id = app.post("/rooms", Some(&ada.access), body).await.expect(201).text("/id");
            let join = app.post(&format!("/rooms/{id}/join"), Some(&ada.access), json!({ "region": hint })).await;
            join.expect(200).text("/url")
        };
        assert_eq!(at(json!({}), Value::Null).await, "ws://us1.test");
        assert_eq!(at(json!({}), json!("eu")).await, "ws://eu2.test");
        assert_eq!(at(json!({ "media_region": "eu" }), json!("us")).await, "ws://eu2.test");
        assert_eq!(at(json!({ "media_region": "mars" }), Value::Null).await, "ws://us1.test");
        let path = format!("/rooms/{}/join", app.room(&ada, "trusted").await.text("/id"));
        for region in ["", "a\u{0}b", &"x".repeat(65)] {
            app.post(&path, Some(&ada.access), json!({ "region": region })).await.blames(&["region"]);
            let body = json!({ "name": "Here", "config": { "media_region": region } });
            app.post("/rooms", Some(&ada.access), body).await.blames(&["config.media_region"]);
        }
    }

    async fn share_calls_between_two_heartbeats(app) {
        let ada = app.person("Ada").await;
        for name in ["a", "b", "c"] {
            app.node.another(name);
            beat(app, name, |_| ()).await;
        }
        let mut urls = Vec::new();
        for _ in 0..6 {
            let id = app.room(&ada, "trusted").await.text("/id");
            urls.push(join(app, &id, &ada).await.text("/url"));
        }
        urls.sort();
        let (a, b, c) = ("ws://a.test", "ws://b.test", "ws://c.test");
        assert_eq!(urls, [a, a, b, b, c, c]);
    }

    async fn at_once_agree_on_one_node(app) {
        let ada = app.person("Ada").await;
        let (a, b) = two_nodes(app).await;
        for _ in 0..5 {
            let id = app.room(&ada, "trusted").await.text("/id");
            // Between the joins the other node becomes the better one, so that they want different ones.
            let (app, ada, id) = (&app, &ada, &id);
            let joins = (0..6).map(|n| async move {
                beat(app, if n % 2 == 0 { "a" } else { "b" }, |beat| beat.load = 0.01 * n as f32).await;
                join(app, id, ada).await.text("/url")
            });
            let mut urls = futures_util::future::join_all(joins).await;
            urls.dedup();
            assert_eq!(urls.len(), 1, "everybody is sent to the same node: {urls:?}");
        }
        assert!(a.called("CreateRoom") + b.called("CreateRoom") >= 5);
    }

    async fn are_agreed_on_by_two_replicas(app) {
        let ada = app.person("Ada").await;
        two_nodes(app).await;
        let second = app.second().await;
        for round in 0..5 {
            let id = app.room(&ada, "trusted").await.text("/id");
            let path = format!("/rooms/{id}/join");
            let (app, ada, second, path) = (&app, &ada, &second, &path);
            // Whichever looks first sees another node as the better one than the next.
            let joins = (0..8).map(|n| async move {
                beat(app, if n % 2 == 0 { "a" } else { "b" }, |beat| beat.load = 0.05 * n as f32).await;
                let answer = match n % 2 {
                    0 => app.post(path, Some(&ada.access), json!({})).await,
                    _ => second.post(path, Some(&ada.access), json!({})).await,
                };
                answer.expect(200).text("/url")
            });
            let mut urls = futures_util::future::join_all(joins).await;
            urls.dedup();
            assert_eq!(urls.len(), 1, "round {round}: {urls:?}");
        }
        second.control.stop().await;
    }

    async fn are_not_called_dead_because_our_own_clock_jumped(app) {
        let ada = app.person("Ada").await;
        let (a, _b) = two_nodes(app).await;
        let id = app.room(&ada, "public").await.text("/id");
        let grant = join(app, &id, &ada).await;
        a.join(app, &grant.text("/token"), &id).await;
        // As after a machine was asleep: everybody was silent, and so were we.
        app.clock.advance(Duration::from_secs(600));
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert_eq!(present(app, &id, &ada).await, 1);
        beats(app).await;
        assert_eq!(join(app, &id, &ada).await.text("/url"), "ws://a.test");
    }

    async fn that_refuse_lose_the_call_to_another(app, |config| config.calls.create_room_timeout_ms = 100) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let (a, _b) = two_nodes(app).await;
        let id = app.room(&ada, "public").await.text("/id");
        let first = join(app, &id, &ada).await;
        assert_eq!(first.text("/url"), "ws://a.test");
        let person = a.join(app, &first.text("/token"), &id).await;
        app.clock.advance(Duration::from_secs(3));
        *a.mood.lock().unwrap() = Mood::Silent;
        let second = join(app, &id, &eve).await;
        assert_eq!(second.text("/url"), "ws://b.test");
        let b = Arc::clone(&app.node.others.lock().unwrap()["b.test"]);
        b.join(app, &second.text("/token"), &id).await;
        let history = calls(app, &id, &ada).await;
        assert_eq!(history.len(), 2);
        assert_eq!((history[0]["state"].as_str(), history[1]["state"].as_str()), (Some("active"), Some("ended")));
        assert!(history[1]["duration_s"].as_i64().unwrap() <= 3, "it ended when the node was last heard of");
        // The old node was only slow: what it still says about the old room changes nothing, and it is told to end it.
        *a.mood.lock().unwrap() = Mood::Well;
        let room = a.room(&id);
        let told = beat(app, "a", |beat| beat.rooms = 1).await;
        assert_eq!(told.json["moved"], json!([room.sid]));
        a.part(app, &person, &id).await;
        a.join(app, &first.text("/token"), &id).await;
        app.control.reconcile().await.unwrap();
        assert_eq!(present(app, &id, &ada).await, 1);
        assert_eq!(calls(app, &id, &ada).await.len(), 2);
        let other = beat(app, "b", |beat| beat.rooms = 1).await;
        assert_eq!(other.json, json!({ "state": "up" }));
    }

    async fn that_die_have_their_calls_closed_at_their_last_sign_of_life(app) {
        let ada = app.person("Ada").await;
        let (a, b) = two_nodes(app).await;
        let id = app.room(&ada, "public").await.text("/id");
        let grant = join(app, &id, &ada).await;
        a.join(app, &grant.text("/token"), &id).await;
        app.clock.advance(Duration::from_secs(5));
        beats(app).await;
        *a.mood.lock().unwrap() = Mood::Refusing;
        app.clock.advance(LOST - SILENT);
        beat(app, "b", |beat| beat.load = 0.2).await;
        app.control.reconcile().await.unwrap();
        assert_eq!(present(app, &id, &ada).await, 1, "so much silence may pass");
        app.clock.advance(SILENT);
        beat(app, "b", |beat| beat.load = 0.2).await;
        app.control.reconcile().await.unwrap();
        let history = calls(app, &id, &ada).await;
        assert_eq!((history.len(), history[0]["state"].as_str()), (1, Some("ended")));
        assert!((4..=60).contains(&history[0]["duration_s"].as_i64().unwrap()), "{}", history[0]);
        let again = join(app, &id, &ada).await;
        assert_eq!(again.text("/url"), "ws://b.test");
        b.join(app, &again.text("/token"), &id).await;
        assert_eq!(present(app, &id, &ada).await, 1);
    }

    async fn that_die_lose_their_rooms_at_the_next_join(app) {
        let ada = app.person("Ada").await;
        let (a, b) = two_nodes(app).await;
        let id = app.room(&ada, "public").await.text("/id");
        let grant = join(app, &id, &ada).await;
        a.join(app, &grant.text("/token"), &id).await;
        app.clock.advance(SILENT);
        beat(app, "b", |beat| beat.load = 0.2).await;
        let again = join(app, &id, &ada).await;
        assert_eq!(again.text("/url"), "ws://b.test");
        assert_eq!(a.called("CreateRoom"), 1, "a silent node is not asked");
        b.join(app, &again.text("/token"), &id).await;
        let history = calls(app, &id, &ada).await;
        assert_eq!((history[0]["state"].as_str(), history[1]["state"].as_str()), (Some("active"), Some("ended")));
        assert_eq!(history[1]["duration_s"], 0, "until the last heartbeat, which came before the person");
    }

    async fn that_come_back_keep_the_calls_nobody_moved(app) {
        let (ada, eve) = (app.person("Ada").await, app.person("Eve").await);
        let (a, _b) = two_nodes(app).await;
        let id = app.room(&ada, "public").await.text("/id");
        let path = format!("/rooms/{id}/join");
        let grant = join(app, &id, &ada).await;
        a.join(app, &grant.text("/token"), &id).await;
        let grant = app.post(&path, Some(&eve.access), json!({})).await.expect(200);
        let eve_inside = a.join(app, &grant.text("/token"), &id).await;
        *a.mood.lock().unwrap() = Mood::Refusing;
        app.clock.advance(LOST);
        app.control.reconcile().await.unwrap();
        assert_eq!(calls(app, &id, &ada).await[0]["state"], "ended");
        // Out of reach, not dead: one person left meanwhile.
        a.leave(&eve_inside.sid);
        *a.mood.lock().unwrap() = Mood::Well;
        let told = beat(app, "a", |beat| beat.rooms = 1).await;
        assert_eq!(told.json, json!({ "state": "up" }));
        app.control.reconcile().await.unwrap();
        let history = calls(app, &id, &ada).await;
        assert_eq!((history.len(), history[0]["state"].as_str()), (1, Some("active")));
        assert_eq!(history[0]["ended_at"], Value::Null);
        assert_eq!(present(app, &id, &ada).await, 1);
        assert_eq!(join(app, &id, &ada).await.text("/url"), "ws://a.test");
    }

    async fn are_found_out_for_calls_that_a_report_opened(app) {
        let root = crate::media_nodes_admin::root(app).await;
        let (a, _b) = two_nodes(app).await;
        let id = app.room(&root, "public").await.text("/id");
        let grant = join(app, &id, &root).await;
        // The call is dropped, since nobody came, and then somebody comes after all.
        let over = webhook::room_event(webhook::event::ROOM_FINISHED, a.room(&id), unix_now());
        a.report(app, &over).await.expect(204);
        a.join(app, &grant.text("/token"), &id).await;
        assert_eq!(present(app, &id, &root).await, 1);
        let placed = async || app.get("/admin/media-nodes/ND_a", Some(&root.access)).await.json["open_calls"].clone();
        assert_eq!(placed().await, 0, "a report does not say which node it comes from");
        app.control.reconcile().await.unwrap();
        assert_eq!(placed().await, 1);
    }

    async fn that_drain_keep_their_rooms_and_get_no_new_ones(app) {
        let ada = app.person("Ada").await;
        let (a, _b) = two_nodes(app).await;
        let id = app.room(&ada, "public").await.text("/id");
        let grant = join(app, &id, &ada).await;
        a.join(app, &grant.text("/token"), &id).await;
        let root = crate::media_nodes_admin::root(app).await;
        let path = "/admin/media-nodes/ND_a/drain";
        app.post(path, Some(&root.access), json!({ "deadline_s": 60 })).await.expect(200);
        let told = beat(app, "a", |beat| beat.rooms = 1).await;
        assert_eq!(told.json, json!({ "state": "draining", "drain_left_s": 60 }));
        assert_eq!(join(app, &id, &ada).await.text("/url"), "ws://a.test", "who comes to a room on it still goes there");
        let other = app.room(&ada, "public").await.text("/id");
        assert_eq!(join(app, &other, &ada).await.text("/url"), "ws://b.test");
        app.clock.advance(Duration::from_secs(59));
        assert_eq!(beat(app, "a", |_| ()).await.json["drain_left_s"], 1);
        app.clock.advance(Duration::from_secs(2));
        assert_eq!(beat(app, "a", |_| ()).await.json, json!({ "state": "draining", "drain_left_s": 0 }));
        // The node has ended its room and makes none again: the next join goes elsewhere.
        *a.mood.lock().unwrap() = Mood::Refusing;
        beat(app, "b", |_| ()).await;
        assert_eq!(join(app, &id, &ada).await.text("/url"), "ws://b.test");
        app.post("/admin/media-nodes/ND_a/undrain", Some(&root.access), Value::Null).await.expect(200);
        assert_eq!(beat(app, "a", |_| ()).await.json, json!({ "state": "up" }));
        let own_wish = beat(app, "a", |beat| beat.state = NodeState::Draining).await;
        assert_eq!(own_wish.json, json!({ "state": "up" }), "what a node wants by itself it is not told back");
    }
}
