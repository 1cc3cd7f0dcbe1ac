//! One signaling WebSocket: frames in to the room's mailbox, the room's messages out.
//!
//! It knows the frame format, pings and time-outs, and nothing about rooms. It may end for its own reasons (the client is
//! gone, sends rubbish or does not read); the room hears of it by [`RoomMessage::SessionEnded`].

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use axum::extract::ws::CloseFrame;
use axum::extract::ws::Message;
use axum::extract::ws::WebSocket;
use axum::extract::ws::close_code;
use bytes::Bytes;
use futures_util::SinkExt;
use futures_util::StreamExt;
use futures_util::stream::SplitSink;
use signaling_proto::Message as _;
use signaling_proto::codec;
use signaling_proto::codec::FrameError;
use signaling_proto::codec::FrameFormat;
use signaling_proto::proto;
use signaling_proto::proto::signal_request::Message as Request;
use signaling_proto::proto::signal_response::Message as Response;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::room::ParticipantKey;
use crate::room::RoomMessage;

/// Messages that may wait for one client. A client that does not read that many is closed.
const OUTBOUND_CAPACITY: usize = 1_024;

/// Bytes that may wait for one client: a few of the longest messages that people can cause (512 KiB of metadata).
const OUTBOUND_BYTES: usize = 16 * 1024 * 1024;

/// How often we ping on the WebSocket level, so that idle connections stay open through proxies.
const PING_INTERVAL: Duration = Duration::from_secs(10);

/// A socket that gives no sign of life for this long is dead.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest that one message may take to leave.
pub(crate) const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest that the closing handshake may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A message on its way to one or many clients; encoded once.
#[derive(Debug)]
pub(crate) struct Outbound {
    message: proto::SignalResponse,
    /// As protobuf.
    length: usize,
    binary: OnceLock<Bytes>,
}

/// What we write is always serializable; a frame that is not would be empty, which clients ignore.
fn encode(format: FrameFormat, message: &proto::SignalResponse) -> Bytes {
    codec::encode_response(format, message).unwrap_or_else(|error| {
        tracing::error!(%error, "a signal message could not be written");
        Bytes::new()
    })
}

impl Outbound {
    pub(crate) fn new(message: Response) -> Arc<Self> {
        let message = proto::SignalResponse { message: Some(message) };
        Arc::new(Self { length: message.encoded_len(), message, binary: OnceLock::new() })
    }

    /// For a client whose format is not known.
    pub(crate) fn binary_frame(&self) -> Message {
        self.frame(FrameFormat::Binary)
    }

    fn frame(&self, format: FrameFormat) -> Message {
        match format {
            FrameFormat::Binary => Message::Binary(self.binary.get_or_init(|| encode(format, &self.message)).clone()),
            FrameFormat::Text => {
                let text = String::from_utf8(encode(format, &self.message).into()).unwrap_or_default();
                Message::Text(text.into())
            }
        }
    }
}

/// The room's end of a session.
#[derive(Clone, Debug)]
pub(crate) struct SessionSender {
    queue: mpsc::Sender<Arc<Outbound>>,
    /// Bytes in `queue`.
    waiting: Arc<AtomicUsize>,
    /// Ends the session at once, whatever waits.
    kill: CancellationToken,
}

/// The socket's end of a session, before the socket exists.
#[derive(Debug)]
pub(crate) struct SessionReceiver {
    queue: mpsc::Receiver<Arc<Outbound>>,
    waiting: Arc<AtomicUsize>,
    kill: CancellationToken,
}

/// A session without a socket yet: messages may be queued for it already.
pub(crate) fn session() -> (SessionSender, SessionReceiver) {
    let (sender, receiver) = mpsc::channel(OUTBOUND_CAPACITY);
    let kill = CancellationToken::new();
    let waiting = Arc::new(AtomicUsize::new(0));
    let receiver = SessionReceiver { queue: receiver, waiting: Arc::clone(&waiting), kill: kill.clone() };
    (SessionSender { queue: sender, waiting, kill }, receiver)
}

impl SessionSender {
    /// Queues a message. A client that does not read is closed and counted.
    pub(crate) fn send(&self, message: Response) {
        self.send_shared(&Outbound::new(message));
    }

    pub(crate) fn send_shared(&self, message: &Arc<Outbound>) {
        let waiting = self.waiting.fetch_add(message.length, Ordering::Relaxed);
        // One message may be longer than the bound as long as it waits alone.
        let fits = waiting == 0 || waiting + message.length <= OUTBOUND_BYTES;
        let full = !fits || matches!(self.queue.try_send(Arc::clone(message)), Err(TrySendError::Full(_)));
        if full && !self.kill.is_cancelled() {
            metrics::counter!("plenum_signal_sessions_overflowed_total").increment(1);
            self.kill.cancel();
        }
    }
}

/// Tells the room when a session ends, also one whose socket never came to be.
#[derive(Debug)]
pub(crate) struct SessionGuard {
    pub(crate) room: mpsc::Sender<RoomMessage>,
    pub(crate) participant: ParticipantKey,
    pub(crate) runtime: tokio::runtime::Handle,
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        let message = RoomMessage::SessionEnded { participant: self.participant };
        if let Err(TrySendError::Full(message)) = self.room.try_send(message) {
            let room = self.room.clone();
            self.runtime.spawn(async move { room.send(message).await });
        }
    }
}

fn unix_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64)
}

/// Runs a session until either side ends it. The room ends it by dropping its [`SessionSender`]: what waits still leaves.
pub(crate) async fn run(socket: WebSocket, mut session: SessionReceiver, guard: SessionGuard) {
    let (mut sink, mut stream) = socket.split();
    let mut format = FrameFormat::Binary;
    let mut last_heard = Instant::now();
    let mut ping = tokio::time::interval_at(last_heard + PING_INTERVAL, PING_INTERVAL);
    let mut code = close_code::NORMAL;
    loop {
        tokio::select! {
            biased;
            () = session.kill.cancelled() => { code = close_code::POLICY; break; }
            message = session.queue.recv() => {
                let Some(message) = message else { break };
                session.waiting.fetch_sub(message.length, Ordering::Relaxed);
                if !send(&mut sink, message.frame(format)).await { return; }
            }
            frame = stream.next() => {
                last_heard = Instant::now();
                let frame = match frame {
                    Some(Ok(frame)) => frame,
                    // Longer than we read at all; the library says it in words alone.
                    Some(Err(error)) if error.to_string().contains("too long") => {
                        metrics::counter!("plenum_signal_frames_too_long_total").increment(1);
                        code = close_code::SIZE;
                        break;
                    }
                    Some(Err(_)) | None => return,
                };
                let request = match frame {
                    Message::Binary(bytes) => codec::decode_request(FrameFormat::Binary, &bytes),
                    Message::Text(text) => {
                        format = FrameFormat::Text;
                        codec::decode_request(format, text.as_bytes())
                    }
                    Message::Ping(_) | Message::Pong(_) => continue,
                    Message::Close(_) => return finish(&mut sink).await,
                };
                let request = match request {
                    Ok(request) => request,
                    Err(FrameError::TooLong(_)) => {
                        metrics::counter!("plenum_signal_frames_too_long_total").increment(1);
                        code = close_code::SIZE;
                        break;
                    }
                    Err(_) => {
                        metrics::counter!("plenum_signal_frames_malformed_total").increment(1);
                        code = close_code::INVALID;
                        break;
                    }
                };
                if !handle(request, format, &mut sink, &guard).await { return; }
            }
            now = ping.tick() => {
                if now.duration_since(last_heard) > IDLE_TIMEOUT { return; }
                if !send(&mut sink, Message::Ping(Bytes::new())).await { return; }
            }
        }
    }
    let close = Message::Close(Some(CloseFrame { code, reason: "".into() }));
    let _ = send(&mut sink, close).await;
    finish(&mut sink).await;
}

/// Lets the closing handshake leave: a client that gets no answer to its Close reports a broken connection.
async fn finish(sink: &mut Sink) {
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, sink.close()).await;
}

type Sink = SplitSink<WebSocket, Message>;

async fn send(sink: &mut Sink, message: Message) -> bool {
    matches!(tokio::time::timeout(SEND_TIMEOUT, sink.send(message)).await, Ok(Ok(())))
}

/// Answers pings, hands everything else to the room. `false`: the session is over.
async fn handle(request: proto::SignalRequest, format: FrameFormat, sink: &mut Sink, guard: &SessionGuard) -> bool {
    let answer = match request.message {
        // An unknown or empty message of a newer client.
        None => return true,
        Some(Request::Ping(_)) => Response::Pong(unix_ms()),
        Some(Request::PingReq(ping)) => {
            Response::PongResp(proto::Pong { last_ping_timestamp: ping.timestamp, timestamp: unix_ms() })
        }
        Some(message) => {
            let message = RoomMessage::Signal { participant: guard.participant, request: Box::new(message) };
            return guard.room.send(message).await.is_ok();
        }
    };
    send(sink, Outbound::new(answer).frame(format)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> Arc<Outbound> {
        Outbound::new(Response::RefreshToken("x".repeat(bytes)))
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_closed_by_number_and_by_size() {
        let (sender, receiver) = session();
        let small = message(10);
        for _ in 0..OUTBOUND_CAPACITY {
            sender.send_shared(&small);
        }
        assert!(!receiver.kill.is_cancelled());
        sender.send_shared(&small);
        assert!(receiver.kill.is_cancelled());

        let (sender, receiver) = session();
        let large = message(1024 * 1024);
        for _ in 0..15 {
            sender.send_shared(&large);
        }
        assert!(!receiver.kill.is_cancelled());
        sender.send_shared(&large);
        assert!(receiver.kill.is_cancelled());
    }
}
