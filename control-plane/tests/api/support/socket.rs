//! The control plane on a real port, and the event socket as a client of its own sees it.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::TestApp;

/// Longest wait for one frame.
const PATIENCE: Duration = Duration::from_secs(20);

/// A port that serves a test's control plane.
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    task: Option<JoinHandle<()>>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// An open socket.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) hello: Value,
}

impl TestApp {
    /// Serves this control plane on a port.
    pub(crate) async fn wire(&self) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let service = self.router.clone().into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move { axum::serve(listener, service).await.expect("it serves") });
        Wire { address, task: Some(task) }
    }
}

impl Wire {
    /// To a port that somebody else serves.
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self { address, task: None }
    }

    /// Opens the socket as whoever `token` is.
    pub(crate) async fn open(&self, token: &str) -> Socket {
        let bearer = format!("Bearer {token}");
        self.try_open("", &[("authorization", &bearer)]).await.expect("the socket opens")
    }

    /// Opens the socket with a query and headers; the status and the problem when it is refused.
    pub(crate) async fn try_open(&self, query: &str, headers: &[(&'static str, &str)]) -> Result<Socket, (u16, Value)> {
        let url = format!("ws://{}/api/v1/events{query}", self.address);
        let mut request = url.into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => {
                let mut socket = Socket { stream, hello: Value::Null };
                socket.hello = socket.next().await;
                assert_eq!(socket.hello["type"], "hello");
                Ok(socket)
            }
            Err(tungstenite::Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                Err((response.status().as_u16(), serde_json::from_slice(body).unwrap_or_default()))
            }
            Err(error) => panic!("no answer to the handshake: {error}"),
        }
    }
}

/// Opens a socket at a server that may be gone.
pub(crate) async fn try_connect(url: &str, bearer: &str) -> Result<Socket, tungstenite::Error> {
    let mut request = url.into_client_request()?;
    request.headers_mut().insert("authorization", bearer.parse().expect("a header"));
    let (stream, _) = tokio_tungstenite::connect_async(request).await?;
    Ok(Socket { stream, hello: Value::Null })
}

impl Socket {
    pub(crate) async fn try_send(&mut self, frame: &Value) -> Result<(), tungstenite::Error> {
        self.stream.send(Message::text(frame.to_string())).await
    }

    pub(crate) async fn send(&mut self, frame: &Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.expect("the socket is open");
    }

    pub(crate) async fn send_raw(&mut self, message: Message) {
        self.stream.send(message).await.expect("the socket is open");
    }

    /// The next frame, or the code the socket was closed with.
    pub(crate) async fn next_or_close(&mut self) -> Result<Value, u16> {
        loop {
            match tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("something comes") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(1005, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }

    /// The next frame.
    #[track_caller]
    pub(crate) fn next(&mut self) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            let frame = self.next_or_close().await;
            frame.unwrap_or_else(|code| panic!("closed with {code} at {caller}"))
        }
    }

    /// The next frame of a type; others are passed over.
    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// Reads to the end; the code of the close.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next_or_close().await {
                return code;
            }
        }
    }

    /// Whether nothing comes for `time`.
    pub(crate) async fn is_quiet(&mut self, time: Duration) -> bool {
        let next = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => return other,
                }
            }
        };
        tokio::time::timeout(time, next).await.is_err()
    }

    /// Sends a frame and reads its answer; events in between are passed over.
    pub(crate) async fn ask(&mut self, mut frame: Value) -> Value {
        let reference = uuid::Uuid::now_v7().to_string();
        frame["ref"] = reference.clone().into();
        self.send(&frame).await;
        loop {
            let answer = self.next().await;
            if answer["ref"] == reference.as_str() {
                return answer;
            }
        }
    }

    /// Listens to topics that are there.
    #[track_caller]
    pub(crate) fn subscribe(&mut self, topics: &[&str], last: Option<i64>) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        let mut frame = serde_json::json!({ "type": "subscribe", "topics": topics });
        if let Some(last) = last {
            frame["last_event_id"] = last.into();
        }
        async move {
            let answer = self.ask(frame).await;
            assert_eq!(answer["type"], "subscribed", "{answer} at {caller}");
            assert_eq!(answer["refused"], serde_json::json!([]), "at {caller}");
            answer
        }
    }

    /// Goes without a word.
    pub(crate) async fn drop_connection(self) {
        drop(self.stream);
    }
}
