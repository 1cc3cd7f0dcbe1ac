//! `GET /api/v1/events`: the socket.
//!
//! In: a WebSocket of an admitted caller. Out: events of its topics, answers to its frames. One task per socket; all
//! its memory is bounded: the queue, one frame in, one batch out.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use futures_util::SinkExt;
use garde::Validate;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::frames::{self, close, words};
use super::requests::{self, Answer};
use super::{MAX_TICKET_CHARS, admit, knock};
use crate::app::App;
use crate::error::ApiError;
use crate::events::frame::Frame;
use crate::events::hub::End;
use crate::http::extract::{AnyoneAtAll, Params};
use crate::routes::problems::{Problems, UpgradeRequired};
use crate::services::listeners::Listener;

/// Largest frame a client may send: a message's body of 8 KiB, with its escapes.
const MAX_FRAME_BYTES: usize = 16 * 1024;
/// First size of a socket's buffers; thousands of sockets are idle.
const BUFFER_BYTES: usize = 2 * 1024;
/// What may wait to be written to a socket that the kernel takes nothing for.
const MAX_WRITE_BYTES: usize = 512 * 1024;
/// Longest wait for a socket to take what is sent.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for the other end to take our goodbye; who was too slow for events has some of them to read before it.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest wait for the database's word on rights.
const RECHECK_TIMEOUT: Duration = Duration::from_secs(3);
/// Events written before the socket is flushed.
const BATCH: usize = 64;
/// Frames beyond the limit that are answered before the socket is closed.
const PATIENCE_FRAMES: u32 = 20;

/// How the caller proves who they are, where no header can be sent.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SocketQuery {
    /// From `POST /auth/ws-ticket`; works once.
    #[garde(inner(length(chars, max = MAX_TICKET_CHARS)))]
    ticket: Option<String>,
}

/// Open the socket of events. What travels over it is described in `docs/domain/realtime.md`.
#[utoipa::path(get, path = "/events", tag = "events", operation_id = "open_events", params(SocketQuery),
    security(("bearer" = []), ("cookie" = []), ()), responses(
        (status = 101, description = "The connection is a WebSocket now"),
        Problems, UpgradeRequired))]
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    AnyoneAtAll(caller): AnyoneAtAll,
    Params(query): Params<SocketQuery>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let ticket = query.ticket.as_deref();
    knock(&caller, ticket, &headers).await?;
    let upgrade = upgrade.map_err(|_| {
        ApiError::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", "Open this address as a WebSocket.")
    })?;
    let listener = admit(&app, caller, ticket).await?;
    let upgrade = upgrade
        .max_message_size(MAX_FRAME_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_write_buffer_size(MAX_WRITE_BYTES);
    let tracker = app.listeners.clone();
    Ok(upgrade.on_upgrade(move |socket| tracker.track_future(Session { app, socket, listener }.run())))
}

/// How often a client may speak: a bucket that refills by the second.
struct Bucket {
    tokens: f64,
    burst: f64,
    per_second: f64,
    at: Instant,
    refused: u32,
}

impl Bucket {
    fn new(per_minute: u32) -> Self {
        let burst = f64::from(per_minute.max(2)) / 2.0;
        Self { tokens: burst, burst, per_second: f64::from(per_minute) / 60.0, at: Instant::now(), refused: 0 }
    }

    fn take(&mut self) -> bool {
        let now = Instant::now();
        self.tokens = (self.tokens + now.duration_since(self.at).as_secs_f64() * self.per_second).min(self.burst);
        self.at = now;
        let allowed = self.tokens >= 1.0;
        if allowed {
            self.tokens -= 1.0;
            self.refused = 0;
        } else {
            self.refused += 1;
        }
        allowed
    }
}

/// Why a socket ends: a code and words for the other end, or nothing when that has gone.
type Goodbye = Option<(u16, &'static str)>;

/// One socket and its task.
struct Session {
    app: Arc<App>,
    socket: WebSocket,
    listener: Listener,
}

impl Session {
    async fn run(mut self) {
        let goodbye = match self.converse().await {
            Ok(()) => None,
            Err(goodbye) => goodbye,
        };
        if let Some((code, reason)) = goodbye {
            let last = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
            let farewell = async {
                if self.socket.send(last).await.is_ok() {
                    // The other end answers; a socket dropped before is reset, and the goodbye may be lost with it.
                    while let Some(Ok(_)) = self.socket.recv().await {}
                }
            };
            let _the_other_end_is_slow = timeout(CLOSE_TIMEOUT, farewell).await;
        }
    }

    /// Speaks and listens until one of the two ends.
    async fn converse(&mut self) -> Result<(), Goodbye> {
        let settings = &self.app.realtime;
        let every = |seconds: u64| {
            let period = Duration::from_secs(seconds.max(1));
            // Sockets that came together do not all wake together.
            let first = Instant::now() + period.mul_f64(0.5 + rand::random::<f64>() * 0.5);
            let mut interval = interval_at(first, period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        };
        let (mut ping, mut recheck) = (every(settings.ping_every_s), every(settings.recheck_every_s));
        let silence = Duration::from_secs(settings.idle_timeout_s.max(1));
        let mut bucket = Bucket::new(settings.frames_per_minute);
        let mut heard = Instant::now();
        let signals = self.listener.signals();
        let goodbye = self.app.goodbye.clone();
        let clock = self.app.clock.clone();
        let mut expiry = pin!(clock.sleep_until(self.listener.expires_at()));
        let mut awaited = self.listener.expires_at();
        let hello = frames::hello(&self.app, &self.listener);
        self.send(Message::Text(hello.into())).await?;
        loop {
            if self.listener.expires_at() != awaited {
                awaited = self.listener.expires_at();
                expiry.set(clock.sleep_until(awaited));
            }
            tokio::select! {
                end = signals.ended() => return Err(Some(words(end))),
                () = goodbye.cancelled() => return Err(Some(words(End::Stopping))),
                frame = self.listener.queue().recv() => {
                    let Some(frame) = frame else { return Err(Some((close::GOING_AWAY, "going away"))) };
                    self.send_events(frame).await?;
                }
                message = self.socket.recv() => {
                    heard = Instant::now();
                    self.receive(message, &mut bucket).await?;
                }
                _ = ping.tick() => {
                    if heard.elapsed() >= silence {
                        return Err(Some((close::SILENT, "silent for too long: connect again and resume")));
                    }
                    self.send(Message::Ping(bytes::Bytes::new())).await?;
                }
                _ = recheck.tick() => self.recheck().await?,
                // Over, unless the session was refreshed meanwhile.
                () = &mut expiry => {
                    self.recheck().await?;
                    awaited = self.listener.expires_at();
                    expiry.set(clock.sleep_until(awaited));
                }
                () = signals.doubted() => self.recheck_if_in_doubt().await?,
            }
        }
    }

    async fn recheck_if_in_doubt(&mut self) -> Result<(), Goodbye> {
        if self.listener.signals().take_doubt() { self.recheck().await } else { Ok(()) }
    }

    async fn recheck(&mut self) -> Result<(), Goodbye> {
        // A database that is silent must not silence the socket too. What it did not say is asked again.
        let Ok(looked) = timeout(RECHECK_TIMEOUT, self.listener.recheck(&self.app)).await else {
            let over = self.listener.has_expired(&self.app);
            return if over { Err(Some(words(End::SessionEnded))) } else { Ok(()) };
        };
        let lost = looked.map_err(|end| Some(words(end)))?;
        if lost.is_empty() {
            return Ok(());
        }
        self.send(Message::Text(frames::unsubscribed(None, &lost, "rights_changed").into())).await
    }

    async fn receive(
        &mut self,
        message: Option<Result<Message, axum::Error>>,
        bucket: &mut Bucket,
    ) -> Result<(), Goodbye> {
        let text = match message {
            Some(Ok(Message::Text(text))) => Some(text),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => None,
            Some(Ok(Message::Binary(_))) => return Err(Some((close::NOT_TEXT, "frames are JSON text"))),
            Some(Ok(Message::Close(_))) | None => return Err(None),
            Some(Err(error)) if is_too_large(&error) => return Err(Some((close::TOO_LARGE, "the frame is too large"))),
            Some(Err(_)) => return Err(None),
        };
        if !bucket.take() {
            if bucket.refused > PATIENCE_FRAMES {
                metrics::counter!("plenum_event_sockets_flooding_total").increment(1);
                return Err(Some((close::TOO_MANY_FRAMES, "too many frames")));
            }
            let slower = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many frames. Slow down.");
            return self.send(Message::Text(frames::error(None, &slower.retry_after(1)).into())).await;
        }
        let Some(text) = text else { return Ok(()) };
        let work = requests::handle(&self.app, &mut self.listener, text.as_str());
        let answers = match timeout(self.app.request_timeout, work).await {
            Ok(answers) => answers,
            Err(_) => {
                let late = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "The server took too long.");
                vec![Answer::Text(frames::error(None, &late.retry_after(1)))]
            }
        };
        for answer in answers {
            self.feed(answer).await?;
        }
        self.flush().await
    }

    /// Sends an event and those that wait behind it. Whether the listener may still hear them is asked before each: an
    /// act that takes a right away puts the right in doubt before its event is in the queue.
    async fn send_events(&mut self, first: Arc<Frame>) -> Result<(), Goodbye> {
        let (mut next, mut count) = (Some(first), 0);
        while let Some(frame) = next {
            self.recheck_if_in_doubt().await?;
            if self.listener.listens_to(&frame) {
                self.feed(Answer::Event(frame)).await?;
            }
            count += 1;
            next = if count < BATCH { self.listener.queue().try_recv().ok() } else { None };
        }
        self.flush().await
    }

    async fn feed(&mut self, answer: Answer) -> Result<(), Goodbye> {
        let text = match answer {
            Answer::Text(text) => text.into(),
            Answer::Event(frame) => frame.text.clone(),
        };
        let signals = self.listener.signals();
        unless_ended(self.socket.feed(Message::Text(text)), signals.ended()).await
    }

    async fn flush(&mut self) -> Result<(), Goodbye> {
        let signals = self.listener.signals();
        unless_ended(self.socket.flush(), signals.ended()).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Goodbye> {
        let signals = self.listener.signals();
        unless_ended(self.socket.send(message), signals.ended()).await
    }
}

/// Writes; a socket that takes nothing for too long, or whose queue overflows meanwhile, is too slow.
async fn unless_ended(
    write: impl Future<Output = Result<(), axum::Error>>,
    ended: impl Future<Output = End>,
) -> Result<(), Goodbye> {
    tokio::select! {
        biased;
        written = timeout(WRITE_TIMEOUT, write) => match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(None),
            Err(_) => Err(Some(words(End::TooSlow))),
        },
        end = ended => Err(Some(words(end))),
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    error.to_string().contains("too long") || error.to_string().contains("too big")
}
