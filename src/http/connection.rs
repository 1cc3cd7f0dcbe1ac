//! One connection, from accept to close: TLS, HTTP/1 or HTTP/2, upgrades, time limits.
//!
//! In: an accepted stream and the router. Out: served requests. Requests carry who sent them
//! as extensions ([`ConnectInfo`], and [`Scheme`] for whether it is encrypted). It decides nothing about requests.
//!
//! Time limits: the head of the first request, TLS included, has `header` from accept; on HTTP/1 the head of every
//! further request has the same (which also ends idle connections); HTTP/2 connections without a request end after
//! `idle`. After an upgrade the connection belongs to the WebSocket's task and only keeps its place at the gate.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::uri::{PathAndQuery, Scheme, Uri};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::gate::{Gate, Permit};
use super::tls::Tls;
use super::too_long::Explained;

/// Largest head of a request, its URI included: a join request with an uncompressed offer is about 20 KiB.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Requests that one HTTP/2 connection may have open; a page with many assets uses some dozens.
const MAX_HTTP2_STREAMS: u32 = 128;

/// Told to a refused plain HTTP client.
const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 10\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// How bytes travel on a listener.
#[derive(Clone)]
pub(crate) enum Transport {
    Plain,
    Tls(Arc<Tls>),
}

/// Time limits of connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeLimits {
    /// To the whole head of a request.
    pub(crate) header: Duration,
    /// Without a request, on HTTP/2.
    pub(crate) idle: Duration,
}

/// Everything that serving a connection needs; one for all listeners.
pub(crate) struct Connections {
    router: Router,
    gate: Arc<Gate>,
    limits: TimeLimits,
    builder: auto::Builder<TokioExecutor>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Connections {
    /// `stop` ends every connection after the request it is in; `tasks` counts those that are still open.
    pub(crate) fn new(
        router: Router,
        gate: Arc<Gate>,
        limits: TimeLimits,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.header).max_buf_size(MAX_HEAD_BYTES);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(limits.idle)
            .keep_alive_timeout(limits.header)
            .max_concurrent_streams(MAX_HTTP2_STREAMS)
            .max_header_list_size(MAX_HEAD_BYTES as u32);
        Arc::new(Self { router, gate, limits, builder, stop, tasks })
    }

    /// Serves a new connection on a task of its own, if there is a place for it.
    pub(crate) fn admit(self: &Arc<Self>, stream: TcpStream, address: SocketAddr, transport: Transport) {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        match self.gate.admit(address.ip()) {
            Ok(permit) => {
                let this = self.clone();
                self.tasks.spawn(async move { this.serve(stream, address, transport, Arc::new(permit)).await });
            }
            Err(refusal) => {
                count_closed(refusal.label());
                if matches!(transport, Transport::Plain) {
                    // A courtesy: if the buffer of a fresh socket is full, there is nobody to tell.
                    let _ = stream.try_write(BUSY);
                }
            }
        }
    }

    async fn serve(&self, stream: TcpStream, address: SocketAddr, transport: Transport, permit: Arc<Permit>) {
        let deadline = Instant::now() + self.limits.header;
        // Nothing is allocated for a connection that says nothing.
        let spoke = tokio::select! {
            readable = stream.readable() => readable.is_ok(),
            () = permit.evicted() => { count_closed("evicted"); false }
            () = tokio::time::sleep_until(deadline) => { count_closed("silent"); false }
            () = self.stop.cancelled() => false,
        };
        if !spoke {
            return;
        }
        let counted = Counted { stream, _permit: permit.clone() };
        match transport {
            Transport::Plain => {
                self.serve_http(counted, Caller { peer: address, encrypted: false }, permit, deadline).await;
            }
            Transport::Tls(tls) => {
                let handshake = tls.acceptor().accept(counted);
                let stream = tokio::select! {
                    result = tokio::time::timeout_at(deadline, handshake) => result,
                    () = permit.evicted() => return count_closed("evicted"),
                };
                match stream {
                    Ok(Ok(stream)) => {
                        self.serve_http(stream, Caller { peer: address, encrypted: true }, permit, deadline).await;
                    }
                    Ok(Err(_)) | Err(_) => count_closed("tls_handshake"),
                }
            }
        }
    }

    async fn serve_http<S>(&self, stream: S, from: Caller, permit: Arc<Permit>, deadline: Instant)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Arc::new(Activity::default());
        let service = service_fn(|request| {
            let guard = activity.begin();
            if guard.is_first {
                permit.spoke();
            }
            answer(self.router.clone(), request, from, guard)
        });
        let mut connection =
            pin!(self.builder.serve_connection_with_upgrades(TokioIo::new(Explained::new(stream)), service));
        let mut stopping = false;
        let mut wake = deadline;
        loop {
            tokio::select! {
                // An error here is the client's going away or not speaking HTTP; both are its business.
                _ = connection.as_mut() => return,
                () = permit.evicted() => return count_closed("evicted"),
                () = self.stop.cancelled(), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = tokio::time::sleep_until(wake) => {
                    if !activity.has_begun() {
                        return count_closed("slow_header");
                    }
                    if !stopping && activity.idle_since().is_some_and(|since| since.elapsed() >= self.limits.idle) {
                        stopping = true;
                        connection.as_mut().graceful_shutdown();
                    }
                    wake = Instant::now() + self.limits.idle;
                }
            }
        }
    }
}

/// The other end, and whether the way to it is TLS.
#[derive(Clone, Copy)]
struct Caller {
    peer: SocketAddr,
    encrypted: bool,
}

/// Passes one request to the router.
async fn answer(
    router: Router,
    request: hyper::Request<Incoming>,
    from: Caller,
    guard: InFlight,
) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    collapse_slashes(request.uri_mut());
    request.extensions_mut().insert(ConnectInfo(from.peer));
    request.extensions_mut().insert(if from.encrypted { Scheme::HTTPS } else { Scheme::HTTP });
    let response = router.oneshot(request).await;
    drop(guard);
    response
}

/// SDKs that are given `ws://host/` ask for `//rtc`.
fn collapse_slashes(uri: &mut Uri) {
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    if !path.starts_with("//") {
        return;
    }
    let shorter = format!("/{}", path.trim_start_matches('/'));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = shorter.parse().ok();
    if let Ok(collapsed) = Uri::from_parts(parts) {
        *uri = collapsed;
    }
}

fn count_closed(reason: &'static str) {
    metrics::counter!("plenum_http_connections_closed_total", "reason" => reason).increment(1);
}

/// Whether a connection does anything.
#[derive(Debug, Default)]
struct Activity {
    begun: AtomicUsize,
    in_flight: AtomicUsize,
    last_end: Mutex<Option<Instant>>,
}

impl Activity {
    fn begin(self: &Arc<Self>) -> InFlight {
        let is_first = self.begun.fetch_add(1, Ordering::Relaxed) == 0;
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight { activity: self.clone(), is_first }
    }

    fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed) > 0
    }

    /// Since when there has been no request; `None` while there is one.
    fn idle_since(&self) -> Option<Instant> {
        if self.in_flight.load(Ordering::Relaxed) > 0 {
            return None;
        }
        *self.last_end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request between its head and the head of its answer.
struct InFlight {
    activity: Arc<Activity>,
    is_first: bool,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.activity.in_flight.fetch_sub(1, Ordering::Relaxed);
        *self.activity.last_end.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// A stream that keeps its place at the gate for as long as it lives, also when an upgrade has taken it out of HTTP.
struct Counted {
    stream: TcpStream,
    _permit: Arc<Permit>,
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_slashes_collapse_and_nothing_else_changes() {
        for (before, after) in [
            ("//rtc?access_token=a//b", "/rtc?access_token=a//b"),
            ("///", "/"),
            ("/a//b", "/a//b"),
            ("http://host//rtc/v1", "http://host/rtc/v1"),
        ] {
            let mut uri: Uri = before.parse().expect("a URI");
            collapse_slashes(&mut uri);
            assert_eq!(uri.to_string(), after);
        }
    }
}
