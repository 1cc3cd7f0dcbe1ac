//! From an account to a place in a call, over HTTP and WebSocket, and how the end of the server looks from there.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use signaling_proto::Message as _;
use signaling_proto::proto::{DisconnectReason, SignalResponse, signal_response};
use tokio_tungstenite::tungstenite::Message;

use crate::server::{Folder, Server};

/// Longest wait for one message.
const PATIENCE: Duration = Duration::from_secs(20);

/// A person with an account.
pub(crate) struct Person {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Person {
    pub(crate) fn nobody(base: String) -> Self {
        Self { client: reqwest::Client::builder().timeout(PATIENCE).build().expect("a client"), base, token: None }
    }

    pub(crate) async fn registered(base: String, name: &str) -> Self {
        let mut person = Self::nobody(base);
        let email = format!("{name}@example.org");
        let password = "correct horse battery";
        let form = json!({ "email": email, "password": password, "display_name": name });
        let (status, answer) = person.post("/auth/register", &form).await;
        assert_eq!(status, 201, "{answer}");
        assert_eq!(person.post("/auth/register", &form).await.0, 409, "the address is taken");
        let (status, answer) = person.post("/auth/login", &json!({ "identifier": email, "password": password })).await;
        assert_eq!(status, 200, "{answer}");
        person.token = answer["access_token"].as_str().map(str::to_owned);
        person
    }

    /// The status and the body.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let mut request = self
            .client
            .post(format!("{}/api/v1{path}", self.base))
            .header("content-type", "application/json")
            .body(body.to_string());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.expect("text")).unwrap_or_default())
    }
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Opens the signaling socket of a join answer.
pub(crate) async fn connect(join: &Value) -> Socket {
    let url = join["url"].as_str().expect("a url");
    let token = join["token"].as_str().expect("a token");
    let url = format!("{url}/rtc?access_token={token}&protocol=16&auto_subscribe=1");
    tokio_tungstenite::connect_async(url).await.expect("the node lets the token in").0
}

/// The next signal message; `None` when the socket was closed.
pub(crate) async fn next(socket: &mut Socket) -> Option<signal_response::Message> {
    loop {
        match tokio::time::timeout(PATIENCE, socket.next()).await.expect("something comes")? {
            Ok(Message::Binary(bytes)) => return SignalResponse::decode(bytes).expect("protobuf").message,
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// Reads until the join response.
pub(crate) async fn joined(socket: &mut Socket) -> signaling_proto::proto::JoinResponse {
    match next(socket).await {
        Some(signal_response::Message::Join(join)) => join,
        other => panic!("the first message is no join response: {other:?}"),
    }
}

#[tokio::test]
async fn from_an_account_to_a_call_and_to_its_orderly_end() {
    let folder = Folder::new();
    let server = Server::start(&folder).await;
    let base = server.url("");
    assert_eq!(Person::nobody(base.clone()).post("/rooms", &json!({ "name": "x" })).await.0, 401);
    let ada = Person::registered(base.clone(), "ada").await;
    assert_eq!(ada.post("/rooms", &json!({ "name": "" })).await.0, 422);
    let (status, room) =
        ada.post("/rooms", &json!({ "name": "Standup", "type": "video", "access_level": "public" })).await;
    assert_eq!(status, 201, "{room}");
    let code = room["code"].as_str().expect("a code");

    let (status, join) = ada.post(&format!("/rooms/{}/join", room["id"].as_str().expect("an id")), &json!({})).await;
    assert_eq!(status, 200, "{join}");
    assert_eq!(join["url"], format!("ws://127.0.0.1:{}", server.http));
    assert_eq!(join["ice_servers"], json!([]));
    let mut adas = connect(&join).await;
    let answer = joined(&mut adas).await;
    assert_eq!(answer.participant.as_ref().map(|p| p.name.as_str()), Some("ada"));
    assert_eq!(answer.room.as_ref().map(|r| r.name.as_str()), room["id"].as_str());

    let docs = reqwest::get(server.url("/api/docs/")).await.expect("an answer");
    assert_eq!(docs.status().as_u16(), 200, "the documentation is served from the binary");
    let guest = Person::nobody(base);
    let (status, join) = guest.post(&format!("/rooms/{code}/join"), &json!({ "display_name": "Grace" })).await;
    assert_eq!(status, 200, "{join}");
    assert!(join["guest"]["access_token"].is_string(), "{join}");
    let mut graces = connect(&join).await;
    let answer = joined(&mut graces).await;
    assert_eq!(answer.participant.as_ref().map(|p| p.name.as_str()), Some("Grace"));
    assert_eq!(guest.post("/rooms/bcdfghjklm/join", &json!({ "display_name": "Eve" })).await.0, 404);

    // The end: both are told to leave, then their sockets close, and the process exits 0.
    let stopping = tokio::spawn(server.stop());
    for socket in [&mut adas, &mut graces] {
        let mut told = None;
        while let Some(message) = next(socket).await {
            if let signal_response::Message::Leave(leave) = message {
                told = Some(leave.reason());
            }
        }
        assert_eq!(told, Some(DisconnectReason::ServerShutdown));
    }
    let (status, took) = stopping.await.expect("no panic");
    assert!(status.success() && took < Duration::from_secs(15), "{status} after {took:?}");
}
