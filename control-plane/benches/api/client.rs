//! The asking side: kept-alive connections with as little work per answer as possible, and what a line of the table says.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// One kept-alive HTTP/1.1 connection, with as little work as possible on the client's side.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    line: String,
    /// Of the last answer.
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), line: String::new(), body: Vec::new() }
    }

    /// Sends a request and reads its whole answer; the status.
    pub(crate) async fn send(&mut self, request: &[u8]) -> u16 {
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

    pub(crate) async fn json(&mut self, method: &str, path: &str, token: &str, body: Value) -> Value {
        let status = self.send(&request(method, path, token, &body.to_string())).await;
        assert!(status < 300, "{method} {path}: {status} {}", String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A request as it goes over the wire.
pub(crate) fn request(method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
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
pub(crate) struct Line {
    name: &'static str,
    pub(crate) per_second: f64,
    p50: Duration,
    p99: Duration,
}

impl Line {
    /// From the time each answer took and the time all of them took together.
    pub(crate) fn of(name: &'static str, mut times: Vec<Duration>, whole: Duration) -> Self {
        times.sort_unstable();
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
        Self { name, per_second: times.len() as f64 / whole.as_secs_f64(), p50: at(0.5), p99: at(0.99) }
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "| {} | {:.0} | {:.2?} | {:.2?} |", self.name, self.per_second, self.p50, self.p99)
    }
}

/// Asks on every connection without a pause, the `n`th one for `make(n)`.
pub(crate) async fn load(
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
