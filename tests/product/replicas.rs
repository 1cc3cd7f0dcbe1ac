//! Two control planes on one PostgreSQL and one Redis, processes of their own, and one of them killed by SIGKILL in the
//! middle of its work. Skipped, with a word about it, where there is no PostgreSQL and Redis to test with.

use std::collections::BTreeMap;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::server::{Folder, Server, free_port, run};

const PATIENCE: Duration = Duration::from_secs(30);
const KEY: [&str; 4] =
    ["--internal-key", "INTreplicas", "--internal-secret", "replicas-secret-replicas-secret-replicas-secret"];
/// Messages sent while a replica dies, and how many of them are on the way when it does.
const MESSAGES: usize = 120;
const IN_FLIGHT: usize = 12;

/// A database of its own and the Redis of the tests.
struct Backing {
    server: String,
    name: String,
    redis: String,
}

impl Backing {
    async fn new() -> Option<Self> {
        let found = |name: &str| {
            let value = std::env::var(name).ok();
            let required = std::env::var_os("PLENUM_TEST_REQUIRE_POSTGRES").is_some();
            assert!(value.is_some() || !required, "{name} is not set");
            value
        };
        let (Some(server), Some(redis)) = (found("PLENUM_TEST_POSTGRES_URL"), found("PLENUM_TEST_REDIS_URL")) else {
            eprintln!("skipped: there is no PostgreSQL or no Redis");
            return None;
        };
        let backing = Self { server, name: format!("plenum_product_{}", uuid::Uuid::now_v7().simple()), redis };
        backing.run(&format!("CREATE DATABASE {}", backing.name)).await;
        Some(backing)
    }

    fn url(&self) -> String {
        let mut url = url::Url::parse(&self.server).expect("a URL");
        url.set_path(&self.name);
        url.to_string()
    }

    async fn run(&self, text: &str) {
        let mut admin = PgConnection::connect(&self.server).await.expect("the server answers");
        admin.execute(AssertSqlSafe(text.to_owned())).await.expect("the statement runs");
    }

    /// The number that a statement answers.
    async fn count(&self, text: &str) -> i64 {
        let mut own = PgConnection::connect(&self.url()).await.expect("the database answers");
        let query = sqlx::query_as(AssertSqlSafe(text.to_owned()));
        let (count,): (i64,) = query.fetch_one(&mut own).await.expect("the statement runs");
        count
    }

    /// Rows that a statement changed.
    async fn change(&self, text: &str) -> u64 {
        let mut own = PgConnection::connect(&self.url()).await.expect("the database answers");
        own.execute(AssertSqlSafe(text.to_owned())).await.expect("the statement runs").rows_affected()
    }

    async fn replica(&self, folder: &Folder, more: &[&str]) -> Server {
        let (url, redis) = (self.url(), self.redis.clone());
        let mut arguments = vec!["serve", "--only", "control-plane", "--bind", "127.0.0.1"];
        arguments.extend(["--database-url", &url, "--redis-url", &redis]);
        arguments.extend(["--requests-per-minute-user", "100000", "--requests-per-minute-address", "100000"]);
        arguments.extend(KEY);
        arguments.extend(more);
        Server::start_with(folder, &arguments).await
    }

    async fn remove(self) {
        self.run(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }
}

/// Ends a process between two instructions; nothing is said, nothing is finished.
async fn kill(server: &mut Server) -> ExitStatus {
    server.signal(Signal::KILL);
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = server.ended() {
            return status;
        }
        assert!(Instant::now() < end, "it does not die");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Somebody who talks to any replica.
struct Client {
    http: reqwest::Client,
    token: String,
}

impl Client {
    async fn registered(base: &str, name: &str) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("a client");
        let mut client = Self { http, token: String::new() };
        let form = json!({
            "email": format!("{name}@example.org"), "password": "correct horse battery", "display_name": name
        });
        let (status, answer) = client.post(base, "/auth/register", &form).await.expect("an answer");
        assert_eq!(status, 201, "{answer}");
        client.token = answer["access_token"].as_str().expect("a token").to_owned();
        client
    }

    async fn post(&self, base: &str, path: &str, body: &Value) -> Result<(u16, Value), reqwest::Error> {
        let request = self.http.post(format!("{base}/api/v1{path}")).header("content-type", "application/json");
        let request = if self.token.is_empty() { request } else { request.bearer_auth(&self.token) };
        let answer = request.body(body.to_string()).send().await?;
        let status = answer.status().as_u16();
        Ok((status, serde_json::from_str(&answer.text().await?).unwrap_or_default()))
    }

    async fn get(&self, base: &str, path: &str) -> Value {
        let request = self.http.get(format!("{base}/api/v1{path}")).bearer_auth(&self.token);
        let text = request.send().await.expect("an answer").text().await.expect("text");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Says message `n` until somebody acknowledges it: its number and id.
    async fn say(&self, bases: [&str; 2], path: &str, n: usize) -> (i64, String) {
        let body = json!({ "body": format!("Message {n}"), "client_id": format!("m{n}") });
        let end = Instant::now() + PATIENCE;
        for base in bases.iter().cycle().skip(n % 2) {
            match self.post(base, path, &body).await {
                Ok((200 | 201, answer)) => {
                    let id = answer["id"].as_str().expect("an id").to_owned();
                    return (answer["seq"].as_i64().expect("a number"), id);
                }
                Ok((status, answer)) => assert!(status >= 500, "{status} {answer}"),
                Err(_) => {}
            }
            assert!(Instant::now() < end, "message {n} was never acknowledged");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        unreachable!("the replicas are tried in turn for ever")
    }

    /// Listens at the first address; when that ends, resumes at the second, until `count` messages were heard. `ready`
    /// is told how many were, from the moment of listening on. Answers what was heard, and at how many sockets.
    async fn listen(
        &self,
        bases: [&str; 2],
        topic: &str,
        count: usize,
        ready: &watch::Sender<usize>,
    ) -> (Vec<(i64, String)>, usize) {
        let (mut heard, mut last, mut sockets) = (Vec::new(), None::<i64>, 0);
        let end = Instant::now() + PATIENCE;
        while heard.len() < count {
            assert!(Instant::now() < end, "{} of {count} messages were heard", heard.len());
            let url = bases[usize::from(sockets > 0)].replace("http://", "ws://");
            let mut request = format!("{url}/api/v1/events").into_client_request().expect("a request");
            let bearer = format!("Bearer {}", self.token).parse().expect("a header");
            request.headers_mut().insert("authorization", bearer);
            let Ok((mut socket, _)) = tokio_tungstenite::connect_async(request).await else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            sockets += 1;
            let mut frame = json!({ "type": "subscribe", "topics": [topic] });
            if let Some(last) = last {
                frame["last_event_id"] = last.into();
            }
            if socket.send(Message::text(frame.to_string())).await.is_err() {
                continue;
            }
            while heard.len() < count {
                let next = tokio::time::timeout(PATIENCE, socket.next()).await.expect("something comes");
                let Some(Ok(message)) = next else { break };
                let Message::Text(text) = message else { continue };
                let frame: Value = serde_json::from_str(&text).expect("JSON");
                assert_ne!(frame["type"], "gap", "the log has all of it");
                if frame["type"] == "subscribed" {
                    assert_eq!(frame["refused"], json!([]));
                    last = last.or(frame["last_event_id"].as_i64());
                    ready.send_replace(heard.len().max(1));
                }
                if frame["type"] == "message.created" {
                    last = frame["id"].as_i64();
                    let id = frame["payload"]["id"].as_str().expect("an id").to_owned();
                    heard.push((frame["payload"]["seq"].as_i64().expect("a number"), id));
                }
            }
        }
        (heard, sockets)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_one_loses_no_acknowledged_message_and_no_event() {
    let Some(backing) = Backing::new().await else { return };
    let folders = (Folder::new(), Folder::new());
    let mut victim = backing.replica(&folders.0, &[]).await;
    let survivor = backing.replica(&folders.1, &[]).await;
    let (one, two) = (victim.url(""), survivor.url(""));
    let ada = Client::registered(&one, "ada").await;
    let room = json!({ "name": "Talk", "type": "chat", "access_level": "trusted" });
    let (status, room) = ada.post(&one, "/rooms", &room).await.expect("an answer");
    assert_eq!(status, 201, "{room}");
    let conversation = room["conversation_id"].as_str().expect("an id");
    let (path, topic) = (format!("/conversations/{conversation}/messages"), format!("conversation:{conversation}"));
    let ready = watch::Sender::new(0);
    let mut listening = ready.subscribe();
    let speak = async {
        listening.wait_for(|ready| *ready > 0).await.expect("it listens");
        let mut acknowledged = BTreeMap::new();
        for first in (0..MESSAGES).step_by(IN_FLIGHT) {
            let batch = (first..first + IN_FLIGHT).map(|n| ada.say([&one, &two], &path, n));
            let batch = futures_util::future::join_all(batch);
            // Dies a third of the way, with a batch on the way.
            if first == MESSAGES / IN_FLIGHT / 3 * IN_FLIGHT {
                let death = async {
                    tokio::time::sleep(Duration::from_millis(3)).await;
                    assert!(!kill(&mut victim).await.success());
                };
                acknowledged.extend(tokio::join!(batch, death).0);
            } else {
                acknowledged.extend(batch.await);
            }
        }
        acknowledged
    };
    let (said, (heard, sockets)) = tokio::join!(speak, ada.listen([&one, &two], &topic, MESSAGES, &ready));
    assert_eq!(sockets, 2, "the first socket died with its replica");
    // Each once, in order, without a gap; and they are what was acknowledged.
    assert_eq!(heard, said.into_iter().collect::<Vec<_>>());
    let numbers: Vec<i64> = heard.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (1..=120).collect::<Vec<i64>>());
    let page = ada.get(&two, &format!("{path}?order=asc&limit=100")).await;
    let kept = page["items"].as_array().expect("a list").iter().map(|item| item["id"].as_str().expect("an id"));
    assert!(kept.eq(heard.iter().take(100).map(|(_, id)| id.as_str())));
    drop((victim, survivor));
    backing.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_whole_ones_share_a_database_only_with_addresses() {
    let Some(backing) = Backing::new().await else { return };
    let (url, redis) = (backing.url(), backing.redis.clone());
    let mut shared = vec!["--bind", "127.0.0.1", "--database-url", &url, "--redis-url", &redis];
    shared.extend(KEY);
    let (one, two) = (Folder::new(), Folder::new());
    let mut first = Server::start_with(&one, &shared).await;
    let data = two.0.join("data").display().to_string();
    let port = free_port();
    let (http, https, udp) = (port.to_string(), (port + 1).to_string(), (port + 2).to_string());
    let mut arguments = vec!["--data-dir", &data, "--http-port", &http, "--https-port", &https, "--udp-port", &udp];
    arguments.extend(&shared);
    let refused = tokio::task::spawn_blocking({
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        move || run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    });
    let (succeeded, _, said) = refused.await.expect("it ends");
    assert!(!succeeded && said.contains("--media-url"), "{said}");
    // It holds on to the database when its connection breaks.
    let holders = "FROM pg_locks WHERE locktype = 'advisory' AND granted \
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(backing.count(&format!("SELECT COUNT(pg_terminate_backend(pid)) {holders}")).await, 1);
    let began = Instant::now();
    while backing.count(&format!("SELECT COUNT(*) {holders}")).await == 0 {
        assert!(began.elapsed() < PATIENCE, "the database is claimed again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // The first is killed, and another one takes the database over.
    kill(&mut first).await;
    let next = Server::start_with(&two, &shared).await;
    assert!(next.stop().await.0.success());

    let mut servers = Vec::new();
    for folder in [Folder::new(), Folder::new()] {
        let port = free_port();
        let media = format!("http://127.0.0.1:{port}");
        let mut arguments = shared.clone();
        arguments.extend(["--media-url", &media]);
        servers.push((Server::start_at(&folder, port, &arguments).await, folder));
    }
    let bases: Vec<String> = servers.iter().map(|(server, _)| server.url("")).collect();
    let ada = Client::registered(&bases[0], "ada").await;
    let room = json!({ "name": "Shared", "type": "video", "access_level": "public" });
    for _ in 0..4 {
        let (status, room) = ada.post(&bases[1], "/rooms", &room).await.expect("an answer");
        assert_eq!(status, 201, "{room}");
        let path = format!("/rooms/{}/join", room["id"].as_str().expect("an id"));
        let mut urls = Vec::new();
        for base in &bases {
            let (status, join) = ada.post(base, &path, &json!({})).await.expect("an answer");
            assert_eq!(status, 200, "{join}");
            urls.push(join["url"].as_str().expect("an address").to_owned());
        }
        assert_eq!(urls[0], urls[1], "both send everybody to the same node");
        assert!(bases.iter().any(|base| urls[0] == base.replacen("http", "ws", 1)), "{urls:?}");
    }
    drop(servers);
    backing.remove().await;
}

/// A mail server that keeps its callers waiting until it is told to talk.
struct SlowMail {
    port: u16,
    talks: Arc<AtomicBool>,
    /// Connections so far.
    callers: watch::Receiver<usize>,
    /// Receivers of the mails it took.
    taken: Arc<Mutex<Vec<String>>>,
}

impl SlowMail {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (talks, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (count, callers) = watch::channel(0);
        let (open, mails) = (Arc::clone(&talks), Arc::clone(&taken));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.send_modify(|count| *count += 1);
                tokio::spawn(attend(stream, Arc::clone(&open), Arc::clone(&mails)));
            }
        });
        Self { port, talks, callers, taken }
    }
}

/// One connection, as RFC 5321 has it, once the server talks.
async fn attend(stream: TcpStream, talks: Arc<AtomicBool>, taken: Arc<Mutex<Vec<String>>>) {
    while !talks.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let (mut to, mut data) = (String::new(), false);
    if writer.write_all(b"220 slow\r\n").await.is_err() {
        return;
    }
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "." if data => {
                data = false;
                taken.lock().await.push(std::mem::take(&mut to));
                "250 kept\r\n"
            }
            _ if data => continue,
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                "250 ok\r\n"
            }
            "DATA" => {
                data = true;
                "354 go on\r\n"
            }
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        if writer.write_all(answer.as_bytes()).await.is_err() || answer.starts_with("221") {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_jobs_of_a_killed_one_are_done_once_by_another() {
    let Some(backing) = Backing::new().await else { return };
    let folders = (Folder::new(), Folder::new());
    let mut mail = SlowMail::start().await;
    let url = format!("smtp://127.0.0.1:{}", mail.port);
    let with_mail = ["--smtp-url", &url, "--mail-from", "plenum@meet.test", "--public-url", "http://meet.test"];
    let mut victim = backing.replica(&folders.0, &with_mail).await;
    let one = victim.url("");
    for n in 0..6 {
        Client::registered(&one, &format!("person{n}")).await;
    }
    // It has begun to send; no mail is out yet.
    tokio::time::timeout(PATIENCE, mail.callers.wait_for(|count| *count > 0)).await.expect("in time").expect("it runs");
    kill(&mut victim).await;
    let running = backing.count("SELECT COUNT(*) FROM jobs WHERE state = 'running' AND kind LIKE 'mail%'").await;
    assert!(running > 0, "no job is claimed");
    // What the next process claims, it claims for longer.
    let until = backing.count("SELECT MAX(locked_until) FROM jobs WHERE state = 'running' AND kind LIKE 'mail%'").await;
    mail.talks.store(true, Ordering::Relaxed);
    let survivor = backing.replica(&folders.1, &with_mail).await;
    // What it had claimed is still its own for a minute: nobody else touches it. Then the minute is over.
    let claimed = format!("state = 'running' AND kind LIKE 'mail%' AND attempts = 1 AND locked_until <= {until}");
    let held = "locked_until > CAST(EXTRACT(EPOCH FROM now()) * 1000000 AS BIGINT)";
    assert_eq!(backing.count(&format!("SELECT COUNT(*) FROM jobs WHERE {claimed} AND {held}")).await, running);
    let over = backing.change(&format!("UPDATE jobs SET locked_until = 1 WHERE {claimed}")).await;
    assert_eq!(over, u64::try_from(running).expect("few"));
    let end = Instant::now() + PATIENCE;
    let left = "SELECT COUNT(*) FROM jobs WHERE state <> 'done' AND kind LIKE 'mail%'";
    while backing.count(left).await > 0 {
        assert!(Instant::now() < end, "jobs are left\n{}", survivor.output());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut taken = mail.taken.lock().await.clone();
    taken.sort_unstable();
    let everybody: Vec<String> = (0..6).map(|n| format!("person{n}@example.org")).collect();
    assert_eq!(taken, everybody, "one mail for each");
    assert_eq!(backing.count("SELECT COUNT(*) FROM jobs WHERE state = 'dead'").await, 0);
    let again = "SELECT COUNT(*) FROM jobs WHERE state = 'done' AND attempts = 2";
    assert!(backing.count(again).await >= running, "what it had begun was begun again");
    drop((victim, survivor));
    backing.remove().await;
}
