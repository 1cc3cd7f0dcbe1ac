//! What the API costs, beside a bare handler with one indexed SELECT in the same process, over real sockets on loopback.
//!
//! `PLENUM_TEST_POSTGRES_URL=postgres://… cargo bench -p control-plane --bench api [-- SECONDS [CONNECTIONS]]`, or without
//! the variable on SQLite. Prints a table. The load comes from the same process, so what counts is how the lines compare.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a measurement ends where it fails")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use control_plane::{ControlPlane, ControlPlaneConfig, InternalKey, MediaConnection};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use serde_json::{Value, json};
use signaling_proto::call::{CallError, HttpCall};
use signaling_proto::heartbeat::{self, Heartbeat};
use signaling_proto::proto::{CreateRoomRequest, Room};
use signaling_proto::{Message as _, unix_now};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Time for one line of the table unless the command line says otherwise.
const SECONDS: u64 = 5;
/// Connections that ask at the same time.
const CONNECTIONS: usize = 32;
/// The key pair of the two halves.
const KEY: (&str, &str) = ("internal", "a secret of thirty-two characters or so");

/// A media node that makes every room at once.
struct Node;

impl HttpCall for Node {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, CallError>> {
        let name = CreateRoomRequest::decode(request.body().as_ref()).map(|wanted| wanted.name).unwrap_or_default();
        let room = Room { sid: "RM_bench".into(), name, ..Room::default() };
        std::future::ready(Ok(Response::new(room.encode_to_vec().into()))).boxed()
    }
}

/// One kept-alive HTTP/1.1 connection, with as little work as possible on the client's side.
struct Client {
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Client {
    async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), line: String::new(), body: Vec::new() }
    }

    /// Sends a request and reads its whole answer; the status.
    async fn send(&mut self, request: &[u8]) -> u16 {
        self.stream.write_all(request).await.expect("a connection");
        let (mut status, mut length) = (0, 0);
        loop {
            self.line.clear();
            self.stream.read_line(&mut self.line).await.expect("an answer");
            let line = self.line.trim_end();
            if status == 0 {
                status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
            } else if line.is_empty() {
                break;
            } else if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body).await.expect("a body");
        status
    }

    async fn json(&mut self, method: &str, path: &str, token: &str, body: Value) -> Value {
        let status = self.send(&request(method, path, token, &body.to_string())).await;
        assert!(status < 300, "{method} {path}: {status} {}", String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

fn request(method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: bench\r\n");
    if !token.is_empty() {
        text.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

/// What a line of the table says.
struct Line {
    name: &'static str,
    per_second: f64,
    p50: Duration,
    p99: Duration,
}

impl Line {
    fn of(name: &'static str, mut times: Vec<Duration>, whole: Duration) -> Self {
        times.sort_unstable();
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
        Self { name, per_second: times.len() as f64 / whole.as_secs_f64(), p50: at(0.5), p99: at(0.99) }
    }
}

/// Asks on every connection without a pause, the `n`th one for `make(n)`.
async fn load(
    name: &'static str,
    to: SocketAddr,
    connections: usize,
    time: Duration,
    make: impl Fn(usize) -> Vec<u8>,
) -> Line {
    let began = Instant::now();
    let workers = (0..connections).map(|n| {
        let request = make(n);
        tokio::spawn(async move {
            let mut client = Client::to(to).await;
            // The first answers pay for caches and prepared statements.
            for _ in 0..20 {
                client.send(&request).await;
            }
            let mut times = Vec::new();
            while began.elapsed() < time {
                let asked = Instant::now();
                let status = client.send(&request).await;
                assert!(status < 300, "{status} {}", String::from_utf8_lossy(&client.body));
                times.push(asked.elapsed());
            }
            times
        })
    });
    let times = futures_util::future::join_all(workers).await.into_iter().flat_map(Result::unwrap).collect();
    Line::of(name, times, began.elapsed())
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(axum::serve(listener, service).into_future());
    address
}

/// The handler to compare with: one SELECT by primary key, answered as JSON.
async fn bare_on_postgres(url: &str) -> Router {
    let options = sqlx::postgres::PgPoolOptions::new().max_connections(10);
    let pool = options.connect(url).await.unwrap();
    let handler = |State(pool): State<PgPool>, Path(id): Path<Uuid>| async move {
        let sql = "SELECT name, description FROM rooms WHERE id = $1";
        let row: (String, String) = sqlx::query_as(sql).bind(id).fetch_one(&pool).await.unwrap();
        Json(json!({ "name": row.0, "description": row.1 }))
    };
    Router::new().route("/bare/{id}", get(handler)).with_state(pool)
}

async fn bare_on_sqlite(file: &std::path::Path) -> Router {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let handler = |State(pool): State<sqlx::SqlitePool>, Path(id): Path<Uuid>| async move {
        let sql = "SELECT name, description FROM rooms WHERE id = $1";
        let row: (String, String) = sqlx::query_as(sql).bind(id).fetch_one(&pool).await.unwrap();
        Json(json!({ "name": row.0, "description": row.1 }))
    };
    Router::new().route("/bare/{id}", get(handler)).with_state(pool)
}

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

fn config(dir: &std::path::Path, url: Option<&str>) -> ControlPlaneConfig {
    let key = InternalKey { key: KEY.0.into(), secret: KEY.1.into() };
    let media = MediaConnection { call: Arc::new(Node), api_url: String::new(), client_url: None };
    let mut config = ControlPlaneConfig::new(dir.to_path_buf(), key, media);
    config.database_url = url.map(str::to_owned);
    // The node says once that it is there.
    config.calls.node_timeout_s = 86_400;
    config.calls.node_lost_s = 86_400;
    let limits = &mut config.rate_limits;
    limits.session_per_minute = u32::MAX;
    limits.address_per_minute = u32::MAX;
    limits.auth_per_minute = u32::MAX;
    config
}

#[tokio::main]
async fn main() {
    // `cargo bench` and `cargo test` pass flags of their own; figures are ours.
    let figures: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let time = Duration::from_secs(figures.first().copied().unwrap_or(SECONDS));
    let connections = figures.get(1).map_or(CONNECTIONS, |n| usize::try_from(*n).unwrap());

    let dir = std::env::temp_dir().join(format!("plenum-bench-{}", Uuid::now_v7().simple()));
    std::fs::create_dir_all(&dir).unwrap();
    let database = database().await;
    let url = database.as_ref().map(|(_, _, url)| url.as_str());
    let control = ControlPlane::start(config(&dir, url), CancellationToken::new()).await.expect("it starts");
    let api = serve(control.router()).await;
    let bare = match url {
        Some(url) => bare_on_postgres(url).await,
        None => bare_on_sqlite(&dir.join("plenum.sqlite3")).await,
    };
    let bare = serve(bare).await;

    // Somebody with a room, a node that takes calls.
    let mut client = Client::to(api).await;
    let form = json!({ "email": "ada@example.org", "password": "correct horse", "display_name": "Ada" });
    let ada = client.json("POST", "/api/v1/auth/register", "", form).await;
    let token = ada["access_token"].as_str().unwrap().to_owned();
    let form = json!({ "name": "Stand-up", "type": "video", "access_level": "trusted" });
    let room = client.json("POST", "/api/v1/rooms", &token, form).await;
    let (id, conversation) = (room["id"].as_str().unwrap().to_owned(), room["conversation_id"].as_str().unwrap());
    let beat = heartbeat::sign("ND_bench", &Heartbeat::default(), KEY.0, KEY.1, unix_now()).unwrap();
    let beat = format!(
        "POST {} HTTP/1.1\r\nhost: bench\r\nauthorization: {}\r\ncontent-length: {}\r\n\r\n{}",
        beat.path,
        beat.authorization,
        beat.body.len(),
        String::from_utf8_lossy(beat.body.as_ref())
    );
    assert!(client.send(beat.as_bytes()).await < 300, "{}", String::from_utf8_lossy(&client.body));

    let messages = format!("/api/v1/conversations/{conversation}/messages");
    let (room_path, join_path) = (format!("/api/v1/rooms/{id}"), format!("/api/v1/rooms/{id}/join"));
    let baseline = format!("/bare/{id}");
    let lines = [
        load("bare handler, one SELECT", bare, connections, time, |_| request("GET", &baseline, "", "")).await,
        load("GET a room, signed in", api, connections, time, |_| request("GET", &room_path, &token, "")).await,
        load("bare handler again", bare, connections, time, |_| request("GET", &baseline, "", "")).await,
        load("list messages", api, connections, time, |_| request("GET", &messages, &token, "")).await,
        load("list notifications", api, connections, time, |_| request("GET", "/api/v1/notifications", &token, ""))
            .await,
        load("send a message", api, connections, time, |_| request("POST", &messages, &token, r#"{"body":"Hello"}"#))
            .await,
        load("join token", api, connections.min(8), time.min(Duration::from_secs(4)), |_| {
            request("POST", &join_path, &token, "{}")
        })
        .await,
    ];
    let before = control.statements();
    client.json("GET", &room_path, &token, Value::Null).await;
    let statements = control.statements() - before;

    println!("| {} | per second | p50 | p99 |\n|---|---|---|---|", if url.is_some() { "PostgreSQL" } else { "SQLite" });
    for line in &lines {
        println!("| {} | {:.0} | {:.2?} | {:.2?} |", line.name, line.per_second, line.p50, line.p99);
    }
    let baseline = (lines[0].per_second + lines[2].per_second) / 2.0;
    println!("\nGET a room: {:.2} of the bare handler's rate, {statements} statements", lines[1].per_second / baseline);

    control.stop().await;
    if let Some((server, name, _)) = database {
        let mut admin = PgConnection::connect(&server).await.unwrap();
        admin.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.unwrap();
    }
    std::fs::remove_dir_all(&dir).unwrap();
}
