//! The node and its control plane: what the heartbeat's answer makes the node do.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is wrong")]

mod support;

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Request;
use http::Response;
use serde_json::json;
use signaling_proto::call::CallError;
use signaling_proto::call::HttpCall;
use signaling_proto::heartbeat;
use signaling_proto::heartbeat::Heartbeat;
use signaling_proto::heartbeat::HeartbeatAnswer;
use signaling_proto::heartbeat::NodeState;
use signaling_proto::proto::DisconnectReason;
use signaling_proto::proto::leave_request::Action;
use signaling_proto::proto::signal_response::Message;
use signaling_proto::token::KeyStore;
use support::*;

/// Answers every heartbeat with the same wish, and remembers what the node said.
#[derive(Default)]
struct ControlPlane {
    wish: Mutex<HeartbeatAnswer>,
    heard: Mutex<Vec<Heartbeat>>,
    refuse: Mutex<bool>,
}

impl HttpCall for ControlPlane {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, CallError>> {
        if *self.refuse.lock().unwrap() {
            let error = CallError::Unreachable { to: "control plane".into(), reason: "refused".into() };
            return std::future::ready(Err(error)).boxed();
        }
        let id = request.uri().path().split('/').nth(3).unwrap();
        let authorization = request.headers()["authorization"].to_str().unwrap();
        let keys = KeyStore::with_key(INTERNAL_KEY, INTERNAL_SECRET);
        let now = signaling_proto::unix_now();
        let beat = heartbeat::verify(id, authorization, request.body(), &keys, now).unwrap();
        self.heard.lock().unwrap().push(beat);
        let answer = serde_json::to_vec(&*self.wish.lock().unwrap()).unwrap();
        std::future::ready(Ok(Response::new(answer.into()))).boxed()
    }
}

impl ControlPlane {
    /// From now on this is wanted; returns once the node has heard it.
    async fn want(&self, wish: HeartbeatAnswer) {
        *self.wish.lock().unwrap() = wish;
        let before = self.heard.lock().unwrap().len();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.heard.lock().unwrap().len() == before {
            assert!(tokio::time::Instant::now() < deadline, "no heartbeat");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // The answer is on its way back.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn start_below(control_plane: &Arc<ControlPlane>) -> TestNode {
    let mut config = config();
    config.control_plane = Some(sfu::ControlPlane {
        url: String::new(),
        call: Some(Arc::clone(control_plane) as Arc<dyn HttpCall>),
        key: INTERNAL_KEY.to_owned(),
        secret: INTERNAL_SECRET.to_owned(),
        public_url: "ws://node.test".to_owned(),
        api_url: "http://node.test".to_owned(),
    });
    start_with(config).await
}

async fn leave_of(client: &mut Client) -> (DisconnectReason, Action) {
    match client.last_words().await {
        Some(Message::Leave(leave)) => (leave.reason(), leave.action()),
        other => panic!("the last message is {other:?}"),
    }
}

#[tokio::test]
async fn rooms_that_have_moved_are_ended_and_no_others() {
    let control_plane = Arc::<ControlPlane>::default();
    let node = start_below(&control_plane).await;
    let (mut alice, mut bob) = (node.join("moved", "alice").await, node.join("stays", "bob").await);
    let sid = alice.join.room.as_ref().unwrap().sid.clone();
    control_plane.want(HeartbeatAnswer { moved: vec![sid, "RM_unknown".into()], ..HeartbeatAnswer::default() }).await;
    assert_eq!(leave_of(&mut alice).await, (DisconnectReason::ServerShutdown, Action::Disconnect));
    let (_, rooms) = node.call("ListRooms", &admin_token(""), json!({})).await;
    let names: Vec<_> = rooms["rooms"].as_array().unwrap().iter().map(|room| room["name"].clone()).collect();
    assert_eq!(names, ["stays"]);
    // The node goes on as before: the room may come back.
    node.join("moved", "alice").await;
    bob.drain().await;
}

#[tokio::test]
async fn a_draining_node_keeps_its_rooms_until_the_deadline_and_takes_no_new_ones() {
    let control_plane = Arc::<ControlPlane>::default();
    let node = start_below(&control_plane).await;
    let mut alice = node.join("old", "alice").await;
    let draining = |left| HeartbeatAnswer { state: NodeState::Draining, drain_left_s: Some(left), moved: Vec::new() };
    control_plane.want(draining(60)).await;
    let refused = Client::connect(node.address, "/rtc", &join_token("new", "carol")).await.err().unwrap();
    assert_eq!(refused.status, 503, "{}", refused.text);
    let (status, _) = node.call("CreateRoom", &admin_token(""), json!({ "name": "new" })).await;
    assert_eq!(status, 503);
    let mut bob = node.join("old", "bob").await;
    assert_eq!(node.node.counters().participants, 2);
    control_plane.want(draining(0)).await;
    for client in [&mut alice, &mut bob] {
        assert_eq!(leave_of(client).await, (DisconnectReason::ServerShutdown, Action::Disconnect));
    }
    assert_eq!(node.node.counters().rooms, 0);
    // What operators want is no wish of the node's own: else it would go on when they take it back.
    assert!(control_plane.heard.lock().unwrap().iter().all(|beat| beat.state == NodeState::Up));
    control_plane.want(HeartbeatAnswer::default()).await;
    node.join("new", "carol").await;
}

#[tokio::test]
async fn the_node_knows_whether_it_is_heard_and_its_workers_answer() {
    let control_plane = Arc::<ControlPlane>::default();
    let node = start_below(&control_plane).await;
    control_plane.want(HeartbeatAnswer::default()).await;
    assert_eq!(node.node.control_plane_ready(), Some(Ok(())));
    assert_eq!(node.node.workers_ready().await, Ok(()));
    *control_plane.refuse.lock().unwrap() = true;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while node.node.control_plane_ready() == Some(Ok(())) {
        assert!(tokio::time::Instant::now() < deadline, "it still thinks it is heard");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let Some(Err(reason)) = node.node.control_plane_ready() else { panic!("there is a control plane") };
    assert!(reason.contains("refused"), "{reason}");
    assert_eq!(start().await.node.control_plane_ready(), None);
    node.node.shutdown(Duration::from_secs(1)).await;
    assert!(node.node.workers_ready().await.is_err());
}
