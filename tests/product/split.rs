//! Control plane and media node as two processes that share nothing but the internal key.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::api::{Person, connect, joined};
use crate::server::{Folder, Server};

/// Longest wait for the node's first report.
const PATIENCE: Duration = Duration::from_secs(30);

const INTERNAL: [&str; 4] =
    ["--internal-key", "INTsplit", "--internal-secret", "split-secret-split-secret-split-secret-split"];

#[tokio::test]
async fn two_processes_make_one_server() {
    let (control_folder, node_folder) = (Folder::new(), Folder::new());
    let mut arguments = vec!["serve", "--only", "control-plane", "--bind", "127.0.0.1"];
    arguments.extend(INTERNAL);
    let control = Server::start_with(&control_folder, &arguments).await;
    let ada = Person::registered(control.url(""), "ada").await;
    let room = json!({ "name": "Split", "type": "video", "access_level": "public" });
    let (status, room) = ada.post("/rooms", &room).await;
    assert_eq!(status, 201, "{room}");
    let path = format!("/rooms/{}/join", room["id"].as_str().expect("an id"));
    assert_eq!(ada.post(&path, &json!({})).await.0, 503, "there is no node yet");

    let address = control.url("");
    let mut arguments = vec!["serve", "--only", "sfu", "--bind", "127.0.0.1", "--control-plane-url", &address];
    arguments.extend(INTERNAL);
    let node = Server::start_with(&node_folder, &arguments).await;
    assert_eq!(reqwest::get(node.url("/")).await.expect("an answer").text().await.expect("text"), "OK");
    assert_eq!(reqwest::get(node.url("/api/v1/me")).await.expect("an answer").status().as_u16(), 404);
    let end = Instant::now() + PATIENCE;
    let join = loop {
        let (status, join) = ada.post(&path, &json!({})).await;
        if status == 200 {
            break join;
        }
        assert!(Instant::now() < end, "{status} {join}\n{}\n{}", control.output(), node.output());
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(join["url"], format!("ws://127.0.0.1:{}", node.http));
    let mut socket = connect(&join).await;
    assert_eq!(joined(&mut socket).await.room.map(|r| r.name), room["id"].as_str().map(str::to_owned));
    for server in [node, control] {
        let (status, _) = server.stop().await;
        assert!(status.success(), "{status}");
    }
}

#[tokio::test]
async fn another_internal_key_is_not_believed() {
    let (control_folder, node_folder) = (Folder::new(), Folder::new());
    let control =
        Server::start_with(&control_folder, &["serve", "--only", "control-plane", "--bind", "127.0.0.1"]).await;
    let address = control.url("");
    let arguments = ["serve", "--only", "sfu", "--bind", "127.0.0.1", "--control-plane-url", &address];
    let node = Server::start_with(&node_folder, &arguments).await;
    node.wait_for_output("does not take the heartbeat").await;
}
