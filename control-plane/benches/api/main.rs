//! What the API costs, beside a bare handler with one indexed SELECT in the same process, over real sockets on loopback;
//! and what it takes to tell a thousand event sockets of a message.
//!
//! `PLENUM_TEST_POSTGRES_URL=postgres://… cargo bench -p control-plane --bench api [-- SECONDS [CONNECTIONS]]`, or without
//! the variable on SQLite. Prints two tables. The load comes from the same machine, so what counts is how the lines compare.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a measurement ends where it fails")]

mod client;
mod server;
mod sockets;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use signaling_proto::heartbeat::{self, Heartbeat};
use signaling_proto::unix_now;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::client::{Client, load, request};

/// Time for one line of the table unless the command line says otherwise.
const SECONDS: u64 = 5;
/// Connections that ask at the same time.
const CONNECTIONS: usize = 32;
/// Makes this program the server: its folder, and its database if that is PostgreSQL.
const SERVE: (&str, &str) = ("PLENUM_BENCH_SERVE_DIR", "PLENUM_BENCH_SERVE_URL");

/// A fresh database on the server, if there is one.
async fn database() -> Option<(String, String, String)> {
    let server = std::env::var("PLENUM_TEST_POSTGRES_URL").ok()?;
    let name = format!("plenum_bench_{}", Uuid::now_v7().simple());
    let mut admin = PgConnection::connect(&server).await.expect("the database server answers");
    admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    Some((server, name, url.to_string()))
}

/// The server's process and its two addresses: the API's, the bare handler's.
async fn start(dir: &std::path::Path, url: Option<&str>) -> (Child, std::net::SocketAddr, std::net::SocketAddr) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(SERVE.0, dir).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    if let Some(url) = url {
        command.env(SERVE.1, url);
    }
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let (api, bare) = line.trim_end().split_once(' ').expect("the server starts");
    (child, api.parse().unwrap(), bare.parse().unwrap())
}

/// Says that a media node is there and takes calls.
async fn beat(client: &mut Client) {
    let beat = heartbeat::sign("ND_bench", &Heartbeat::default(), server::KEY.0, server::KEY.1, unix_now()).unwrap();
    let beat = format!(
        "POST {} HTTP/1.1\r\nhost: bench\r\nauthorization: {}\r\ncontent-length: {}\r\n\r\n{}",
        beat.path,
        beat.authorization,
        beat.body.len(),
        String::from_utf8_lossy(beat.body.as_ref())
    );
    assert!(client.send(beat.as_bytes()).await < 300, "{}", String::from_utf8_lossy(&client.body));
}

#[tokio::main]
async fn main() {
    if let Some(dir) = std::env::var_os(SERVE.0) {
        return server::run(&PathBuf::from(dir), std::env::var(SERVE.1).ok().as_deref()).await;
    }
    // `cargo bench` and `cargo test` pass flags of their own; figures are ours.
    let figures: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let time = Duration::from_secs(figures.first().copied().unwrap_or(SECONDS));
    let connections = figures.get(1).map_or(CONNECTIONS, |n| usize::try_from(*n).unwrap());

    let dir = std::env::temp_dir().join(format!("plenum-bench-{}", Uuid::now_v7().simple()));
    std::fs::create_dir_all(&dir).unwrap();
    let database = database().await;
    let url = database.as_ref().map(|(_, _, url)| url.as_str());
    let (mut child, api, bare) = start(&dir, url).await;

    // Somebody with a room, a node that takes calls.
    let mut client = Client::to(api).await;
    let form = json!({ "email": "ada@example.org", "password": "correct horse", "display_name": "Ada" });
    let ada = client.json("POST", "/api/v1/auth/register", "", form).await;
    let token = ada["access_token"].as_str().unwrap().to_owned();
    beat(&mut client).await;
    let form = json!({ "name": "Stand-up", "type": "video", "access_level": "public" });
    let room = client.json("POST", "/api/v1/rooms", &token, form).await;
    let (id, conversation) = (room["id"].as_str().unwrap().to_owned(), room["conversation_id"].as_str().unwrap());

    let hall = sockets::Hall { api, server: child.id().unwrap(), token: &token, room: &room };
    let told = hall.measure(time).await;

    let messages = format!("/api/v1/conversations/{conversation}/messages");
    let (room_path, join_path) = (format!("/api/v1/rooms/{id}"), format!("/api/v1/rooms/{id}/join"));
    let (baseline, untested) = (format!("/bare/{id}"), format!("/bare-untested/{id}"));
    let lines = [
        load("bare handler, one SELECT", bare, connections, time, |_| request("GET", &baseline, "", "")).await,
        load("GET a room, signed in", api, connections, time, |_| request("GET", &room_path, &token, "")).await,
        load("bare handler again", bare, connections, time, |_| request("GET", &baseline, "", "")).await,
        load("bare, connections untested", bare, connections, time, |_| request("GET", &untested, "", "")).await,
        load("list messages", api, connections, time, |_| request("GET", &messages, &token, "")).await,
        load("list notifications", api, connections, time, |_| request("GET", "/api/v1/notifications", &token, ""))
            .await,
        load("send a message", api, connections, time, |_| request("POST", &messages, &token, r#"{"body":"Hello"}"#))
            .await,
        load("join token", api, connections, time, |_| request("POST", &join_path, &token, "{}")).await,
    ];
    let mut counter = Client::to(bare).await;
    let before = counter.json("GET", "/statements", "", Value::Null).await.as_u64().unwrap();
    client.json("GET", &room_path, &token, Value::Null).await;
    let statements = counter.json("GET", "/statements", "", Value::Null).await.as_u64().unwrap() - before;

    println!("| {} | per second | p50 | p99 |\n|---|---|---|---|", if url.is_some() { "PostgreSQL" } else { "SQLite" });
    for line in &lines {
        println!("{line}");
    }
    let baseline = (lines[0].per_second + lines[2].per_second) / 2.0;
    println!(
        "\nGET a room: {:.2} of the bare handler's rate, {statements} statements\n",
        lines[1].per_second / baseline
    );
    println!("{told}");

    drop(child.stdin.take());
    assert!(child.wait().await.unwrap().success());
    if let Some((server, name, _)) = database {
        let mut admin = PgConnection::connect(&server).await.unwrap();
        admin.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.unwrap();
    }
    std::fs::remove_dir_all(&dir).unwrap();
}
