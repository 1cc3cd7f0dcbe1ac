//! Three media nodes and a control plane, all processes of their own: who gets which call, what a drain does, and a death.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use signaling_proto::proto::leave_request::Action;
use signaling_proto::proto::{DisconnectReason, signal_response};

use crate::api::{Person, connect, joined, next};
use crate::server::{Folder, Server, run};

const PATIENCE: Duration = Duration::from_secs(30);
const KEY: [&str; 4] =
    ["--internal-key", "INTnodes", "--internal-secret", "nodes-secret-nodes-secret-nodes-secret-nodes"];
/// Calls placed until two nodes must have one.
const MOST_CALLS: u32 = 12;
/// A room of a dead node has a new one this soon after.
const PLACED_WITHIN: Duration = Duration::from_secs(3);

struct Cluster {
    control: Server,
    nodes: Vec<Server>,
    _folders: Vec<Folder>,
}

impl Cluster {
    async fn start(count: usize) -> Self {
        let folder = Folder::new();
        let mut arguments = vec!["serve", "--only", "control-plane", "--bind", "127.0.0.1"];
        arguments.extend(KEY);
        let control = Server::start_with(&folder, &arguments).await;
        let address = control.url("");
        let mut cluster = Self { control, nodes: Vec::new(), _folders: vec![folder] };
        for _ in 0..count {
            let folder = Folder::new();
            let mut arguments = vec!["serve", "--only", "sfu", "--bind", "127.0.0.1", "--control-plane-url", &address];
            arguments.extend(KEY);
            cluster.nodes.push(Server::start_with(&folder, &arguments).await);
            cluster._folders.push(folder);
        }
        let end = Instant::now() + PATIENCE;
        while cluster.list().iter().filter(|node| node["state"] == "up").count() < count {
            assert!(Instant::now() < end, "not every node is up: {:?}", cluster.list());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        cluster
    }

    /// `plenum node …` on the machine of a media node: it has the key and knows where the control plane is.
    fn cli(&self, arguments: &[&str]) -> (bool, String, String) {
        let address = self.control.url("");
        let mut all = vec!["node"];
        all.extend(arguments);
        all.extend(["--control-plane-url", &address]);
        all.extend(KEY);
        run(&all)
    }

    fn list(&self) -> Vec<Value> {
        let (fine, text, error) = self.cli(&["list", "--json"]);
        assert!(fine, "{error}");
        serde_json::from_str(&text).expect("a list")
    }

    /// The node that a join answer leads to.
    fn node_of(&self, join: &Value) -> Value {
        let nodes = self.list();
        nodes.into_iter().find(|node| node["url"] == join["url"]).expect("the node of a join is known")
    }

    fn server_of(&self, join: &Value) -> &Server {
        let url = join["url"].as_str().expect("a url");
        self.nodes.iter().find(|node| url == format!("ws://127.0.0.1:{}", node.http)).expect("a node of ours")
    }

    async fn room(&self, person: &Person) -> String {
        let room = json!({ "name": "Room", "type": "video", "access_level": "public" });
        let (status, room) = person.post("/rooms", &room).await;
        assert_eq!(status, 201, "{room}");
        format!("/rooms/{}/join", room["id"].as_str().expect("an id"))
    }
}

async fn join(person: &Person, path: &str) -> Value {
    let (status, join) = person.post(path, &json!({})).await;
    assert_eq!(status, 200, "{join}");
    join
}

#[tokio::test]
async fn three_nodes_share_calls_lose_one_and_drain_another() {
    let cluster = Cluster::start(3).await;
    let ada = Person::registered(cluster.control.url(""), "ada").await;
    let mut calls = 0;
    let mut rooms: Vec<(String, Value, _)> = Vec::new();
    // Which node is the least loaded depends on the machine as well; two calls on two nodes are soon there.
    while rooms.len() < 2 {
        let path = cluster.room(&ada).await;
        let grant = join(&ada, &path).await;
        assert!(calls < MOST_CALLS, "all calls are on one node: {:?}", cluster.list());
        calls += 1;
        let mut socket = connect(&grant).await;
        joined(&mut socket).await;
        assert_eq!(join(&ada, &path).await["url"], grant["url"], "a room stays where it is");
        if rooms.iter().all(|(_, other, _)| other["url"] != grant["url"]) {
            rooms.push((path, grant, socket));
        }
    }

    let (fine, table, _) = cluster.cli(&["list"]);
    assert!(fine && table.lines().count() == 4 && table.starts_with("ID "), "{table}");
    // The control plane looks once a second.
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = reqwest::get(cluster.control.url("/metrics")).await.expect("an answer");
        let metrics = answer.text().await.expect("text");
        let lines = metrics.lines().filter(|line| line.starts_with("plenum_media_node_open_calls{node=\"ND_"));
        let counted: Vec<u32> = lines.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
        if metrics.contains("plenum_media_nodes{state=\"up\"} 3") && counted.iter().sum::<u32>() == calls {
            assert_eq!(counted.len(), 3, "{metrics}");
            break;
        }
        assert!(Instant::now() < end, "{metrics}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    // One is drained at once: its people are told to leave, and a new join leads elsewhere.
    let (path, grant, mut socket) = rooms.remove(0);
    let drained = cluster.node_of(&grant);
    let (fine, said, error) = cluster.cli(&["drain", drained["id"].as_str().expect("an id"), "--deadline-s", "0"]);
    assert!(fine && said.contains("is draining"), "{said}{error}");
    let mut told = None;
    while let Some(message) = next(&mut socket).await {
        if let signal_response::Message::Leave(leave) = message {
            told = Some((leave.reason(), leave.action()));
        }
    }
    assert_eq!(told, Some((DisconnectReason::ServerShutdown, Action::Disconnect)));
    let elsewhere = join(&ada, &path).await;
    assert_ne!(elsewhere["url"], grant["url"]);
    joined(&mut connect(&elsewhere).await).await;

    // One dies: the next join places the room anew, long before the node counts as down.
    let (path, grant, _socket) = rooms.remove(0);
    let killed = cluster.node_of(&grant);
    cluster.server_of(&grant).signal(Signal::KILL);
    let death = Instant::now();
    let elsewhere = join(&ada, &path).await;
    assert!(death.elapsed() < PLACED_WITHIN, "{:?}", death.elapsed());
    assert!(elsewhere["url"] != grant["url"] && elsewhere["url"] != drained["url"], "{elsewhere}");
    joined(&mut connect(&elsewhere).await).await;
    let end = Instant::now() + PATIENCE;
    let state = |id: &Value| cluster.list().into_iter().find(|node| node["id"] == *id).expect("known")["state"].clone();
    while state(&killed["id"]) != "down" {
        assert!(Instant::now() < end, "{:?}", cluster.list());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let (fine, _, error) = cluster.cli(&["drain", killed["id"].as_str().expect("an id")]);
    assert!(!fine && error.contains("is down"), "{error}");
    let (fine, said, _) = cluster.cli(&["undrain", drained["id"].as_str().expect("an id")]);
    assert!(fine && said.contains("is up"), "{said}");
}

#[tokio::test]
async fn what_the_command_line_says_when_it_cannot() {
    let folder = Folder::new();
    let data = folder.0.join("data");
    let data = data.to_str().expect("text");
    let (fine, _, error) = run(&["node", "list", "--data-dir", data]);
    assert!(!fine && error.contains("--internal-key"), "{error}");
    let mut arguments = vec!["node", "list", "--control-plane-url", "http://127.0.0.1:1"];
    arguments.extend(KEY);
    let (fine, _, error) = run(&arguments);
    assert!(!fine && error.contains("http://127.0.0.1:1") && error.contains("--control-plane-url"), "{error}");
    let server = Server::start(&folder).await;
    let address = server.url("");
    arguments[3] = &address;
    let (fine, _, error) = run(&arguments);
    assert!(!fine && error.contains("401"), "{error}");
    // On the server's own machine the data directory has the key.
    let port = server.http.to_string();
    let here = ["--data-dir", data, "--http-port", &port, "--bind", "127.0.0.1"];
    let (fine, table, error) = run(&[&["node", "list"][..], &here].concat());
    assert!(fine && table.contains("ND_"), "{table}{error}");
    let (fine, _, error) = run(&[&["node", "drain", "ND_unknown"][..], &here].concat());
    assert!(!fine && error.contains("no media node with this id"), "{error}");
}

#[tokio::test]
async fn readiness_names_every_part() {
    let folder = Folder::new();
    let server = Server::start(&folder).await;
    let ready = async |server: &Server| -> (u16, Value) {
        let answer = reqwest::get(server.url("/readyz")).await.expect("an answer");
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.expect("text")).expect("JSON"))
    };
    let parts = json!({ "database": "ok", "media_nodes": "ok", "workers": "ok", "control_plane": "ok" });
    assert_eq!(ready(&server).await, (200, json!({ "status": "ok", "parts": parts })));

    let folder = Folder::new();
    let mut arguments =
        vec!["serve", "--only", "sfu", "--bind", "127.0.0.1", "--control-plane-url", "http://127.0.0.1:1"];
    arguments.extend(KEY);
    let node = Server::start_with(&folder, &arguments).await;
    node.wait_for_output("does not take the heartbeat").await;
    let (status, body) = ready(&node).await;
    assert_eq!((status, &body["status"], &body["parts"]["workers"]), (200, &json!("degraded"), &json!("ok")));
    assert!(body["parts"]["control_plane"].as_str().is_some_and(|text| text.contains("127.0.0.1:1")), "{body}");

    let folder = Folder::new();
    let mut arguments = vec!["serve", "--only", "control-plane", "--bind", "127.0.0.1"];
    arguments.extend(KEY);
    let control = Server::start_with(&folder, &arguments).await;
    let (status, body) = ready(&control).await;
    assert_eq!((status, &body["status"], &body["parts"]["database"]), (200, &json!("degraded"), &json!("ok")));
    assert!(body["parts"]["media_nodes"].as_str().is_some_and(|text| text.contains("no media node")), "{body}");
}
