//! Strangers who cost: silent and half-finished connections, hostile datagrams. The server stays small and keeps
//! answering everybody else.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::{Folder, Server};

/// What the process may grow by under all of it together.
const GROWTH: u64 = 60 << 20;

const CONNECTIONS: usize = 10_000;

const DATAGRAMS: usize = 30_000;

/// What a connection has to send a request; the default of the setting.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// What a busy machine may add.
const SLACK: Duration = Duration::from_secs(50);

/// Descriptors this test keeps for itself.
const OWN_FILES: u64 = 200;

fn connections_that_fit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let files = if raised.is_ok() { limit.maximum } else { limit.current };
    files.map_or(CONNECTIONS, |files| CONNECTIONS.min(files.saturating_sub(OWN_FILES) as usize))
}

async fn is_healthy(server: &Server) -> bool {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("a client");
    client.get(server.url("/readyz")).send().await.is_ok_and(|answer| answer.status().is_success())
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_costs_bounded_memory_and_hurts_nobody() {
    let folder = Folder::new();
    let server = Server::start(&folder).await;
    for _ in 0..50 {
        assert!(is_healthy(&server).await);
    }
    let before = server.memory();
    let address: SocketAddr = ([127, 0, 0, 1], server.http).into();
    let mut open = Vec::new();
    let mut highest = before;
    for n in 0..connections_that_fit() {
        // Refused and reset connections are an answer too.
        let Ok(mut stream) = TcpStream::connect(address).await else { continue };
        let _ = match n % 3 {
            0 => Ok(()),
            1 => stream.write_all(b"GET /rtc HTTP/1.1\r\nHost: localhost\r\nX-Padding: ").await,
            _ => stream.write_all(&[0x16, 0x03, 0x01, 0xff, 0xff]).await,
        };
        open.push(stream);
        if n % 1_000 == 999 {
            assert!(is_healthy(&server).await, "a client got no answer after {n} silent connections");
            highest = highest.max(server.memory());
        }
    }
    hostile_datagrams(server.udp);
    highest = highest.max(server.memory());
    assert!(is_healthy(&server).await, "a client got no answer after the datagrams");
    assert!(highest - before < GROWTH, "grew from {before} to {highest} bytes under {} connections", open.len());

    // The silent are closed once their time is up, without anybody pushing.
    let opened = Instant::now();
    let limit = opened + HEADER_TIMEOUT + SLACK;
    for stream in &mut open {
        let mut rest = Vec::new();
        let left = limit.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
        let end = tokio::time::timeout(left, stream.read_to_end(&mut rest)).await;
        assert!(
            end.is_ok(),
            "a connection without a request is still open {:?} after the last was opened",
            opened.elapsed()
        );
    }
    let after = server.memory();
    assert!(after < before + GROWTH, "{after} bytes afterwards, {before} before");
    let (status, _) = server.stop().await;
    assert!(status.success());
}

/// Random bytes, truncated STUN, foreign ufrags, RTP and DTLS from nowhere.
fn hostile_datagrams(port: u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        // xorshift64: the same datagrams in every run.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let binding = stun_with_a_foreign_ufrag();
    for n in 0..DATAGRAMS {
        let length = (next() % 1_400 + 1) as usize;
        let mut datagram: Vec<u8> = (0..length).map(|_| next() as u8).collect();
        match n % 6 {
            0 => {}
            1 => datagram.splice(..0, [0x80, 0x60]).for_each(drop),
            2 => datagram.splice(..0, [0x16, 0xfe, 0xfd, 0, 0]).for_each(drop),
            3 => datagram.splice(..0, [0x15, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40]).for_each(drop),
            4 => datagram = binding[..(n / 6) % binding.len() + 1].to_vec(),
            _ => datagram.clone_from(&binding),
        }
        // A full socket buffer is the kernel's way of saying no.
        let _ = socket.send_to(&datagram, ("127.0.0.1", port));
        if n % 64 == 63 {
            // Two cores are shared with the server: without a pause most would be lost before it reads them.
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// A well-formed binding request (RFC 8489) for a session that does not exist.
fn stun_with_a_foreign_ufrag() -> Vec<u8> {
    let username = b"nobody:nothing!!";
    let mut message = vec![0, 1, 0, 4 + username.len() as u8, 0x21, 0x12, 0xa4, 0x42];
    message.extend([7; 12]);
    message.extend([0, 6, 0, username.len() as u8]);
    message.extend(username);
    message
}
