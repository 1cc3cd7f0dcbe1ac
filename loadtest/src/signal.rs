//! The signaling WebSocket, as LiveKit's Rust SDK opens it: token in the header, protobuf in binary frames.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use signaling_proto::proto::{
    ClientInfo, ConnectionSettings, JoinRequest, SessionDescription, SignalRequest, client_info, signal_request,
    signal_response,
};
use signaling_proto::token::{AccessToken, VideoGrant};
use signaling_proto::{codec, ids, join};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long the WebSocket may take to open.
const OPEN_TIMEOUT: Duration = Duration::from_secs(15);
/// Tokens outlive the longest run.
const TOKEN_TTL: Duration = Duration::from_secs(2 * 3600);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Which server, and the key to join its rooms with.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// `ws://host:port`.
    pub(crate) url: String,
    /// The API key.
    pub(crate) key: String,
    /// Its secret.
    pub(crate) secret: String,
    /// The room.
    pub(crate) room: String,
}

/// The sending half.
pub(crate) struct Requests {
    sink: SplitSink<Socket, Message>,
}

/// The receiving half.
pub(crate) struct Responses {
    stream: SplitStream<Socket>,
}

/// Opens `/rtc`, or `/rtc/v1` with the first offer.
pub(crate) async fn open(
    endpoint: &Endpoint,
    identity: &str,
    subscribe: bool,
    first_offer: Option<SessionDescription>,
) -> Result<(Requests, Responses)> {
    let mut request = address(endpoint, subscribe, first_offer).into_client_request().context("the server's URL")?;
    let grant = VideoGrant::join(&endpoint.room);
    let token =
        AccessToken::new(&endpoint.key, &endpoint.secret).identity(identity).grant(grant).ttl(TOKEN_TTL).to_jwt()?;
    request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}"))?);
    let opened = tokio::time::timeout(OPEN_TIMEOUT, connect_async(request)).await.context("opening the WebSocket")?;
    match opened {
        Ok((socket, _)) => {
            let (sink, stream) = socket.split();
            Ok((Requests { sink }, Responses { stream }))
        }
        Err(SocketError::Http(answer)) => {
            let reason = answer.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
            bail!("the server refused the join: {} {reason}", answer.status())
        }
        Err(error) => Err(error).context("opening the WebSocket"),
    }
}

impl Requests {
    /// Sends one message.
    pub(crate) async fn send(&mut self, message: signal_request::Message) -> Result<()> {
        let frame = codec::encode_request(&SignalRequest { message: Some(message) });
        self.sink.send(Message::Binary(frame)).await.context("sending a signal message")
    }

    /// Closes the socket.
    pub(crate) async fn close(&mut self) {
        // The server may have closed first.
        let _ = self.sink.close().await;
    }
}

impl Responses {
    /// The next message; `None` when the server has closed.
    pub(crate) async fn next(&mut self) -> Result<Option<signal_response::Message>> {
        while let Some(frame) = self.stream.next().await {
            match frame.context("the WebSocket broke")? {
                Message::Binary(frame) => {
                    if let Some(message) = codec::decode_response(&frame)?.message {
                        return Ok(Some(message));
                    }
                }
                Message::Close(_) => return Ok(None),
                _ => {}
            }
        }
        Ok(None)
    }
}

fn address(endpoint: &Endpoint, subscribe: bool, first_offer: Option<SessionDescription>) -> String {
    let base = endpoint.url.trim_end_matches('/');
    let version = env!("CARGO_PKG_VERSION");
    let protocol = ids::SERVER_PROTOCOL;
    let Some(offer) = first_offer else {
        let subscribe = u8::from(subscribe);
        return format!(
            "{base}/rtc?sdk=rust&version={version}&protocol={protocol}&auto_subscribe={subscribe}&adaptive_stream=0"
        );
    };
    let request = JoinRequest {
        client_info: Some(ClientInfo {
            sdk: client_info::Sdk::Rust as i32,
            version: version.to_owned(),
            protocol,
            ..ClientInfo::default()
        }),
        connection_settings: Some(ConnectionSettings { auto_subscribe: subscribe, ..ConnectionSettings::default() }),
        publisher_offer: Some(offer),
        ..JoinRequest::default()
    };
    let packed: String = url::form_urlencoded::byte_serialize(join::pack_join_request(&request).as_bytes()).collect();
    format!("{base}/rtc/v1?join_request={packed}")
}

#[cfg(test)]
mod tests {
    use signaling_proto::join::{ConnectionMode, JoinPath, parse};

    use super::*;

    #[test]
    fn both_addresses_are_what_a_server_parses() {
        let endpoint = Endpoint { url: "ws://h:1/".into(), key: "k".into(), secret: "s".into(), room: "r".into() };
        let dual = address(&endpoint, true, None);
        let query = dual.strip_prefix("ws://h:1/rtc?").unwrap();
        let parameters = parse(JoinPath::V0, query).unwrap().parameters;
        assert_eq!((parameters.mode, parameters.auto_subscribe), (ConnectionMode::Dual, true));

        let offer = SessionDescription { r#type: "offer".into(), sdp: "v=0".into(), id: 1, ..Default::default() };
        let single = address(&endpoint, false, Some(offer.clone()));
        let query = single.strip_prefix("ws://h:1/rtc/v1?").unwrap();
        let parameters = parse(JoinPath::V1, query).unwrap().parameters;
        assert_eq!((parameters.mode, parameters.auto_subscribe), (ConnectionMode::Single, false));
        assert_eq!(parameters.publisher_offer, Some(offer));
    }
}
