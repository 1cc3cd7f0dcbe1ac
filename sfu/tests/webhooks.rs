//! Webhooks: signed, in order, again after a failure, and the heartbeat to the control plane.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is wrong")]

mod support;

use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;
use sfu::ControlPlane;
use sfu::NodeConfig;
use sfu::WebhookTarget;
use signaling_proto::heartbeat;
use signaling_proto::proto::signal_request::Message as Request;
use signaling_proto::token::KeyStore;
use signaling_proto::webhook;
use support::*;
use wiremock::Mock;
use wiremock::MockServer;
use wiremock::Respond;
use wiremock::ResponseTemplate;
use wiremock::matchers::method;
use wiremock::matchers::path;
use wiremock::matchers::path_regex;

/// Refuses the first requests.
struct FailsFirst(Mutex<u32>);

impl Respond for FailsFirst {
    fn respond(&self, _: &wiremock::Request) -> ResponseTemplate {
        let mut left = self.0.lock().unwrap();
        if *left > 0 {
            *left -= 1;
            return ResponseTemplate::new(500);
        }
        ResponseTemplate::new(200)
    }
}

async fn receiver(failures: u32) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path("/hook")).respond_with(FailsFirst(Mutex::new(failures))).mount(&server).await;
    server
}

fn target(server: &MockServer) -> WebhookTarget {
    WebhookTarget { url: format!("{}/hook", server.uri()), call: None, key: KEY.to_owned(), secret: SECRET.to_owned() }
}

/// Events in the order of their arrival, each verified.
async fn events(server: &MockServer) -> Vec<signaling_proto::proto::WebhookEvent> {
    let keys = KeyStore::with_key(KEY, SECRET);
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .map(|request| {
            assert_eq!(request.headers["content-type"], "application/webhook+json");
            let authorization = request.headers["authorization"].to_str().unwrap();
            webhook::verify(authorization, &request.body, &keys, signaling_proto::unix_now()).unwrap().event
        })
        .collect()
}

async fn wait_for(server: &MockServer, count: usize) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while server.received_requests().await.unwrap().len() < count {
        assert!(tokio::time::Instant::now() < deadline, "only {:?} came", events(server).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_life_of_a_room_is_told_in_order() {
    let server = receiver(0).await;
    let node = start_with(NodeConfig { webhooks: vec![target(&server)], ..config() }).await;
    let admin = admin_token("room");
    node.call("CreateRoom", &admin, json!({"name": "room", "metadata": "m"})).await;
    let mut alice = node.join("room", "alice").await;
    let request = signaling_proto::proto::AddTrackRequest { cid: "mic".to_owned(), source: 2, ..Default::default() };
    let track = alice.add_track(request).await;
    alice.offer(1, offer(&[Section::Data, Section::Microphone("mic")])).await;
    alice.send(Request::Leave(Default::default())).await;
    alice.last_words().await;
    node.call("DeleteRoom", &admin, json!({"room": "room"})).await;
    wait_for(&server, 5).await;
    let events = events(&server).await;
    // She was never connected by media, so she neither joined nor left.
    let names: Vec<&str> = events.iter().map(|event| event.event.as_str()).collect();
    assert_eq!(
        names,
        ["room_started", "track_published", "track_unpublished", "participant_connection_aborted", "room_finished",]
    );
    assert!(events.iter().all(|event| event.id.starts_with("EV_") && event.created_at > 1_700_000_000));
    assert_eq!(events[0].room.as_ref().unwrap().metadata, "m");
    let published = &events[1];
    assert_eq!(published.track.as_ref().unwrap().sid, track.sid);
    let (room, participant) = (published.room.as_ref().unwrap(), published.participant.as_ref().unwrap());
    assert_eq!((room.name.as_str(), room.creation_time, participant.identity.as_str()), ("room", 0, "alice"));
    assert!(participant.permission.is_none());
}

#[tokio::test]
async fn a_refused_event_comes_again_before_the_next_of_its_room() {
    let server = receiver(2).await;
    let node = start_with(NodeConfig { webhooks: vec![target(&server)], ..config() }).await;
    let admin = admin_token("room");
    node.call("CreateRoom", &admin, json!({"name": "room"})).await;
    node.call("DeleteRoom", &admin, json!({"room": "room"})).await;
    wait_for(&server, 4).await;
    let events = events(&server).await;
    let names: Vec<&str> = events.iter().map(|event| event.event.as_str()).collect();
    assert_eq!(names, ["room_started", "room_started", "room_started", "room_finished"]);
    assert!(events[0].id == events[1].id && events[1].id == events[2].id, "a retry keeps its id");
}

#[tokio::test]
async fn a_receiver_that_never_answers_holds_nobody_up() {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
    Mock::given(method("POST")).respond_with(slow).mount(&server).await;
    let good = receiver(0).await;
    let node = start_with(NodeConfig { webhooks: vec![target(&server), target(&good)], ..config() }).await;
    for index in 0..20 {
        let name = format!("room-{index}");
        assert_eq!(node.call("CreateRoom", &admin_token(&name), json!({"name": name})).await.0, 200);
    }
    wait_for(&good, 20).await;
}

#[tokio::test]
async fn shutdown_delivers_what_waits() {
    let server = receiver(0).await;
    let node = start_with(NodeConfig { webhooks: vec![target(&server)], ..config() }).await;
    node.call("CreateRoom", &admin_token("room"), json!({"name": "room"})).await;
    node.node.shutdown(Duration::from_secs(5)).await;
    let names: Vec<String> = events(&server).await.into_iter().map(|event| event.event).collect();
    assert_eq!(names, ["room_started", "room_finished"]);
}

#[tokio::test]
async fn the_control_plane_hears_a_signed_heartbeat_and_may_drain_the_node() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path_regex("^/internal/nodes/ND_.*/heartbeat$"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"state": "draining"})))
        .mount(&server)
        .await;
    let control_plane = ControlPlane {
        url: server.uri(),
        call: None,
        key: INTERNAL_KEY.to_owned(),
        secret: INTERNAL_SECRET.to_owned(),
        public_url: "ws://node".to_owned(),
        api_url: "http://node".to_owned(),
    };
    let node = start_with(NodeConfig { control_plane: Some(control_plane), ..config() }).await;
    wait_for(&server, 1).await;
    let request = server.received_requests().await.unwrap().remove(0);
    let keys = KeyStore::with_key(INTERNAL_KEY, INTERNAL_SECRET);
    let authorization = request.headers["authorization"].to_str().unwrap();
    let beat =
        heartbeat::verify(node.node.id(), authorization, &request.body, &keys, signaling_proto::unix_now()).unwrap();
    assert_eq!((beat.url.as_str(), beat.rooms, beat.state), ("ws://node", 0, heartbeat::NodeState::Up));
    // A draining node takes no new rooms.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let name = format!("room-{}", rand::random::<u32>());
        if node.call("CreateRoom", &admin_token(&name), json!({"name": name})).await.0 == 503 {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
