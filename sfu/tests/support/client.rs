//! A signaling client without media: sends requests, reads what comes, keeps what nobody waited for.

use std::collections::VecDeque;
use std::net::SocketAddr;

use futures_util::SinkExt;
use futures_util::StreamExt;
use signaling_proto::Message as _;
use signaling_proto::proto;
use signaling_proto::proto::signal_request::Message as Request;
use signaling_proto::proto::signal_response::Message as Response;
use tokio::net::TcpStream;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::PATIENCE;

pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Read, but not what was waited for.
    kept: VecDeque<Response>,
    pub(crate) join: proto::JoinResponse,
}

/// The HTTP answer to a refused upgrade.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Client {
    /// Opens the socket without waiting for a message.
    pub(crate) async fn open(address: SocketAddr, path: &str, token: &str) -> Result<Self, Refused> {
        let mut request = format!("ws://{address}{path}").into_client_request().expect("url");
        if !token.is_empty() {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().expect("header"));
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((socket, _)) => Ok(Self { socket, kept: VecDeque::new(), join: proto::JoinResponse::default() }),
            Err(tungstenite::Error::Http(response)) => Err(Refused {
                status: response.status().as_u16(),
                text: String::from_utf8_lossy(response.body().as_deref().unwrap_or_default()).into_owned(),
            }),
            Err(error) => panic!("no answer: {error}"),
        }
    }

    /// Joins: the first message must be the JoinResponse.
    pub(crate) async fn connect(address: SocketAddr, path: &str, token: &str) -> Result<Self, Refused> {
        let mut client = Self::open(address, path, token).await?;
        match client.next().await {
            Some(Response::Join(join)) => client.join = join,
            other => panic!("the first message is {other:?}"),
        }
        Ok(client)
    }

    pub(crate) fn sid(&self) -> &str {
        &self.join.participant.as_ref().expect("participant").sid
    }

    pub(crate) async fn send(&mut self, message: Request) {
        let request = proto::SignalRequest { message: Some(message) };
        self.socket.send(Message::Binary(request.encode_to_vec().into())).await.expect("send");
    }

    pub(crate) async fn send_raw(&mut self, message: Message) {
        self.socket.send(message).await.expect("send");
    }

    /// Sends what the server may not want to read to its end.
    pub(crate) async fn try_send_raw(&mut self, message: Message) -> Result<(), tungstenite::Error> {
        self.socket.send(message).await
    }

    /// The next message; `None` once the socket is closed.
    pub(crate) async fn next(&mut self) -> Option<Response> {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a message in time")?;
            match frame.ok()? {
                Message::Binary(bytes) => {
                    return Some(proto::SignalResponse::decode(bytes).expect("protobuf").message.expect("message"));
                }
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// Reads until the server closes; the code it gives.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("an end in time")?.ok()?;
            if let Message::Close(frame) = message {
                return frame.map(|frame| frame.code.into());
            }
        }
    }

    /// Closes the socket; whether the server answered the Close.
    pub(crate) async fn close(mut self) -> bool {
        self.socket.send(Message::Close(None)).await.expect("send");
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("an end in time") {
                Some(Ok(Message::Close(_))) => return true,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return false,
            }
        }
    }

    /// The next text frame; binary ones before it are dropped.
    pub(crate) async fn next_text(&mut self) -> String {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a message in time");
            if let Message::Text(text) = frame.expect("open").expect("frame") {
                return text.to_string();
            }
        }
    }

    /// The first message, kept or new, that `pick` takes. What it does not take is kept for later.
    pub(crate) async fn wait<T>(&mut self, what: &str, mut pick: impl FnMut(&Response) -> Option<T>) -> T {
        for index in 0..self.kept.len() {
            if let Some(picked) = pick(&self.kept[index]) {
                self.kept.remove(index);
                return picked;
            }
        }
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < deadline {
            let message = self.next().await.unwrap_or_else(|| panic!("closed while waiting for {what}"));
            match pick(&message) {
                Some(picked) => return picked,
                None => self.kept.push_back(message),
            }
        }
        panic!("waited in vain for {what}; got {:?}", self.kept);
    }

    /// The newest snapshot of a participant that satisfies `pick`.
    pub(crate) async fn wait_for_participant(
        &mut self,
        identity: &str,
        mut pick: impl FnMut(&proto::ParticipantInfo) -> bool,
    ) -> proto::ParticipantInfo {
        self.wait(identity, |message| match message {
            Response::Update(update) => {
                update.participants.iter().find(|info| info.identity == identity && pick(info)).cloned()
            }
            _ => None,
        })
        .await
    }

    /// Messages that come within a moment, and those kept.
    pub(crate) async fn drain(&mut self) -> Vec<Response> {
        let mut all: Vec<Response> = self.kept.drain(..).collect();
        let moment = std::time::Duration::from_millis(300);
        while let Ok(Some(Ok(frame))) = tokio::time::timeout(moment, self.socket.next()).await {
            if let Message::Binary(bytes) = frame {
                all.push(proto::SignalResponse::decode(bytes).expect("protobuf").message.expect("message"));
            }
        }
        all
    }

    /// Reads until the socket closes; returns the last message.
    pub(crate) async fn last_words(&mut self) -> Option<Response> {
        let mut last = None;
        while let Some(message) = self.next().await {
            last = Some(message);
        }
        last
    }

    pub(crate) async fn offer(&mut self, id: u32, sdp: String) -> proto::SessionDescription {
        let description =
            proto::SessionDescription { r#type: "offer".to_owned(), sdp, id, ..proto::SessionDescription::default() };
        self.send(Request::Offer(description)).await;
        self.wait("answer", |message| match message {
            Response::Answer(answer) if answer.id == id => Some(answer.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn add_track(&mut self, request: proto::AddTrackRequest) -> proto::TrackInfo {
        let cid = request.cid.clone();
        self.send(Request::AddTrack(request)).await;
        self.wait("track_published", |message| match message {
            Response::TrackPublished(published) if published.cid == cid => published.track.clone(),
            _ => None,
        })
        .await
    }
}
