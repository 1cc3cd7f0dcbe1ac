//! A thousand event sockets on one conversation: how long a message takes to each of them, and what the server pays.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::client::Client;

/// Guests in the room, and the sockets each of them has open, as many as one may.
const GUESTS: usize = 200;
const SOCKETS: usize = 5;
/// Between two messages.
const PAUSE: Duration = Duration::from_millis(100);

/// The room everybody listens to.
pub(crate) struct Hall<'a> {
    pub(crate) api: SocketAddr,
    /// The server's process.
    pub(crate) server: u32,
    pub(crate) token: &'a str,
    pub(crate) room: &'a Value,
}

/// What was measured.
pub(crate) struct Told {
    sockets: usize,
    messages: usize,
    deliveries: Vec<Duration>,
    empty_mib: f64,
    full_mib: f64,
    after_mib: f64,
    cpu: Duration,
}

impl Hall<'_> {
    /// Opens the sockets, sends messages for `time`, and waits until every socket has had every one of them.
    pub(crate) async fn measure(&self, time: Duration) -> Told {
        let empty_mib = resident_mib(self.server);
        let (code, topic) = (&self.room["code"], format!("conversation:{}", text(&self.room["conversation_id"])));
        let mut client = Client::to(self.api).await;
        let sent: Arc<Mutex<Vec<Instant>>> = Arc::default();
        let total = usize::try_from(time.as_millis() / PAUSE.as_millis()).unwrap();
        let mut listeners = Vec::new();
        for n in 0..GUESTS {
            let path = format!("/api/v1/rooms/{}/join", text(code));
            let guest = client.json("POST", &path, "", json!({ "display_name": format!("Guest {n}") })).await;
            for _ in 0..SOCKETS {
                let socket = open(self.api, text(&guest["guest"]["access_token"]), &topic).await;
                listeners.push(tokio::spawn(listen(socket, sent.clone(), total)));
            }
        }
        let (full_mib, cpu) = (resident_mib(self.server), cpu(self.server));
        let path = format!("/api/v1/conversations/{}/messages", text(&self.room["conversation_id"]));
        for n in 0..total {
            sent.lock().unwrap().push(Instant::now());
            client.json("POST", &path, self.token, json!({ "body": n.to_string() })).await;
            tokio::time::sleep(PAUSE).await;
        }
        let sockets = listeners.len();
        let mut deliveries = Vec::with_capacity(sockets * total);
        for listener in listeners {
            deliveries.extend(listener.await.unwrap());
        }
        deliveries.sort_unstable();
        let cpu = crate::sockets::cpu(self.server).saturating_sub(cpu);
        Told { sockets, messages: total, deliveries, empty_mib, full_mib, after_mib: resident_mib(self.server), cpu }
    }
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// A socket that has heard that it is subscribed.
async fn open(api: SocketAddr, token: &str, topic: &str) -> Socket {
    let mut request = format!("ws://{api}/api/v1/events").into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("a socket");
    let subscribe = json!({ "type": "subscribe", "topics": [topic] });
    socket.send(Message::text(subscribe.to_string())).await.unwrap();
    while let Some(frame) = socket.next().await {
        let frame: Value = serde_json::from_str(frame.unwrap().to_text().unwrap()).unwrap();
        if frame["type"] == "subscribed" {
            assert_eq!(frame["topics"], json!([topic]), "{frame}");
            return socket;
        }
    }
    panic!("the socket closed");
}

/// Reads until `total` messages came, in order; how long each took since it was sent.
async fn listen(mut socket: Socket, sent: Arc<Mutex<Vec<Instant>>>, total: usize) -> Vec<Duration> {
    let mut took = Vec::with_capacity(total);
    while took.len() < total {
        let frame = socket.next().await.expect("more messages").unwrap();
        let at = Instant::now();
        if !frame.is_text() {
            continue;
        }
        let frame: Value = serde_json::from_str(frame.to_text().unwrap()).unwrap();
        if frame["type"] == "message.created" {
            let n: usize = text(&frame["payload"]["body"]).parse().expect("our message");
            assert_eq!(n, took.len(), "messages come in order, each once");
            took.push(at - sent.lock().unwrap()[n]);
        }
    }
    took
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// Memory of a process that is in RAM, in MiB.
fn resident_mib(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1024.0
}

/// CPU time of a process so far, in and out of the kernel, counted in hundredths of a second.
fn cpu(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // After the name, which may hold blanks: state is the third field, utime and stime are the 14th and 15th.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().map(|n| fields[*n].parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |part: f64| self.deliveries[((self.deliveries.len() - 1) as f64 * part) as usize];
        writeln!(f, "| {} sockets, {} messages | |\n|---|---|", self.sockets, self.messages)?;
        writeln!(f, "| deliveries, each once and in order | {} |", self.deliveries.len())?;
        writeln!(
            f,
            "| from sending to delivery, p50 / p99 / max | {:.2?} / {:.2?} / {:.2?} |",
            at(0.5),
            at(0.99),
            at(1.0)
        )?;
        let each = self.cpu.as_secs_f64() * 1e6 / self.deliveries.len() as f64;
        writeln!(f, "| the server's CPU time for a delivery | {each:.1} µs |")?;
        let (empty, full, after) = (self.empty_mib, self.full_mib, self.after_mib);
        write!(
            f,
            "| resident memory before the sockets, with them, after the messages | {empty:.0}, {full:.0}, {after:.0} MiB |"
        )
    }
}
