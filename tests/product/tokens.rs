//! Tokens that must not open a room, and what they are answered with.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use signaling_proto::token::{AccessToken, Claims, VideoGrant, sign};
use signaling_proto::unix_now;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::{Folder, Server};

const KEY: &str = "tokens-key";
const SECRET: &str = "tokens-secret-tokens-secret-tokens-secret";

fn claims() -> Claims {
    let now = unix_now();
    Claims {
        sub: "ada".to_owned(),
        nbf: Some(now),
        exp: Some(now + 60),
        video: Some(VideoGrant::join("r")),
        ..Claims::default()
    }
}

fn signed(claims: &Claims) -> String {
    sign(claims, KEY, SECRET).expect("a token")
}

/// A token with another head and another signature.
fn forged(algorithm: &str, signature: &str) -> String {
    let mut claims = claims();
    claims.iss = KEY.to_owned();
    let part = |json: String| BASE64_URL_SAFE_NO_PAD.encode(json);
    let head = part(format!("{{\"alg\":\"{algorithm}\",\"typ\":\"JWT\"}}"));
    format!("{head}.{}.{signature}", part(serde_json::to_string(&claims).expect("JSON")))
}

#[tokio::test]
async fn bad_tokens_are_refused_with_a_reason_and_good_ones_are_not() {
    let folder = Folder::new();
    let server = Server::start_with(&folder, &["--bind", "127.0.0.1", "--api-key", KEY, "--api-secret", SECRET]).await;
    let now = unix_now();
    let no_grant = AccessToken::new(KEY, SECRET).identity("ada").to_jwt().expect("a token");
    let refused = [
        ("nothing", String::new()),
        ("no token at all", "hello".to_owned()),
        ("expired", signed(&Claims { nbf: Some(now - 600), exp: Some(now - 300), ..claims() })),
        ("without exp", signed(&Claims { exp: None, ..claims() })),
        ("from the future", signed(&Claims { nbf: Some(now + 600), exp: Some(now + 900), ..claims() })),
        ("without identity", signed(&Claims { sub: String::new(), ..claims() })),
        ("without a grant", no_grant),
        ("without the right to join", signed(&Claims { video: Some(VideoGrant::default()), ..claims() })),
        ("unsigned", forged("HS256", "")),
        ("alg none", forged("none", "")),
        ("another algorithm", forged("HS512", "AAAA")),
        ("another secret", sign(&claims(), KEY, "another-secret-another-secret-another").expect("a token")),
        ("another key", sign(&claims(), "nobody", SECRET).expect("a token")),
    ];
    let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("a client");
    for (what, token) in &refused {
        let answer = client.get(server.url("/rtc/validate")).bearer_auth(token).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("text");
        // It is signed by the right key; what it says cannot be used.
        let expected = if *what == "without identity" { 400 } else { 401 };
        assert!(status == expected && !text.is_empty(), "{what}: {status} {text:?}");
        let answer = client
            .post(server.url("/twirp/livekit.RoomService/ListParticipants"))
            .bearer_auth(token)
            .header("content-type", "application/json")
            .body("{\"room\":\"r\"}")
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status().as_u16(), 401, "{what}, on the server API");
    }
    let good = signed(&claims());
    let answer = client.get(server.url("/rtc/validate")).bearer_auth(&good).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.text().await.expect("text").as_str()), (200, "success"));
    // A token for one room administers no other.
    let admin = VideoGrant { room_admin: true, ..VideoGrant::join("r") };
    let admin = signed(&Claims { video: Some(admin), ..claims() });
    for (room, status) in [("r", 200), ("other", 401)] {
        let answer = client
            .post(server.url("/twirp/livekit.RoomService/ListParticipants"))
            .bearer_auth(&admin)
            .header("content-type", "application/json")
            .body(format!("{{\"room\":\"{room}\"}}"))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{room}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused_readably() {
    let folder = Folder::new();
    let server = Server::start(&folder).await;
    let answer = reqwest::Client::new().get(server.url("/rtc/validate")).bearer_auth("x".repeat(100_000)).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status().as_u16(), 431);
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert!(answer.text().await.expect("text").contains("token"));

    // In the address, as browsers send it: longer than this client would.
    let mut stream = TcpStream::connect(("127.0.0.1", server.http)).await.expect("a connection");
    let head = format!("GET /rtc/validate?access_token={} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(100_000));
    // It may be refused before all of it has left.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text).await;
    assert!(text.starts_with("HTTP/1.1 431 ") || text.starts_with("HTTP/1.1 414 "), "{text}");
    assert!(text.contains("access-control-allow-origin: *") && text.contains("token"), "{text}");
}
